"""How rooms learn of changes: side by side, after a loss, and where tmux does not tell."""

from __future__ import annotations

import os
import signal

import pytest

from fleet_tui.tmux import frames, signals
from fleet_tui.tmux.frames import FrameSource, ServerLost
from fleet_tui.tmux.link import Link
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from tests.tmux.frames_support import ALL, Watch, paint, painter
from tests.tmux.tmux_support import until


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
