"""Live frames with real panes: what changed, at once, and of nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
from collections.abc import Sequence

import pytest

from fleet_tui.tmux import signals
from fleet_tui.tmux.frames import Frame, FrameSource, Gone, Rows
from fleet_tui.tmux.link import Command, Link, Reply
from fleet_tui.tmux.server import TmuxServer
from tests.tmux.frames_support import ALL, Watch, paint, painter
from tests.tmux.tmux_support import until


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
        await asyncio.wait_for(link.asked.wait(), 60)
        source.watch({})
        link.go.set()
        await asyncio.wait_for(link.answered.wait(), 60)
        source.watch({"uuid-0001": ALL})
        await until(lambda: bool(seen) or task.done())
    finally:
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    assert [event.rows[0] for event in seen if isinstance(event, Frame)] == [b"hello"]
