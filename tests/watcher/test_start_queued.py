"""Room for runs: one whose start is under way has its place already, and is not called stopped before it began."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fleet_tui.domain.events import RunStopRequested
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import AlarmState, RunState
from fleet_tui.governance.admission import Host
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import admission, starting
from fleet_tui.watcher.runs.queueing import queued
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


class SlowStarts:
    """Starts that take until ``go`` is set, as when a workspace's set-up installs things."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, ctx: Context, run: Run) -> None:
        self.begun.append(run.agent)
        await self.go.wait()


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> SlowStarts:
    starts = SlowStarts()
    monkeypatch.setattr(starting, "start", starts)
    return starts


async def _queue(fleet: Fleet, *names: str) -> None:
    for number, name in enumerate(names):
        settings = fleet.ctx.settings.agent(name)
        await fleet.ctx.record(queued(settings, key=f"test:{number}", trigger="note"))


async def _pass(fleet: Fleet) -> None:
    await runs.start_queued(fleet.ctx)
    await asyncio.sleep(0)  # the jobs get their turn


async def test_an_agent_in_its_start_has_no_room_for_another(make_fleet: MakeFleet, slow: SlowStarts) -> None:
    fleet = await make_fleet([agent("lee", "tech-lead")])
    await _queue(fleet, "lee", "lee")
    for _ in range(3):
        await _pass(fleet)
    assert slow.begun == ["lee"]


async def test_starts_under_way_count_against_the_fleets_limit(make_fleet: MakeFleet, slow: SlowStarts) -> None:
    fleet = await make_fleet([agent(f"lee-{n}", "tech-lead") for n in range(4)], limits={"max_running": 2})
    await _queue(fleet, *(f"lee-{n}" for n in range(4)))
    for _ in range(3):
        await _pass(fleet)
    assert slow.begun == ["lee-0", "lee-1"]


async def test_a_run_stopped_in_its_start_is_not_called_unbegun(make_fleet: MakeFleet, slow: SlowStarts) -> None:
    fleet = await make_fleet([agent("lee", "tech-lead")])
    await _queue(fleet, "lee")
    await _pass(fleet)
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    await fleet.ctx.say(RunStopRequested(run.id, "by hand"), f"run:{run.id}", actor="operator:pat")
    await _pass(fleet)
    assert [r.id for r in fleet.ctx.reader.runs(RunState.QUEUED)] == [run.id]
    slow.go.set()
    await fleet.ctx.jobs.idle()
    await _pass(fleet)
    assert fleet.ctx.reader.runs(RunState.QUEUED) == []


async def test_nothing_starts_while_the_fleet_ends(make_fleet: MakeFleet, slow: SlowStarts) -> None:
    fleet = await make_fleet([agent("lee", "tech-lead")])
    await _queue(fleet, "lee")
    fleet.ctx.ending = True
    await _pass(fleet)
    assert slow.begun == []


async def test_a_full_host_holds_runs_back_and_says_so(
    make_fleet: MakeFleet, slow: SlowStarts, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = [agent("one", "observer"), agent("two", "observer")]
    fleet = await make_fleet(team, limits={"memory_reserve_mb": 10_000_000})
    await _queue(fleet, "one", "two")
    await _pass(fleet)
    await _pass(fleet)
    assert slow.begun == ["one"], "one may always work"
    (alarm,) = fleet.ctx.reader.alarms(AlarmState.ACTIVE, rule="host")
    assert "10000000 MB that are to stay free" in alarm.title
    monkeypatch.setattr(admission, "look", lambda: Host(99_000_000, None))
    await _pass(fleet)
    assert slow.begun == ["one", "two"]
    assert not fleet.ctx.reader.alarms(AlarmState.ACTIVE, rule="host")


async def test_a_host_that_has_no_time_but_for_its_memory_gets_no_run_more(
    make_fleet: MakeFleet, slow: SlowStarts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fleet = await make_fleet([agent("one", "observer"), agent("two", "observer")])
    told = tmp_path / "memory"
    monkeypatch.setattr(admission, "PRESSURE", told)
    told.write_text("some avg10=64.20 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
    await _queue(fleet, "one", "two")
    await _pass(fleet)
    assert slow.begun == ["one"]
    told.write_text("some avg10=3.00 avg60=1.00 avg300=0.00 total=1\n")
    await _pass(fleet)
    assert slow.begun == ["one", "two"]
