"""Out of quarantine on conditions: they bind the next runs, are told, and stand until a person changes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.conditions import in_words
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RiskBand, RunState
from fleet_tui.governance.risk.evidence import Behaviour, Evidence, from_json, to_json
from fleet_tui.governance.risk.score import score
from fleet_tui.readmodel.budgets import read_budgets
from fleet_tui.readmodel.gist import gist
from fleet_tui.settings.risk import Risk
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher.merging import parties
from fleet_tui.watcher.passes import budgets, containment, risk
from fleet_tui.watcher.runs import spending
from tests.watcher.conftest import MakeFleet
from tests.watcher.test_after_a_restart import started_again
from tests.watcher.watcher_support import Fleet, agent

TEAM = [agent("dev", "developer", max_concurrent=2), agent("lee", "tech-lead")]


async def contained(make_fleet: MakeFleet) -> tuple[Fleet, Run]:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await containment.quarantine(fleet.ctx, fleet.agent(), "a test", rule="test", actor="watcher")
    return fleet, run


async def command(fleet: Fleet, op: str, **args: Any) -> str:
    answer = await fleet.person.answer("kim", op, {"agent": "dev", "reason": "a test key", **args})
    return str(answer["message"])


async def next_run(fleet: Fleet, old: Run) -> Run:
    """The run that takes the ticket up again after the release."""
    await fleet.end(old, "stopped")
    await fleet.settle()
    run = await fleet.queued("dev")
    assert (run.ticket, run.id != old.id) == (old.ticket, True)
    return run


async def meter(fleet: Fleet, run: Run, active_ms: int) -> Run:
    fleet.ctx.statuses[run.id] = RunnerStatus("running", active_ms, False, 1, 1)
    for _ in range(3):
        await budgets.meter(fleet.ctx)
    return fleet.run(run.id)


async def test_the_next_run_has_the_smaller_budget_and_ends_at_it(make_fleet: MakeFleet) -> None:
    fleet, old = await contained(make_fleet)
    said = await command(fleet, "release", budgets=["40", "$2.00"])
    assert said == "dev is released; its work starts anew; each run at most 40 s, $2.00"
    run = await next_run(fleet, old)
    run = await meter(fleet, run, 39_000)
    assert run.charged_ms == 40_000  # no slice beyond it is bought
    assert spending.refusal(fleet.ctx, run) is None
    run = await meter(fleet, run, 40_000)
    assert "the budget of run" in (spending.refusal(fleet.ctx, run) or "")
    assert [event.payload["run"] for event in fleet.events("budget_report_asked")] == [run.id]
    await meter(fleet, run, 71_000)
    assert fleet.run(run.id).stop_requested
    shown = [standing for standing in read_budgets(fleet.ctx.store.reader, fleet.ctx.now_ns()) if standing.spent]
    assert [(standing.rule.scope, standing.name, standing.ceiling) for standing in shown] == [("run", run.id, 40)]


async def test_such_a_budget_can_be_extended_for_the_run(make_fleet: MakeFleet) -> None:
    fleet, old = await contained(make_fleet)
    await command(fleet, "release", budgets=["40"])
    run = await meter(fleet, await next_run(fleet, old), 40_000)
    args = {"scope": "run", "name": run.id, "amount": 60}
    await fleet.person.answer("kim", "extend_budget", args)
    assert spending.refusal(fleet.ctx, fleet.run(run.id)) is None


async def test_others_and_other_agents_runs_are_not_bound(make_fleet: MakeFleet) -> None:
    fleet, _old = await contained(make_fleet)
    await command(fleet, "release", budgets=["40"])
    other = Run(**{**{name: getattr(_old, name) for name in Run.__slots__}, "agent": "lee", "id": "run-x"})
    assert spending.of_run(fleet.ctx, other) == []


async def looked(fleet: Fleet) -> None:
    await risk.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    await risk.enforce(fleet.ctx)


async def test_the_risk_of_its_work_does_not_go_below_the_floor(make_fleet: MakeFleet) -> None:
    fleet, old = await contained(make_fleet)
    await command(fleet, "release", risk_floor=55)
    run = await next_run(fleet, old)
    await looked(fleet)
    found = fleet.run(run.id)
    assert (found.risk, found.risk_band) == (55, RiskBand.HIGH)
    assert found.risk_reasons == ("+55 floor: it was released from quarantine on this condition; else it would be 0",)
    assert parties.at_high_risk(fleet.ctx) == {"dev"}  # one run at a time, a person at the gate
    pull = await fleet.handed_over(run)
    await looked(fleet)
    assert (fleet.pr(pull.number).risk, fleet.pr(pull.number).risk_band) == (55, RiskBand.HIGH)
    await command(fleet, "conditions", risk_floor=0)
    await looked(fleet)
    assert fleet.run(run.id).risk == 0


async def test_conditions_stand_over_a_restart_and_a_plain_release_until_they_are_changed(
    make_fleet: MakeFleet,
) -> None:
    fleet, _run = await contained(make_fleet)
    await command(fleet, "release", budgets=["10m"], risk_floor=40)
    fleet = await started_again(fleet)
    await containment.quarantine(fleet.ctx, fleet.agent(), "again", rule="test", actor="watcher")
    assert await command(fleet, "release") == (
        "dev is released; its work starts anew; each run at most 10m00; risk at least 40"
    )
    assert await command(fleet, "conditions", budgets=["500k"]) == "dev; each run at most 500k tokens; risk at least 40"
    assert await command(fleet, "conditions", lift=True) == "dev: no conditions any more"
    assert (fleet.agent().run_budgets, fleet.agent().risk_floor) == ((), 0)
    first, *_ = fleet.events("agent_released")
    assert first.payload["risk_floor"] == 40
    assert str(gist(first)) == "dev: a test key (each run at most 10m00; risk at least 40)"
    assert first.actor == "operator:kim"


@pytest.mark.parametrize(
    "args",
    [
        {"budgets": ["a lot"]},
        {"budgets": ["0"]},
        {"budgets": ["10m", "20m"]},
        {"budgets": "10m"},
        {"risk_floor": 80},
        {"risk_floor": -1},
        {"risk_floor": True},
        {"risk_floor": "40"},
    ],
)
async def test_conditions_that_make_no_sense_release_nobody(make_fleet: MakeFleet, args: dict[str, Any]) -> None:
    fleet, run = await contained(make_fleet)
    with pytest.raises(UsageError):
        await command(fleet, "release", **args)
    assert fleet.agent().quarantined
    assert fleet.run(run.id).state is RunState.QUARANTINED
    with pytest.raises(UsageError):
        await command(fleet, "conditions", **args)


async def test_conditions_need_a_condition_and_a_release_a_quarantine(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="no condition named"):
        await command(fleet, "conditions")
    with pytest.raises(Conflict, match="not quarantined"):
        await command(fleet, "release", budgets=["10m"])


@given(st.integers(0, 100), st.integers(0, 20))
def test_a_floor_never_lowers_a_score_and_the_points_add_up(floor: int, denied: int) -> None:
    seen = Evidence(behaviour=Behaviour(denied=(0,) * denied))
    bound = Evidence(behaviour=Behaviour(denied=(0,) * denied), floor=floor)
    without, found = score(seen, Risk(), 0), score(bound, Risk(), 0)
    assert found.points == max(without.points, floor)
    assert found.points == sum(reason.points for reason in found.reasons)
    assert from_json(to_json(bound)) == bound


@pytest.mark.parametrize(
    ("text", "said", "amounts", "floor"),
    [
        ("a test key", "a test key", [], None),
        ("a test key; budget 10m; risk 50", "a test key", ["10m"], 50),
        ("a; b; Budget $2.00;budget 500k", "a; b", ["$2.00", "500k"], None),
        ("a; risk 50; and so on", "a; risk 50; and so on", [], None),
        ("a; risk high", "a; risk high", [], None),
        ("a; budget much", "a; budget much", [], None),
        ("budget 10m", "budget 10m", [], None),
    ],
)
def test_conditions_in_the_words_of_a_reason(text: str, said: str, amounts: list[str], floor: int | None) -> None:
    assert in_words(text) == (said, amounts, floor)


async def test_there_is_nothing_to_lift_without_conditions(make_fleet: MakeFleet) -> None:
    fleet, _run = await contained(make_fleet)
    await command(fleet, "release")
    with pytest.raises(Conflict, match="nothing to lift"):
        await command(fleet, "conditions", lift=True)
    assert fleet.events("agent_conditions_changed") == []
