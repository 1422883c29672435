"""Live frames with real panes: what changed, at once, at most so often, and never at the agents' cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import psutil
import pytest

from fleet_tui.tmux import floods, frames, signals
from fleet_tui.tmux.frames import Event, Frame, FrameSource, Gone, Rows, ServerLost
from fleet_tui.tmux.link import Command, Link, Reply
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from tests.tmux.tmux_support import python, until

ALL = Rows(0, -1)
# Sets single lines on request: `3 word` writes word on row 3.
PAINTER = """
import sys
while line := sys.stdin.readline():
    row, _, text = line.rstrip('\\n').partition(' ')
    sys.stdout.write('\\x1b[%d;1H\\x1b[K%s' % (int(row) + 1, text)); sys.stdout.flush()
"""


class Watcher:
    """Consumes a source in a task and keeps what came."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self.events: list[Event] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with contextlib.aclosing(self.source.frames()) as events:
            async for event in events:
                self.events.append(event)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def frames(self, uuid: str | None = None) -> list[Frame]:
        found = [event for event in self.events if isinstance(event, Frame)]
        return [frame for frame in found if uuid in {None, frame.uuid}]

    def screen(self, uuid: str) -> bytes:
        """The last picture, rows joined by newlines."""
        mine = self.frames(uuid)
        return b"\n".join(mine[-1].rows) if mine else b""

    async def shows(self, uuid: str, text: bytes) -> None:
        await until(lambda: text in self.screen(uuid))


Watch = Callable[..., Watcher]


@pytest.fixture
async def watch(tmux: TmuxServer) -> AsyncIterator[Watch]:
    """Start watching: panes and their rows."""
    watchers: list[Watcher] = []

    def start(visible: dict[str, Rows], **options: float) -> Watcher:
        source = FrameSource(tmux, **options)
        source.watch(visible)
        watchers.append(Watcher(source))
        return watchers[-1]

    yield start
    for watcher in watchers:
        await watcher.stop()


async def painter(tmux: TmuxServer, number: int) -> PaneInfo:
    argv = ("sh", "-c", 'stty -echo; exec "$@"', "sh", *python(PAINTER))
    return await tmux.spawn(f"run-{number}", argv, cwd=Path("/"), uuid=f"uuid-{number:04}", width=60, height=10)


async def paint(tmux: TmuxServer, pane: PaneInfo, row: int, text: str) -> None:
    await tmux.run("send-keys", "-t", pane.pane_id, "-l", f"{row} {text}\n")


async def test_first_frames_then_only_changed_rows(tmux: TmuxServer, watch: Watch) -> None:
    one, two = await painter(tmux, 1), await painter(tmux, 2)
    seen = watch({one.uuid: ALL, two.uuid: Rows(-4, -1)})
    await until(lambda: len(seen.frames()) >= 2)
    first = seen.frames(two.uuid)[0]
    assert (first.first, len(first.rows), first.width, first.height) == (6, 4, 60, 10)
    assert first.changed == (0, 1, 2, 3)
    assert seen.source.in_force == "push"
    await paint(tmux, one, 3, "hello")
    await seen.shows(one.uuid, b"hello")
    assert seen.frames(one.uuid)[-1].changed == (3,)
    assert seen.frames(one.uuid)[-1].rows[3] == b"hello"
    await paint(tmux, two, 0, "above the visible rows")
    await paint(tmux, two, 7, "visible")
    await seen.shows(two.uuid, b"visible")
    assert [frame.changed for frame in seen.frames(two.uuid)[1:]] == [(1,)]


async def test_colours_come_as_captured(tmux: TmuxServer, watch: Watch) -> None:
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await paint(tmux, pane, 0, "\x1b[31mred\x1b[m")
    await seen.shows(pane.uuid, b"\x1b[31mred")


async def test_what_becomes_visible_is_captured_at_once(tmux: TmuxServer, watch: Watch) -> None:
    one, two = await painter(tmux, 1), await painter(tmux, 2)
    seen = watch({one.uuid: ALL})
    await paint(tmux, two, 0, "while nobody looked")
    await paint(tmux, one, 0, "mark")
    await seen.shows(one.uuid, b"mark")
    assert seen.frames(two.uuid) == []
    seen.source.watch({two.uuid: ALL})
    await seen.shows(two.uuid, b"while nobody looked")
    await paint(tmux, two, 1, "and then")
    await seen.shows(two.uuid, b"and then")
    seen.source.watch({two.uuid: Rows(1, 1)})
    await until(lambda: seen.frames(two.uuid)[-1].rows == (b"and then",))
    assert seen.frames(two.uuid)[-1].first == 1


