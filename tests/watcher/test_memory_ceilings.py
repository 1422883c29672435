"""Ceilings on memory: by whom they are given, and what the watcher does about a run that its runner holds there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.readmodel.needs import command_for
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher.passes import budgets
from fleet_tui.watcher.runs import memory
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


class Runner:
    """A runner's word about a run that takes ``used_mb``."""

    def __init__(self) -> None:
        self.used_mb = 0
        self.limit_mb: int | None = None
        self.kills = 0

    def status(self) -> RunnerStatus:
        full = self.limit_mb is not None and self.used_mb > self.limit_mb
        told = RunnerStatus("running", 0, False, 1, 1, full=full, memory_mb=self.used_mb, memory_limit_mb=self.limit_mb)
        return replace(told, kills=self.kills)

    async def limited(self, _run_dir: Path, memory_mb: int | None) -> RunnerStatus:
        self.limit_mb = memory_mb
        return self.status()

    async def metered(self, _run_dir: Path, **_told: Any) -> RunnerStatus:
        return self.status()


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    told = Runner()
    monkeypatch.setattr(runner_client, "limit_memory", told.limited)
    monkeypatch.setattr(runner_client, "meter", told.metered)
    return told


async def working(make_fleet: MakeFleet, **sections: Any) -> tuple[Fleet, Run]:
    fleet = await make_fleet(**sections)
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


async def looked(fleet: Fleet, run: Run, runner: Runner, used_mb: int) -> Run:
    runner.used_mb = used_mb
    for _ in range(3):
        fleet.ctx.statuses[run.id] = runner.status()
        await memory.keep(fleet.ctx)
        await budgets.meter(fleet.ctx)
    return fleet.run(run.id)


async def test_warned_held_and_given_more(make_fleet: MakeFleet, runner: Runner) -> None:
    fleet, run = await working(make_fleet, limits={"memory_mb": 200})
    run = await looked(fleet, run, runner, 100)
    assert (runner.limit_mb, run.memory_mb, run.memory_by) == (200, 200, "watcher")
    assert fleet.alarms() == []
    await looked(fleet, run, runner, 170)
    assert [alarm.title for alarm in fleet.alarms("memory-warning")] == [
        "dev takes 170 MB of memory, its ceiling is 200 MB"
    ]
    await looked(fleet, run, runner, 150)
    assert len(fleet.alarms("memory-warning")) == 1, "it does not come and go"
    run = await looked(fleet, run, runner, 312)
    assert (run.state, run.state_reason) == (RunState.LIMITED, "its memory is at its ceiling: 312 MB of 200 MB")
    assert fleet.alarms("memory-warning") == [], "one alarm for one thing"
    (need,) = [n for n in read_snapshot(fleet.ctx.store.reader, fleet.clock_ns).needs if n.rule == "memory"]
    assert need.title == "dev is frozen, its memory is at its ceiling: 312 MB of 200 MB"
    assert command_for(need) == "fleet agent memory dev MEGABYTES --reason TEXT"
    assert len(fleet.events("memory_exhausted")) == 1
    for megabytes, why in ((200, "200 MB already"), (300, "takes 312 MB")):
        with pytest.raises(Conflict, match=why):
            await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": megabytes})
    with pytest.raises(UsageError):
        await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": 0})
    await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": 800, "reason": "its tests"})
    run = await looked(fleet, run, runner, 312)
    assert (run.state, runner.limit_mb, run.memory_mb) == (RunState.RUNNING, 800, 800)
    assert fleet.alarms() == []
    (given,) = [event for event in fleet.events("run_memory_limited") if event.payload["given"]]
    assert (given.actor, given.payload["reason"]) == ("operator:kim", "its tests")


async def test_a_higher_ceiling_in_the_configuration_lets_it_go_on_too(make_fleet: MakeFleet, runner: Runner) -> None:
    fleet, run = await working(make_fleet, limits={"memory_mb": 200})
    assert (await looked(fleet, run, runner, 312)).state is RunState.LIMITED
    await fleet.reconfigure(limits={"memory_mb": 400})
    assert (await looked(fleet, run, runner, 312)).state is RunState.RUNNING
    await fleet.reconfigure(limits={"memory_mb": None})
    run = await looked(fleet, run, runner, 5_000)
    assert (run.state, run.memory_mb, runner.limit_mb) == (RunState.RUNNING, None, None)


async def test_a_budget_with_room_lets_nobody_go_who_is_held_for_memory(make_fleet: MakeFleet, runner: Runner) -> None:
    rule = {"scope": "agent", "name": "dev", "unit": "turns", "ceiling": 1, "grace_s": 0}
    fleet, run = await working(make_fleet, limits={"memory_mb": 200}, budgets=[rule])
    assert (await looked(fleet, run, runner, 300)).state_source == memory.SOURCE
    await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": 400})
    assert (await looked(fleet, run, runner, 300)).state is RunState.RUNNING


async def test_a_turn_that_was_over_is_over_still(make_fleet: MakeFleet, runner: Runner) -> None:
    fleet, run = await working(make_fleet, limits={"memory_mb": 200})
    await fleet.say(RunStateChanged(run.id, RunState.WAITING, "hook", "turn over"), f"run:{run.id}")
    assert (await looked(fleet, run, runner, 300)).state is RunState.LIMITED
    await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": 400})
    assert (await looked(fleet, run, runner, 300)).state is RunState.WAITING


async def test_what_the_kernel_kills_is_never_killed_silently(make_fleet: MakeFleet, runner: Runner) -> None:
    fleet, run = await working(make_fleet, limits={"memory_mb": 200})
    runner.kills = 1
    await looked(fleet, run, runner, 100)
    (alarm,) = fleet.alarms("memory-killed")
    assert alarm.title == "the kernel killed processes of dev: its memory grew too fast to be held"
    assert len(fleet.events("alarm_raised")) == 1


async def test_the_narrowest_ceiling_counts(make_fleet: MakeFleet) -> None:
    team = [agent("dev", "developer", memory_mb=700), agent("sam", "developer"), agent("lee", "tech-lead")]
    fleet = await make_fleet(team, limits={"memory_mb": 200}, roles={"author": {"memory_mb": 500}})
    settings = fleet.ctx.settings
    found = {name: settings.memory_mb(name, settings.agent(name).role) for name in ("dev", "sam", "lee")}
    assert found == {"dev": 700, "sam": 500, "lee": 200}


async def test_without_a_ceiling_nothing_is_asked(make_fleet: MakeFleet, runner: Runner) -> None:
    fleet, run = await working(make_fleet)
    run = await looked(fleet, run, runner, 100_000)
    assert (run.state, run.memory_mb, runner.limit_mb) == (RunState.RUNNING, None, None)
    with pytest.raises(Conflict, match="what it wants"):
        await fleet.person.answer("kim", "give_memory", {"agent": "dev", "memory_mb": 400})
