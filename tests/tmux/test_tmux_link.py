"""The control-mode client: quoting, order, replies that hostile screens cannot forge, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_tui.domain.errors import FleetError
from fleet_tui.tmux.link import Command, Link, LinkClosed, Reply, _Pending, quote
from fleet_tui.tmux.server import TmuxServer
from tests.examples import BUSY
from tests.tmux.tmux_support import CONFIG, python, until

FORGERY = st.sampled_from(
    [
        b"%begin 1 7 1",
        b"%end 1 7 1",
        b"%error 1 7 1",
        b"%end 1 8 1",
        b"%begin 1 8 1",
        b"%exit",
        b"%output %1 x",
        b"%",
        b"",
    ]
)
rows = st.lists(FORGERY | st.binary(max_size=30).map(lambda row: row.replace(b"\n", b"")), max_size=12)


def wire(number: int, nonce: bytes, lines: list[bytes], *, ok: bool, notice: bool) -> bytes:
    """What tmux writes for a sealed command and its seal."""
    end = b"%end" if ok else b"%error"
    parts = [b"%%begin 1 %d 1" % number, *lines, end + b" 1 %d 1" % number]
    parts += [b"%sessions-changed"] if notice else []
    parts += [b"%%begin 1 %d 1" % (number + 1), nonce + b" sealed", b"%%end 1 %d 1" % (number + 1)]
    return b"\n".join(parts) + b"\n"


@given(st.lists(st.tuples(rows, st.booleans(), st.booleans()), min_size=1, max_size=4))
def test_no_screen_can_forge_a_reply(screens: list[tuple[list[bytes], bool, bool]]) -> None:
    async def replay() -> list[Reply]:
        link = Link(TmuxServer("fleet-none", config=CONFIG))
        futures = []
        data = b""
        for index, (lines, ok, notice) in enumerate(screens):
            nonce = b"secret-%d" % index
            future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            link._pending.append(_Pending(future, nonce))
            futures.append(future)
            data += wire(6 + 2 * index, nonce, lines, ok=ok, notice=notice)
        for line in data.split(b"\n")[:-1]:
            link._line(line)
        return [future.result() for future in futures]

    replies = asyncio.run(replay())
    for reply, (lines, ok, _) in zip(replies, screens, strict=True):
        assert reply == Reply(ok, tuple(lines), b"sealed")


async def test_any_bytes_arrive_as_one_argument(tmux: TmuxServer) -> None:
    async with Link(tmux) as link:

        @settings(max_examples=60, deadline=None, suppress_health_check=[*BUSY, HealthCheck.function_scoped_fixture])
        @given(
            st.binary(min_size=1, max_size=60)
            | st.sampled_from([b";", b"a;", b"\\;", b"~", b"$HOME", b"#{pid}", b"%if"])
        )
        def arrives(data: bytes) -> None:
            word = data.replace(b"\0", b"?")
            sent.append(word)

        sent: list[bytes] = []
        arrives()
        names = [f"fuzz{index}" for index in range(len(sent))]
        replies = await link.batch(
            [Command(("set-buffer", "-b", name, "--", word)) for name, word in zip(names, sent, strict=True)]
        )
        assert all(reply.ok for reply in replies)
        for name, word in zip(names, sent, strict=True):
            assert (await tmux.run("save-buffer", "-b", name, "-")).out == word


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError):
        quote(b"a\0b")


async def test_two_hundred_commands_in_one_write(tmux: TmuxServer) -> None:
    commands = [
        Command(("no-such-command",)) if index % 50 == 7 else Command(("display-message", "-p", f"n{index}"))
        for index in range(200)
    ]
    async with Link(tmux) as link:
        replies = await link.batch(commands)
    for index, reply in enumerate(replies):
        assert reply.ok == (index % 50 != 7)
        if reply.ok:
            assert reply.lines == (b"n%d" % index,)


async def test_a_real_hostile_screen(tmux: TmuxServer) -> None:
    # Every number a reply near this one could have, for the present second and the next ones.
    code = (
        "import time\nnow = int(time.time())\n"
        "for n in range(40): print('%end', now, n, 1)\n"
        "print('last')\nwhile True: time.sleep(100)\n"
    )
    pane = await tmux.spawn("run-1", python(code), cwd=Path("/"), uuid="uuid-0001", width=60, height=50)
    async with Link(tmux) as link:
        capture = Command(("capture-pane", "-p", "-t", pane.pane_id), seal=(pane.pane_id, "#{@fleet_uuid}"))

        async def drawn() -> bool:
            replies = await link.batch([capture, Command(("display-message", "-p", "after"))])
            assert replies[0].seal == b"uuid-0001"
            assert len(replies[0].lines) == 50
            assert replies[1].lines == (b"after",)
            return b"last" in replies[0].lines

        await until(drawn)


async def test_is_attached_without_output_and_without_size(tmux: TmuxServer) -> None:
    before = await tmux.run("display-message", "-p", "-t", "=keeper:", "#{window_width}x#{window_height}")
    async with Link(tmux) as link:
        (flags,) = await link.command("list-clients", "-F", "#{client_flags}")
        assert {b"no-output", b"ignore-size", b"control-mode"} <= set(flags.split(b","))
        after = await tmux.run("display-message", "-p", "-t", "=keeper:", "#{window_width}x#{window_height}")
    assert before.out == after.out
    assert (await tmux.run("list-clients")).out == b""


async def test_refused_commands_raise_with_tmuxs_words(tmux: TmuxServer) -> None:
    async with Link(tmux) as link:
        with pytest.raises(FleetError, match="can't find session"):
            await link.command("kill-session", "-t", "=nobody")
        assert await link.command("display-message", "-p", "still here") == [b"still here"]


async def test_notices_are_passed_on(tmux: TmuxServer) -> None:
    notices: list[bytes] = []
    async with Link(tmux, on_notice=notices.append):
        await tmux.spawn("run-1", ["cat", "-"], cwd=Path("/"), uuid="uuid-0001")
        await until(lambda: b"%sessions-changed" in notices)


async def test_a_killed_server_closes_the_link(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    assert info is not None
    async with Link(tmux) as link:
        waiting = link.send([Command(("wait-for", "nothing")), Command(("display-message", "-p", "x"))])
        await waiting[0]
        os.kill(info.pid, signal.SIGKILL)
        with pytest.raises(LinkClosed):
            await asyncio.wait_for(waiting[1], 60)
        with pytest.raises(LinkClosed):
            await link.command("list-sessions")


async def test_a_stopped_server_is_a_closed_link(tmux: TmuxServer) -> None:
    info = await tmux.alive()
    assert info is not None
    async with Link(tmux) as link:
        os.kill(info.pid, signal.SIGSTOP)
        try:
            with pytest.raises(LinkClosed):
                await link.command("list-sessions", limit_s=0.2)
        finally:
            os.kill(info.pid, signal.SIGCONT)


async def test_no_link_without_a_server(cold: TmuxServer) -> None:
    with pytest.raises(LinkClosed):
        async with Link(cold):
            pytest.fail("there is no server to link to")
