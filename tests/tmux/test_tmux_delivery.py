"""Text into a pane: exactly one bracketed block, then Enter; or nothing at all."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from fleet_tui.domain.states import MessageState
from fleet_tui.tmux import delivery
from fleet_tui.tmux.delivery import DeliveryUncertain, WrongPane, deliver, pasteable, send_keys
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from tests.tmux.tmux_support import CONFIG, python, until

# Asks for bracketed paste like an agent's prompt does and writes down every byte it gets.
RECORDER = """
import os, sys, tty
tty.setraw(0)
sys.stdout.write('\\x1b[?2004h'); sys.stdout.flush()
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
while data := os.read(0, 65536): os.write(log, data)
"""
ESCAPES = (
    "\x1b[201~",
    "\x1b[200~",
    "\x9b201~",
    "\x1b",
    "\x03",
    "\x04",
    "\x1a",
    "\r",
    "\x1b[A",
    "\x1bc",
    "\x1b]52;c;AAAA\x07",
    "\x00",
)
WORDS = (
    "hello",
    ";",
    "a;",
    "-x",
    "--",
    "$HOME",
    "`id`",
    "#{pane_id}",
    "#(id)",
    "'",
    '"',
    "\\",
    "é漢👩\u200d💻",
    "a\u202eb",
    "two\nlines",
    "\ttab",
    "Enter",
    "C-c",
)


def payloads() -> list[str]:
    """A hundred texts: each escape at each end and in the middle of something, and each word by itself and mixed."""
    chance = random.Random(7)
    texts = (
        [f"before{escape}after" for escape in ESCAPES]
        + [f"{escape}some text{escape}" for escape in ESCAPES]
        + list(WORDS)
    )
    while len(texts) < 100:
        texts.append("".join(chance.choice(ESCAPES + WORDS) for _ in range(chance.randint(2, 8))) + "z")
    return texts


class Receipts(list[MessageState]):
    async def __call__(self, state: MessageState) -> None:
        self.append(state)


async def recorder(tmux: TmuxServer, name: str, log: Path) -> PaneInfo:
    pane = await tmux.spawn(name, (*python(RECORDER), str(log)), cwd=log.parent, uuid=f"uuid-{name}")
    await until(log.exists)
    return pane


async def test_a_hundred_payloads_arrive_as_one_block_each(
    tmux: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DRAWS_S", 0.0)
    log = short_dir / "log"
    pane = await recorder(tmux, "run-1", log)
    expected = b""
    for text in payloads():
        receipts = Receipts()
        await deliver(tmux, pane, text, on_receipt=receipts)
        assert receipts == [MessageState.TYPED, MessageState.SUBMITTED]
        expected += b"\x1b[200~" + pasteable(text).encode() + b"\x1b[201~\r"
    await until(lambda: log.stat().st_size >= len(expected))
    assert log.read_bytes() == expected
    assert expected.count(b"\x1b") == 2 * len(payloads())
    assert (await tmux.run("list-buffers")).out == b""


# Busy for a while when a paste comes; an Enter that has come before it drew, or just after it, is a part of the paste.
SLOW = """
import os, select, sys, time, tty
tty.setraw(0)
sys.stdout.write('\\x1b[?2004h'); sys.stdout.flush()
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
select.select([0], [], [])
time.sleep(0.4)
os.write(log, os.read(0, 65536) + b'|')
if select.select([0], [], [], 0)[0]: os.write(log, os.read(0, 65536) + b'|')
began = time.monotonic()
sys.stdout.write('drawn'); sys.stdout.flush()
key = os.read(0, 65536)
os.write(log, key if time.monotonic() - began > 0.15 else key + b'|')
while data := os.read(0, 65536): os.write(log, data)
"""


async def test_enter_waits_for_a_program_that_is_slow_to_draw(
    tmux: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DRAWS_S", 30.0)
    log = short_dir / "log"
    pane = await tmux.spawn("run-1", (*python(SLOW), str(log)), cwd=short_dir, uuid="uuid-run-1")
    await until(log.exists)
    await deliver(tmux, pane, "hello", on_receipt=Receipts())
    await until(lambda: log.read_bytes().endswith(b"\r"))
    assert log.read_bytes() == b"\x1b[200~hello\x1b[201~|\r"


async def test_a_long_text_arrives_whole(tmux: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "DRAWS_S", 0.0)
    pane = await recorder(tmux, "run-1", short_dir / "log")
    text = "".join(f"line {number} of a long prompt\n" for number in range(5000))
    await deliver(tmux, pane, text, on_receipt=Receipts())
    expected = b"\x1b[200~" + text.encode() + b"\x1b[201~\r"
    await until(lambda: (short_dir / "log").stat().st_size >= len(expected))
    assert (short_dir / "log").read_bytes() == expected


async def test_copy_mode_does_not_swallow_it(
    tmux: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DRAWS_S", 0.0)
    log = short_dir / "log"
    pane = await recorder(tmux, "run-1", log)
    await tmux.run("copy-mode", "-t", pane.pane_id)
    await deliver(tmux, pane, "hello", on_receipt=Receipts())
    await until(lambda: log.read_bytes() == b"\x1b[200~hello\x1b[201~\r")
    await send_keys(tmux, pane, ["C-c", "Up", "y", "Enter"])
    await until(lambda: log.read_bytes().endswith(b"\r\x03\x1b[Ay\r"))


async def test_nothing_goes_to_another_life_of_the_pane(tmux: TmuxServer, short_dir: Path) -> None:
    old = await recorder(tmux, "run-1", short_dir / "old")
    await tmux.stop()
    await tmux.ensure()
    new = await recorder(tmux, "run-2", short_dir / "new")
    assert new.pane_id == old.pane_id
    receipts = Receipts()
    with pytest.raises(WrongPane):
        await deliver(tmux, old, "rm -rf", on_receipt=receipts)
    with pytest.raises(WrongPane):
        await send_keys(tmux, old, ["Enter"])
    await send_keys(tmux, new, ["x"])
    await until(lambda: (short_dir / "new").read_bytes() == b"x")
    assert receipts == []
    assert (await tmux.run("list-buffers")).out == b""


async def test_nothing_goes_to_a_neighbour_with_a_longer_name(tmux: TmuxServer, short_dir: Path) -> None:
    first = await recorder(tmux, "agent-1", short_dir / "one")
    tenth = await recorder(tmux, "agent-10", short_dir / "ten")
    await tmux.kill("agent-1")
    with pytest.raises(WrongPane):
        await deliver(tmux, first, "for agent 1 only", on_receipt=Receipts())
    await send_keys(tmux, tenth, ["x"])
    await until(lambda: (short_dir / "ten").read_bytes() == b"x")


async def test_nothing_goes_to_a_dead_pane(tmux: TmuxServer) -> None:
    pane = await tmux.spawn("run-1", ("true", "-"), cwd=Path("/"), uuid="uuid-0001")

    async def dead() -> PaneInfo | None:
        return next((found for found in await tmux.panes() or [] if found.dead), None)

    late: PaneInfo = await until(dead)
    for view in (late, pane):  # one that knows of the death and one that does not
        with pytest.raises(WrongPane):
            await deliver(tmux, view, "hello", on_receipt=Receipts())
        with pytest.raises(WrongPane):
            await send_keys(tmux, view, ["Enter"])
    assert (await tmux.run("list-buffers")).out == b""


async def test_what_is_no_message(tmux: TmuxServer) -> None:
    pane = await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001")
    for text in ("", "   \n", "\x1b[201~", "\u202e\u200b", "x" * 200_001):
        with pytest.raises(ValueError):
            await deliver(tmux, pane, text, on_receipt=Receipts())


async def test_what_is_no_key(tmux: TmuxServer) -> None:
    pane = await tmux.spawn("run-1", ("cat", "-"), cwd=Path("/"), uuid="uuid-0001")
    for key in ("", "rm -rf", "Enter ; kill-server", "';'", "#(id)", "é", "C-", "-l", "Enter\n", "Nokey"):
        with pytest.raises(ValueError):
            await send_keys(tmux, pane, ["Enter", key])


async def test_a_server_that_stops_answering_leaves_it_uncertain(tmux: TmuxServer, short_dir: Path) -> None:
    pane = await recorder(tmux, "run-1", short_dir / "log")
    info = await tmux.alive()
    assert info is not None
    impatient = TmuxServer(tmux.socket_name, config=CONFIG, limit_s=0.3)
    os.kill(info.pid, signal.SIGSTOP)
    try:
        with pytest.raises(DeliveryUncertain):
            await send_keys(impatient, pane, ["Enter"])
    finally:
        os.kill(info.pid, signal.SIGCONT)


async def test_every_byte_lands_in_its_pane_or_nowhere(
    tmux: TmuxServer, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random starts, ends, restarts and sends, by views that may be out of date."""
    monkeypatch.setattr(delivery, "DRAWS_S", 0.0)
    chance = random.Random(11)
    views: list[PaneInfo] = []
    living: set[str] = set()
    expected: dict[str, bytes] = {}
    for step in range(60):
        act = chance.random()
        if not views or act < 0.25:
            name = f"agent-{step}"
            views.append(await recorder(tmux, name, short_dir / name))
            living.add(name)
            expected[name] = b""
        elif act < 0.4:
            gone = chance.choice(views).session
            await tmux.kill(gone)
            living.discard(gone)
        elif act < 0.43:
            await tmux.stop()
            await tmux.ensure()
            living.clear()
        else:
            view = chance.choice(views)
            try:
                await deliver(tmux, view, f"to {view.session}", on_receipt=Receipts())
            except WrongPane:
                assert view.session not in living
            else:
                assert view.session in living
                expected[view.session] += f"\x1b[200~to {view.session}\x1b[201~\r".encode()
    for name in living:
        await until(lambda name=name: (short_dir / name).read_bytes() == expected[name])  # type: ignore[misc]
    for name in expected.keys() - living:
        assert expected[name].startswith((short_dir / name).read_bytes())
