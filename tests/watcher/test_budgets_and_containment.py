"""Run time is bought ahead, warned about and ends in a hold; denials and people end in quarantine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher.passes import budgets, containment
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, git


async def working(make_fleet: MakeFleet, **more: Any) -> tuple[Fleet, Run]:
    fleet = await make_fleet([agent("dev", "developer", **more), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


async def metered(fleet: Fleet, run: Run, active_s: float) -> Run:
    """The runner reports ``active_s`` seconds of run time."""
    fleet.ctx.statuses[run.id] = RunnerStatus("running", round(active_s * 1000), False, 1, 1)
    await budgets.meter(fleet.ctx)
    return fleet.run(run.id)


async def test_time_is_bought_in_whole_slices_and_once(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    for active_s, charged in ((0, 10_000), (9.9, 10_000), (10, 20_000), (25, 30_000), (5, 30_000)):
        for _ in range(3):
            assert (await metered(fleet, run, active_s)).charged_ms == charged
    assert fleet.agent().charged_ms == 30_000
    assert fleet.kinds().count("run_metered") == 3
    assert fleet.alarms() == []


async def test_warning_hold_extension(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet, budget_seconds=100)
    await metered(fleet, run, 60)
    assert fleet.events("budget_warning") == []
    for active_s in (70, 75, 79):
        await metered(fleet, run, active_s)
    assert len(fleet.events("budget_warning")) == 1
    for active_s in (91, 95, 99):
        run = await metered(fleet, run, active_s)
        assert run.state is RunState.LIMITED
    assert len(fleet.events("budget_exhausted")) == 1
    assert len(fleet.alarms("budget")) == 1
    await fleet.person.answer("kim", "extend_budget", {"agent": "dev", "seconds": 10, "reason": "nearly there"})
    run = await metered(fleet, run, 99)
    assert run.state is RunState.RUNNING
    assert fleet.alarms("budget") == [], "it is warned again, but not held any more"
    assert len(fleet.events("budget_warning")) == 2
    run = await metered(fleet, run, 101)
    assert run.state is RunState.LIMITED
    assert len(fleet.events("budget_exhausted")) == 2


async def test_alarm_goes_when_the_held_run_is_gone_and_the_budget_extended(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet, budget_seconds=20)
    await metered(fleet, run, 30)
    await fleet.end(run, "stopped")
    await budgets.meter(fleet.ctx)
    assert len(fleet.alarms("budget")) == 1, "nothing else of this agent will start"
    await fleet.person.answer("kim", "extend_budget", {"agent": "dev", "seconds": 600})
    await budgets.meter(fleet.ctx)
    assert fleet.alarms("budget") == []


@pytest.mark.parametrize("seconds", [0, -5, 1.5, "10", None, 10**12])
async def test_extension_needs_sane_seconds(make_fleet: MakeFleet, seconds: object) -> None:
    fleet, _run = await working(make_fleet, budget_seconds=20)
    with pytest.raises(UsageError, match="seconds"):
        await fleet.person.answer("kim", "extend_budget", {"agent": "dev", "seconds": seconds})
    with pytest.raises(Conflict, match="no budget"):
        await fleet.person.answer("kim", "extend_budget", {"agent": "lee", "seconds": 5})


async def test_denials_quarantine_and_release_takes_a_reason(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    for _ in range(3):
        with pytest.raises(Exception, match="may not publish"):
            await fleet.publish(run, "pr_approved")
    epoch = fleet.agent().epoch
    for _ in range(10):
        await containment.contain(fleet.ctx)
    assert fleet.agent().quarantined
    assert fleet.agent().epoch == epoch + 1
    assert fleet.run(run.id).state is RunState.QUARANTINED
    assert len(fleet.events("agent_quarantined")) == 1
    assert len(fleet.alarms("quarantine")) == 1
    with pytest.raises(UsageError, match="reason"):
        await fleet.person.answer("kim", "release", {"agent": "dev"})
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "a misunderstanding"})
    assert fleet.run(run.id).stop_requested
    await fleet.end(run, "stopped")
    await fleet.settle()
    assert not fleet.agent().quarantined
    assert fleet.agent().denials == 0
    assert fleet.alarms("quarantine") == []
    (again,) = fleet.occupying()
    assert again.ticket == 1
    assert (await fleet.begin(again)).agent_epoch == epoch + 2


async def test_quarantined_agent_is_given_nothing(make_fleet: MakeFleet) -> None:
    fleet, _run = await working(make_fleet, max_concurrent=5)
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
    await fleet.ticket("another")
    await fleet.settle()
    assert len(fleet.ctx.reader.runs()) == 1
    with pytest.raises(Conflict, match="already"):
        await fleet.person.answer("kim", "quarantine", {"agent": "dev"})


async def test_refused_pushes_are_counted_once_each(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    for number in range(2):
        git(Path(run.workspace), "push", "--quiet", "origin", f"HEAD:refs/heads/agent/9-other{number}", check=False)
    for _ in range(10):
        await containment.refused_pushes(fleet.ctx)
    assert len(fleet.events("policy_denied")) == 2
    assert fleet.agent().denials == 2
    assert all(event.actor == f"agent:dev/{run.id}" for event in fleet.events("policy_denied"))
