"""Denied acts and refused pushes end in quarantine; only a person's reason ends that."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher import refusals
from fleet_tui.watcher.passes import containment
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, git


async def working(make_fleet: MakeFleet, **more: object) -> tuple[Fleet, Run]:
    fleet = await make_fleet([agent("dev", "developer", **more), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


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
    (quarantined,) = fleet.events("agent_quarantined")
    assert quarantined.cause == fleet.events("policy_denied")[2].id, "the one that was too much"
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


@pytest.mark.parametrize(("level", "denials"), [(Isolation.L0, 0), (Isolation.L1, 2)])
async def test_refused_pushes_are_told_once_each_and_count_where_nobody_else_can_push(
    make_fleet: MakeFleet, level: Isolation, denials: int
) -> None:
    """Without a sandbox one agent could have another one contained by pushing to its gate."""
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")])
    fleet.ctx.level = Level(level, "for this test")
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    assert run.isolation == level
    for number in range(2):
        git(Path(run.workspace), "push", "--quiet", "origin", f"HEAD:refs/heads/agent/9-other{number}", check=False)
    for _ in range(10):
        await refusals.refused_pushes(fleet.ctx)
    assert len(fleet.events("policy_denied")) == 2
    assert fleet.agent().denials == denials
    assert all(event.actor == f"agent:dev/{run.id}" for event in fleet.events("policy_denied"))
