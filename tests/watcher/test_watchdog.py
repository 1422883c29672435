"""A pass that does not end: told while it lasts, by name, and over when it goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner

from fleet_tui.cli.status import status
from fleet_tui.domain.states import AlarmState
from fleet_tui.watcher import daemon, watchdog
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.loop import Loop
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, until


@asynccontextmanager
async def going_round(fleet: Fleet, blocked: dict[str, asyncio.Event], limit_s: float) -> AsyncIterator[None]:
    """The loop with passes of these names, each of which waits for its event; and the watchdog."""
    loop = Loop(fleet.ctx)

    async def wait(name: str) -> None:
        await blocked[name].wait()

    async def free(_: Context) -> None:
        return

    loop._passes = [(name, lambda _, name=name: wait(name)) for name in blocked] + [("free", free)]
    tasks = [
        asyncio.create_task(loop.run()),
        asyncio.create_task(watchdog.watch(fleet.ctx, limit_s=limit_s, look_s=0.02)),
    ]
    try:
        yield
    finally:
        fleet.ctx.stopping = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_stuck_pass_is_told_by_name_until_it_goes_on(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    blocked = {"observe risk": asyncio.Event(), "meter": asyncio.Event()}
    async with going_round(fleet, blocked, 0.2):
        (alarm,) = await until(lambda: fleet.alarms(watchdog.RULE))
        assert "`observe risk`" in alarm.title
        assert alarm.priority == 1
        answer = await fleet.person.answer("kim", "status", {})
        assert (answer["pass"], answer["pass_age_s"]) == ("observe risk", 0)
        blocked["observe risk"].set()
        await until(lambda: ["`meter`" in alarm.title for alarm in fleet.alarms(watchdog.RULE)] == [True])
        blocked["meter"].set()
        await until(lambda: not fleet.alarms(watchdog.RULE))
    assert len(fleet.events("alarm_raised")) == 2


async def test_passes_that_end_are_not_told(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    async with going_round(fleet, {}, 0.2):
        begun_s = time.monotonic()

        def looked_long_enough() -> bool:
            fleet.ctx.wake.set()
            return time.monotonic() - begun_s > 0.6

        await until(looked_long_enough)
    assert fleet.events("alarm_raised") == []


async def test_what_was_told_before_a_restart_is_over_when_the_loop_goes(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    async with going_round(fleet, {"meter": asyncio.Event()}, 0.1):
        await until(lambda: fleet.alarms(watchdog.RULE))
    fleet.ctx.passing, fleet.ctx.stopping = None, False
    async with going_round(fleet, {}, 30):
        await until(lambda: not fleet.alarms(watchdog.RULE))


async def test_status_says_it(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await make_fleet()
    monkeypatch.setattr("fleet_tui.cli.status.is_locked", lambda _path: True)
    words = ["--repo", str(fleet.ctx.paths.repository)]
    async with going_round(fleet, {"meter": asyncio.Event()}, 0.1):
        await until(lambda: fleet.alarms(watchdog.RULE))
        said = await asyncio.to_thread(CliRunner().invoke, status, words)
    assert "watcher STALLED" in said.output
    assert "stuck in the pass `meter`" in said.output


async def test_a_blocked_event_loop_is_written_down_with_its_place(
    make_fleet: MakeFleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = await make_fleet()

    def block_here() -> None:
        deadline_s = time.monotonic() + 60
        while "event loop" not in caplog.text and time.monotonic() < deadline_s:
            time.sleep(0.01)  # what it is about: nothing else can go on

    with caplog.at_level(logging.ERROR):
        async with going_round(fleet, {}, 0.2):
            await asyncio.sleep(0)
            block_here()
    assert "the event loop does not go on" in caplog.text
    assert "block_here" in caplog.text


async def test_the_watcher_has_its_watchdog(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon's own wiring, with a pass of its own that hangs."""
    fleet = await make_fleet()
    hangs = asyncio.Event()

    async def hang(_: Context) -> None:
        await hangs.wait()

    monkeypatch.setattr("fleet_tui.watcher.loop.passes", lambda _cursor: [("reclaim workspaces", hang)])
    monkeypatch.setattr(watchdog.watch, "__kwdefaults__", {"limit_s": 0.2, "look_s": 0.02})
    ctx = fleet.ctx
    watcher = daemon.Watcher(ctx.paths, ctx.settings, ctx.store, "main")
    serving = asyncio.create_task(watcher._serve(ctx.settings))  # type: ignore[arg-type]
    alarm = await until(lambda: ctx.reader.alarms(AlarmState.ACTIVE, rule=watchdog.RULE))
    assert "reclaim workspaces" in alarm[0].title
    hangs.set()
    watcher.stop("test")
    await asyncio.gather(serving, return_exceptions=True)