async def test_a_pane_that_starts_later_is_found(tmux: TmuxServer, watch: Watch) -> None:
    seen = watch({"uuid-0001": ALL})
    await until(lambda: Gone("uuid-0001", dead=False) in seen.events)
    pane = await painter(tmux, 1)
    await paint(tmux, pane, 0, "late")
    await seen.shows(pane.uuid, b"late")


async def test_every_last_word_is_shown(tmux: TmuxServer, watch: Watch) -> None:
    """A change is never lost, whenever it falls in the cycle of signal, re-arming and capture."""
    panes = [await painter(tmux, number) for number in range(4)]
    seen = watch({pane.uuid: ALL for pane in panes})
    for step in range(60):
        pane = panes[step % 4]
        await paint(tmux, pane, step % 10, f"step {step}")
        if step % 3 == 0:
            await seen.shows(pane.uuid, b"step %d" % step)
        if step % 7 == 0:
            seen.source.watch({pane.uuid: ALL for pane in panes})
    for step in range(56, 60):
        await seen.shows(panes[step % 4].uuid, b"step %d" % step)


async def test_no_process_is_started_in_steady_state(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    panes = [await painter(tmux, number) for number in range(3)]
    info = await tmux.alive()
    assert info is not None
    ticker = await tmux.spawn(
        "run-t",
        python("import time\nfor n in range(10000): print(n, flush=True); time.sleep(0.02)"),
        cwd=Path("/"),
        uuid="uuid-tick",
    )
    seen = watch({pane.uuid: ALL for pane in (*panes, ticker)})
    await until(lambda: len(seen.frames(ticker.uuid)) > 3)
    started: list[object] = []

    def counted(*arguments: object, **_: object) -> None:
        started.append(arguments)
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", counted)
    monkeypatch.setattr(os, "posix_spawn", counted)
    ours = {child.pid for child in psutil.Process().children(recursive=True)}
    theirs = {child.pid for child in psutil.Process(info.pid).children(recursive=True)}
    before = len(seen.frames(ticker.uuid))
    await until(lambda: len(seen.frames(ticker.uuid)) > before + 20)
    assert started == []
    assert {child.pid for child in psutil.Process().children(recursive=True)} == ours
    assert {child.pid for child in psutil.Process(info.pid).children(recursive=True)} == theirs


async def test_nothing_is_asked_while_nothing_changes(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await paint(tmux, pane, 0, "before")
    await seen.shows(pane.uuid, b"before")
    turns = 0
    take = signals.PushSignal.dirty

    async def counted(self: signals.PushSignal) -> frozenset[str]:
        nonlocal turns
        turns += 1
        return await take(self)

    monkeypatch.setattr(signals.PushSignal, "dirty", counted)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.6):
            await asyncio.Event().wait()  # quiet time is what is measured here
    assert turns <= 5  # the tail of the change before; at thirty a second it would be eighteen
    await paint(tmux, pane, 0, "after")
    await seen.shows(pane.uuid, b"after")


async def test_a_flood_is_shown_a_few_times_a_second_and_to_its_end(
    tmux: TmuxServer, watch: Watch, short_dir: Path
) -> None:
    code = (
        "import time, pathlib\nend = time.monotonic() + 4\nn = 0\n"
        "while time.monotonic() < end:\n n += 1\n print('line %d' % n)\n"
        "print('the last line', flush=True)\npathlib.Path('done').touch()\ninput()\n"
    )
    flood = await tmux.spawn("run-1", python(code), cwd=short_dir, uuid="uuid-0001")
    calm = await painter(tmux, 2)
    seen = watch({flood.uuid: ALL, calm.uuid: ALL})
    await until(lambda: len(seen.frames(flood.uuid)) >= 10)
    before, started = len(seen.frames(flood.uuid)), time.monotonic()
    for step in range(5):
        await paint(tmux, calm, step, f"step {step}")
        await seen.shows(calm.uuid, b"step %d" % step)
    await until((short_dir / "done").exists, 20.0)
    frames_shown = len(seen.frames(flood.uuid)) - before
    assert frames_shown <= floods.FLOOD_FPS * (time.monotonic() - started) + 2
    await seen.shows(flood.uuid, b"the last line")


async def test_one_capture_for_each_changed_screen(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    panes = [await painter(tmux, number) for number in range(4)]
    seen = watch({pane.uuid: ALL for pane in panes})
    await until(lambda: len(seen.frames()) >= 4)
    captures, send = 0, Link.send

    def counted(self: Link, commands: Sequence[Command]) -> list[asyncio.Future[Reply]]:
        nonlocal captures
        captures += sum(command.words[0] == "capture-pane" for command in commands)
        return send(self, commands)

    monkeypatch.setattr(Link, "send", counted)
    monkeypatch.setattr(frames, "WATCHDOG_S", 3600.0)
    before = len(seen.frames())
    for step in range(80):
        await paint(tmux, panes[step % 4], step % 10, f"step {step}")
        await seen.shows(panes[step % 4].uuid, b"step %d" % step)
    shown = len(seen.frames()) - before
    assert shown >= 80
    assert captures <= 1.1 * shown


async def test_no_more_frames_than_asked_for(tmux: TmuxServer, watch: Watch) -> None:
    argv = ("sh", "-c", "n=0; while :; do n=$((n+1)); echo $n; done")
    pane = await tmux.spawn("run-1", argv, cwd=Path("/"), uuid="uuid-0001", width=40, height=5)
    seen = watch({pane.uuid: ALL}, max_fps=10.0)
    await until(lambda: len(seen.frames()) >= 2)
    begin, count = time.monotonic(), len(seen.frames())
    await until(lambda: len(seen.frames()) >= count + 8)
    assert time.monotonic() - begin >= 0.69  # eight frames at ten a second, less one for where the count began
    seen.source.max_fps = 1000.0
    count = len(seen.frames())
    await until(lambda: len(seen.frames()) >= count + 8)


async def test_paused_and_resumed(tmux: TmuxServer, watch: Watch) -> None:
    one, two = await painter(tmux, 1), await painter(tmux, 2)
    seen, other = watch({one.uuid: ALL}), watch({one.uuid: ALL, two.uuid: ALL})
    await paint(tmux, one, 0, "before")
    await seen.shows(one.uuid, b"before")
    seen.source.pause()
    assert seen.source.in_force == "paused"
    await paint(tmux, one, 1, "meanwhile")
    await other.shows(one.uuid, b"meanwhile")
    assert b"meanwhile" not in seen.screen(one.uuid)
    seen.source.resume()
    await seen.shows(one.uuid, b"meanwhile")


async def test_two_rooms_both_see_every_change(tmux: TmuxServer, watch: Watch) -> None:
    pane = await painter(tmux, 1)
    rooms = [watch({pane.uuid: ALL}), watch({pane.uuid: ALL})]
    for room in rooms:
        await until(lambda room=room: room.frames())  # type: ignore[misc]
    for step in range(25):
        await paint(tmux, pane, step % 10, f"step {step}")
        for room in rooms:
            await room.shows(pane.uuid, b"step %d" % step)


async def test_rooms_leave_nothing_behind(tmux: TmuxServer, watch: Watch) -> None:
    async def left() -> tuple[bytes, bytes]:
        hooks = (await tmux.run("show-hooks", "-g")).out
        return hooks, (await tmux.run("show-options", "-g")).out

    pane = await painter(tmux, 1)
    hooks, _ = before = await left()
    # A room that was killed: process 1 << 22 cannot exist.
    stale = "set-option -gFa @fleet-room-4194304-00000000 x ; wait-for -S fleet-room-4194304-00000000"
    await tmux.run("set-hook", "-ga", "alert-activity", stale)
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    during, _ = await left()
    assert b"4194304" not in during
    assert during != hooks
    await seen.stop()
    assert await left() == before
    assert (await tmux.run("list-clients")).out == b""


async def test_a_dead_pane_keeps_its_screen(tmux: TmuxServer, watch: Watch) -> None:
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await paint(tmux, pane, 1, "last words")
    await seen.shows(pane.uuid, b"last words")
    await tmux.run("send-keys", "-t", pane.pane_id, "C-d")

    async def noticed() -> bool:
        await tmux.panes()  # as the watcher does: makes tmux notice an end whose signal it lost
        return Gone(pane.uuid, dead=True) in seen.events

    await until(noticed)
    assert b"last words" in seen.screen(pane.uuid)
    seen.source.watch({pane.uuid: Rows(1, 1)})  # nothing is written below the last words, so they do not move
    await until(lambda: seen.frames()[-1].rows == (b"last words",))
    await tmux.kill(pane.session)
    await until(lambda: seen.events[-1] == Gone(pane.uuid, dead=False))
    assert [event for event in seen.events if isinstance(event, Gone)] == [
        Gone(pane.uuid, dead=True),
        Gone(pane.uuid, dead=False),
    ]


async def test_a_pane_that_a_person_is_attached_to(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    terminal, other = pty.openpty()
    person = subprocess.Popen(tmux.attach_argv(pane.session), stdin=other, stdout=other, stderr=other)  # noqa: ASYNC220
    os.close(other)
    os.set_blocking(terminal, False)

    def drained() -> bool:
        with contextlib.suppress(OSError):
            os.read(terminal, 65536)
        return True

    async def attached() -> bool:
        return drained() and any(found.attached for found in await tmux.panes() or [])

    await until(attached)
    for step in range(3):
        await paint(tmux, pane, step, f"attached {step}")
        await until(lambda step=step: drained() and b"attached %d" % step in seen.screen(pane.uuid))  # type: ignore[misc]
    person.terminate()
    await until(lambda: drained() and person.poll() is not None)
    os.close(terminal)
    await paint(tmux, pane, 5, "alone again")
    await seen.shows(pane.uuid, b"alone again")


async def test_another_pane_with_the_same_id_is_not_shown(tmux: TmuxServer, watch: Watch) -> None:
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    await tmux.run("set-option", "-p", "-t", pane.pane_id, "@fleet_uuid", "uuid-other")
    await paint(tmux, pane, 0, "not for these eyes")
    await until(lambda: Gone(pane.uuid, dead=False) in seen.events)
    assert all(b"not for" not in b"".join(frame.rows) for frame in seen.frames())


async def test_a_lost_server_is_told_and_found_again(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "RETRY_S", 0.05)
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL, "uuid-0002": ALL})
    await until(lambda: seen.frames())
    info = await tmux.alive()
    assert info is not None
    os.kill(info.pid, signal.SIGKILL)
    await until(lambda: any(isinstance(event, ServerLost) for event in seen.events))
    await until(lambda: seen.source.in_force == "lost")
    await tmux.ensure()
    again = await painter(tmux, 2)
    await paint(tmux, again, 0, "new life")
    await seen.shows(again.uuid, b"new life")
    assert seen.source.in_force == "push"
    assert sum(isinstance(event, ServerLost) for event in seen.events) == 1


async def test_without_activity_flags_it_polls(tmux: TmuxServer, watch: Watch) -> None:
    await tmux.run("set-option", "-g", "monitor-activity", "off")
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await paint(tmux, pane, 0, "hello")
    await seen.shows(pane.uuid, b"hello")
    assert seen.source.in_force == "poll (no activity hooks)"


async def test_a_signal_that_fails_is_replaced(tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "WATCHDOG_S", 0.05)
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    await tmux.run("set-option", "-wg", "monitor-activity", "off")
    for step in range(8):
        await paint(tmux, pane, step, f"step {step}")
        await seen.shows(pane.uuid, b"step %d" % step)
    assert seen.source.in_force == "poll (activity flag failed)"
    assert await hooks(tmux) == ""  # nobody would read what they note


async def hooks(tmux: TmuxServer) -> str:
    """Those that rooms left in the server."""
    found = [(await tmux.run("show-hooks", "-g", hook)).out.decode() for hook in signals._HOOKS]
    return "".join(line for text in found for line in text.splitlines() if "fleet-room" in line)


async def test_changes_that_came_after_the_look_are_no_failure(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine much changes between what the signal told and the watchdog's look."""
    monkeypatch.setattr(frames, "WATCHDOG_S", 0.2)
    monkeypatch.setattr(frames, "SHARED_S", 0.2)
    panes = [await painter(tmux, number) for number in range(6)]
    rounds, unheard = 0, FrameSource._unheard

    async def late(self: FrameSource, link: Link) -> set[str]:
        nonlocal rounds
        rounds += 1
        for pane in panes:
            await paint(tmux, pane, 1, f"round {rounds}")
        await until(lambda: said(tmux, panes[-1], f"round {rounds}"))
        return await unheard(self, link)

    seen = watch({pane.uuid: ALL for pane in panes})
    await until(lambda: len(seen.frames()) >= 6)
    monkeypatch.setattr(FrameSource, "_unheard", late)
    await until(lambda: rounds >= 8)
    assert seen.source.in_force == "push"


async def said(tmux: TmuxServer, pane: PaneInfo, text: str) -> bool:
    return text in await tmux.capture(pane)


async def test_a_room_that_reads_nothing_does_not_make_the_server_grow(tmux: TmuxServer, watch: Watch) -> None:
    panes = [await painter(tmux, number) for number in range(3)]
    async with Link(tmux) as commands, Link(tmux) as waiting:
        stopped = signals.PushSignal(commands, waiting)
        assert await stopped.open()
        other = watch({pane.uuid: ALL for pane in panes})
        for step in range(30):
            await paint(tmux, panes[step % 3], 1, f"step {step}")
            await other.shows(panes[step % 3].uuid, b"step %d" % step)
        noted = (await commands.command("display-message", "-p", f"#{{{stopped._option}}}"))[0]
        assert sorted(noted.split()) == sorted(set(noted.split()))
        assert len(await stopped.dirty()) >= 3
        await stopped.close()


async def test_what_nobody_told_of_is_found_without_capturing_all(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "WATCHDOG_S", 0.05)
    monkeypatch.setattr(frames, "SHARED_S", 0.05)
    panes = [await painter(tmux, number) for number in range(6)]
    seen = watch({pane.uuid: ALL for pane in panes})
    await until(lambda: len(seen.frames()) >= 6)
    captured: list[str] = []
    rounds = 0
    send = Link.send

    def noted(self: Link, commands: Sequence[Command]) -> list[asyncio.Future[Reply]]:
        nonlocal rounds
        caught = [str(c.words[-1]) for c in commands if c.words[0] == "capture-pane"]
        captured.extend(caught)
        rounds = 0 if caught else rounds + sum(c.words[0] == "list-windows" for c in commands)
        return send(self, commands)

    monkeypatch.setattr(Link, "send", noted)
    # Panes that were captured in the second of their output are looked at once more; then they are known to rest.
    await until(lambda: rounds >= 10)
    captured.clear()
    await tmux.run("set-option", "-wg", "monitor-activity", "off")
    await paint(tmux, panes[2], 3, "unheard")
    await seen.shows(panes[2].uuid, b"unheard")
    assert set(captured) == {panes[2].pane_id}


async def test_now_and_then_everything_is_looked_at(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes a screen without output (the window became narrower) is no activity."""
    monkeypatch.setattr(frames, "WATCHDOG_S", 0.05)
    monkeypatch.setattr(frames, "THOROUGH_S", 0.2)
    pane = await painter(tmux, 1)
    await paint(tmux, pane, 0, "a long line that wraps")
    seen = watch({pane.uuid: ALL})
    await seen.shows(pane.uuid, b"a long line that wraps")
    await tmux.run("resize-window", "-t", f"={pane.session}:", "-x", "12", "-y", str(pane.height))
    await until(lambda: seen.frames()[-1].width == 12)


async def test_stopped_clients_do_not_stall_a_bursting_agent(tmux: TmuxServer, watch: Watch, short_dir: Path) -> None:
    code = (
        "import sys, pathlib\nsys.stdin.readline()\n"
        "for n in range(60000): print('%d ' % n + 'x' * 100)\n"
        "pathlib.Path('done').touch()\nsys.stdin.readline()\n"
    )
    pane = await tmux.spawn("run-1", python(code), cwd=short_dir, uuid="uuid-0001")
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    info = await tmux.alive()
    assert info is not None
    clients = [int(pid) for pid in (await tmux.run("list-clients", "-F", "#{client_pid}")).out.split()]
    assert len(clients) == 2
    for pid in clients:
        os.kill(pid, signal.SIGSTOP)
    seen.source.pause()
    try:
        before = psutil.Process(info.pid).memory_info().rss
        await tmux.run("send-keys", "-t", pane.pane_id, "Enter")
        await until((short_dir / "done").exists, 20.0)
        grown = psutil.Process(info.pid).memory_info().rss - before
        assert grown < 8_000_000  # 6 MB of output; its history of 5000 lines is kept, the rest must not be
    finally:
        for pid in clients:
            os.kill(pid, signal.SIGCONT)
    seen.source.resume()
    await seen.shows(pane.uuid, b"59999 ")


@pytest.mark.parametrize(
    ("rows", "height", "expected"),
    [
        (Rows(0, -1), 24, (0, 23)),
        (Rows(-5, -1), 24, (19, 23)),
        (Rows(-5, -1), 3, (0, 2)),
        (Rows(4, 99), 10, (4, 9)),
        (Rows(20, 30), 10, (9, 9)),
        (Rows(5, 2), 10, (2, 2)),
    ],
)
def test_rows_stay_within_the_pane(rows: Rows, height: int, expected: tuple[int, int]) -> None:
    assert rows.within(height) == expected


@pytest.mark.parametrize("then", [{}, {"uuid-0001": Rows(2, 3)}], ids=["nothing", "other rows"])
async def test_another_view_while_a_capture_is_under_way(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch, then: dict[str, Rows]
) -> None:
    """A person turns to another screen, or scrolls, while tmux answers: what it says is of rows no longer wanted."""
    pane = await painter(tmux, 1)
    watcher = watch({"uuid-0001": Rows(0, 1)})
    await paint(tmux, pane, 0, "zero")
    await paint(tmux, pane, 2, "two")
    await watcher.shows("uuid-0001", b"zero")
    batch = Link.batch

    async def turned(link: Link, commands: Sequence[Command], **options: float) -> list[Reply]:
        replies = await batch(link, commands, **options)
        if any(command.words[0] == "capture-pane" for command in commands):
            monkeypatch.undo()
            watcher.source.watch(then)
        return replies

    monkeypatch.setattr(Link, "batch", turned)
    await paint(tmux, pane, 1, "one")
    await until(lambda: Link.batch is batch)
    watcher.source.watch({"uuid-0001": Rows(2, 3)})
    await watcher.shows("uuid-0001", b"two")
    assert all(b"zero" not in b"".join(frame.rows) for frame in watcher.frames() if frame.first == 2)


class SlowLink:
    """Stands in for tmux: one pane, and answers to captures that wait until the test lets them go."""

    def __init__(self) -> None:
        self.asked, self.go, self.answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def command(self, *words: str) -> list[bytes]:
        assert words[0] == "list-panes"
        return [b"@1 run-1 %1 uuid-0001 77 0   80 24 0"]

    async def batch(self, commands: Sequence[Command]) -> list[Reply]:
        self.asked.set()
        await self.go.wait()
        self.answered.set()
        rows = (b"hello",) + (b"",) * 23
        return [Reply(True, rows, b"uuid-0001 80 24 0 0") for _ in commands]


async def test_nothing_is_watched_any_more_when_the_answer_comes() -> None:
    """A person turns to a screen without panes, or attaches, while a capture is under way."""
    source, link, seen = FrameSource(TmuxServer("fleet-test-none")), SlowLink(), []
    source.watch({"uuid-0001": ALL})

    async def consume() -> None:
        async for event in source._loop(link, signals.PollSignal(0.001)):  # type: ignore[arg-type]
            seen.append(event)  # noqa: PERF401 - each as it comes, not all at the end

    task = asyncio.create_task(consume())
    try:
        await asyncio.wait_for(link.asked.wait(), 5)
        source.watch({})
        link.go.set()
        await asyncio.wait_for(link.answered.wait(), 5)
        source.watch({"uuid-0001": ALL})
        await until(lambda: bool(seen) or task.done())
    finally:
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    assert [event.rows[0] for event in seen if isinstance(event, Frame)] == [b"hello"]
