"""Run time, tokens and money are bought ahead, warned about, and end in a hold that a person can lift."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.events import RunQueued, RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import SCOPES
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.git.worktree import Worktree
from fleet_tui.readmodel.budgets import read_budgets
from fleet_tui.store.differences import differences
from fleet_tui.store.rebuild import fold
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher.passes import budgets
from fleet_tui.watcher.runs import spending
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


async def working(make_fleet: MakeFleet, **more: Any) -> tuple[Fleet, Run]:
    fleet = await make_fleet([agent("dev", "developer", **more), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


async def metered(fleet: Fleet, run: Run, active_s: float) -> Run:
    """The runner reports ``active_s`` seconds of run time; what it is told is in ``fleet.ctx.statuses``."""
    for _ in range(3):
        fleet.ctx.statuses[run.id] = RunnerStatus("running", round(active_s * 1000), False, 1, 1)
        await budgets.meter(fleet.ctx)
    return fleet.run(run.id)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the runner was told last: there is none here."""
    last: dict[str, Any] = {}

    async def meter(run_dir: Path, *, limit_ms: int | None, idle: bool) -> RunnerStatus:
        last.update(limit_ms=limit_ms, idle=idle)
        return RunnerStatus("running", 0, False, 1, 1, limit_ms=limit_ms, idle=idle)

    monkeypatch.setattr(runner_client, "meter", meter)
    return last


async def test_time_is_bought_in_whole_slices_and_once(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    for active_s, charged in ((0, 10_000), (9.9, 10_000), (10, 20_000), (25, 30_000), (5, 30_000)):
        for _ in range(3):
            assert (await metered(fleet, run, active_s)).charged_ms == charged
    assert fleet.agent().charged_ms == 30_000
    assert fleet.kinds().count("run_metered") == 3
    assert fleet.alarms() == []


LIMITED = {"scope": "agent", "name": "dev", "unit": "seconds", "ceiling": 100, "grace_s": 0}


async def with_budgets(make_fleet: MakeFleet, *rules: dict[str, Any], **more: Any) -> tuple[Fleet, Run]:
    fleet, run = await working(make_fleet, **more)
    await fleet.reconfigure(budgets=list(rules))
    return fleet, run


async def test_runs_about_to_start_share_what_there_is(make_fleet: MakeFleet) -> None:
    """Each is started with a limit of its own: nobody may be there a moment later to tell it one."""
    fleet, run = await with_budgets(make_fleet, {**LIMITED, "scope": "fleet", "name": "fleet"})
    assert spending.first_limit_ms(fleet.ctx, run) == 100_000
    await fleet.ctx.say(RunQueued("run-2", "lee", "tech-lead", "scripted", None, "test"), "run:run-2")
    second = fleet.run("run-2")
    assert [spending.first_limit_ms(fleet.ctx, each) for each in (run, second)] == [50_000, 50_000]
    await fleet.reconfigure(budgets=[])
    assert spending.first_limit_ms(fleet.ctx, run) is None


async def extend(fleet: Fleet, amount: int, **more: Any) -> str:
    """What the person is told."""
    args = {"scope": "agent", "name": "dev", "amount": amount, "reason": "nearly there", **more}
    return str((await fleet.person.answer("kim", "extend_budget", args))["message"])


async def test_warning_hold_extension(make_fleet: MakeFleet, told: dict[str, Any]) -> None:
    fleet, run = await with_budgets(make_fleet, LIMITED)
    await metered(fleet, run, 60)
    assert fleet.events("budget_warning") == []
    for active_s in (70.0, 75.0, 79.0):
        await metered(fleet, run, active_s)
    assert len(fleet.events("budget_warning")) == 1
    assert [alarm.priority for alarm in fleet.alarms("budget-warning")] == [3]
    for active_s in (91, 95, 99.9):
        run = await metered(fleet, run, active_s)
        assert run.state is RunState.RUNNING, "it may use what it bought"
        assert told["limit_ms"] == 100_000, "and the runner knows where that ends"
    run = await metered(fleet, run, 100)
    assert run.state is RunState.LIMITED
    assert fleet.agent().charged_ms == 100_000
    assert len(fleet.events("budget_exhausted")) == 1
    assert len(fleet.alarms("budget")) == 1
    assert fleet.alarms("budget-warning") == [], "one alarm for one thing"
    await extend(fleet, 10)
    run = await metered(fleet, run, 100)
    assert run.state is RunState.RUNNING
    assert fleet.alarms("budget") == [], "it is warned again, but not held any more"
    assert len(fleet.events("budget_warning")) == 2
    assert told["limit_ms"] == 110_000
    run = await metered(fleet, run, 110)
    assert run.state is RunState.LIMITED
    assert len(fleet.events("budget_exhausted")) == 2


async def test_the_last_slice_is_cut_to_what_is_left(make_fleet: MakeFleet) -> None:
    """Forty seconds are forty seconds, not thirty and a bit; and they are not fifty either."""
    fleet, run = await with_budgets(make_fleet, {**LIMITED, "ceiling": 45})
    run = await metered(fleet, run, 41)
    assert (run.charged_ms, run.state) == (45_000, RunState.RUNNING)
    run = await metered(fleet, run, 45)
    assert (run.charged_ms, run.state) == (45_000, RunState.LIMITED)


async def test_a_report_is_asked_for_once_and_then_it_is_held(make_fleet: MakeFleet, told: dict[str, Any]) -> None:
    fleet, run = await working(make_fleet, budget_seconds=40)
    run = await metered(fleet, run, 40)
    assert len(fleet.events("budget_report_asked")) == 1
    (text,) = [message for message in fleet.ctx.reader.messages(run=run.id) if message.purpose == "budget"]
    assert "fleet blocker" in text.text
    assert run.state is RunState.RUNNING
    assert told["limit_ms"] == 70_000, "the time for the report ends even without a watcher"
    verdict = await fleet.desk.answer(run.id, "guard", {"tool": "Bash", "input": {"command": "make"}}, "g1")
    assert (verdict["verdict"], verdict["rule"]) == ("deny", "budget")
    assert "used up" in verdict["reason"]
    line = "fleet blocker 'Done: one; left: two'"
    verdict = await fleet.desk.answer(run.id, "guard", {"tool": "Bash", "input": {"command": line}}, "g2")
    assert verdict["verdict"] == "allow"
    for trick in (f"{line}; make", f"{line} > /tmp/x", f"make && {line}", "fleet blocker $(make)", "fleet agent list"):
        verdict = await fleet.desk.answer(run.id, "guard", {"tool": "Bash", "input": {"command": trick}}, trick)
        assert verdict["verdict"] == "deny", trick
    assert fleet.agent().denials <= 1, "to be out of budget is no offence"
    with pytest.raises(Conflict, match="used up"):
        await fleet.person.answer("kim", "message", {"agent": "dev", "text": "go on"})
    await fleet.publish(run, "blocker", "Done: one. Left: two.")
    run = await metered(fleet, run, 52)
    assert run.state is RunState.LIMITED
    assert run.charged_ms <= 70_000
    await extend(fleet, 600)
    run = await metered(fleet, run, 52)
    assert run.state is RunState.RUNNING
    (question,) = fleet.ctx.reader.questions(open_only=False)
    assert question.answer is not None
    assert "go on" in question.answer
    assert len(fleet.events("budget_report_asked")) == 1


async def test_who_gives_no_report_is_stopped_after_the_grace(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet, budget_seconds=40)
    run = await metered(fleet, run, 40)
    run = await metered(fleet, run, 69.9)
    assert not run.stop_requested
    run = await metered(fleet, run, 70)
    assert run.stop_requested
    await fleet.end(run, "stopped")
    await fleet.settle()
    assert (fleet.of_ticket().state, fleet.occupying()) == (TicketState.READY, []), "it waits for somebody with room"
    await extend(fleet, 600)
    await fleet.settle()
    (again,) = fleet.occupying()
    assert (again.ticket, again.state) == (1, RunState.QUEUED)
    assert spending.has_room(fleet.ctx, again)


async def test_a_run_that_spent_its_own_budget_waits_for_a_person(make_fleet: MakeFleet) -> None:
    """A budget of each run would be full again for the next one: nothing would ever end."""
    fleet, run = await with_budgets(make_fleet, {"scope": "run", "unit": "seconds", "ceiling": 40, "grace_s": 5})
    run = await metered(fleet, run, 40)
    run = await metered(fleet, run, 45)
    assert run.stop_requested
    await fleet.end(run, "stopped")
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED


async def test_waiting_for_a_person_is_not_counted(make_fleet: MakeFleet, told: dict[str, Any]) -> None:
    fleet, run = await working(make_fleet)
    await metered(fleet, run, 3)
    assert told == {}, "a runner counts by itself"
    await fleet.publish(run, "blocker", "Two or three?")
    await metered(fleet, run, 3)
    assert told["idle"]
    await fleet.desk.answer(run.id, "guard", {"tool": "Bash", "input": {"command": "ls"}}, "g")
    await metered(fleet, run, 3)
    assert not budgets.is_idle(fleet.ctx, fleet.run(run.id)), "who acts works, whatever it said of waiting"
    fleet.later(11)
    assert budgets.is_idle(fleet.ctx, fleet.run(run.id))


async def test_who_waits_while_a_report_is_wanted_is_counted(make_fleet: MakeFleet, told: dict[str, Any]) -> None:
    """Else the grace would never end for an agent that asks something else and sits there."""
    fleet, run = await with_budgets(make_fleet, LIMITED | {"grace_s": 30})
    await fleet.ctx.say(RunStateChanged(run.id, RunState.WAITING.value, "hook", "turn over"), f"run:{run.id}")
    fleet.later(30)
    await metered(fleet, run, 100)
    assert fleet.events("budget_report_asked")
    assert budgets.is_idle(fleet.ctx, fleet.run(run.id))
    told.clear()
    await metered(fleet, run, 101)
    assert not told.get("idle", False)


async def test_who_says_that_its_turn_is_over_and_works_on_is_counted(
    make_fleet: MakeFleet, told: dict[str, Any]
) -> None:
    fleet, run = await working(make_fleet)
    await fleet.publish(run, "blocker", "Two or three?")

    async def looked_at(cpu_s: float) -> bool:
        fleet.ctx.statuses[run.id] = RunnerStatus("running", 3000, False, 1, 1, cpu_s=cpu_s)
        await budgets.meter(fleet.ctx)
        return budgets.is_idle(fleet.ctx, fleet.run(run.id))

    assert await looked_at(40.0)
    fleet.later(6)
    assert await looked_at(40.3), "a program that waits redraws its screen now and then"
    fleet.later(6)
    assert not await looked_at(41.5), "what computes is no waiting"
    fleet.later(6)
    assert not await looked_at(1.0), "a process that ended took its count with it"
    fleet.later(6)
    assert await looked_at(1.1)
    watched = fleet.ctx.lookout.of(run.id, lambda: Worktree(Path(), Path(), "0" * 40, Path()))
    watched.changed_ns = fleet.clock_ns
    assert not await looked_at(1.1), "files that change are no waiting"
    fleet.later(11)
    assert await looked_at(1.1)


async def usage(fleet: Fleet, run: Run, request: str, **more: Any) -> None:
    args = {"request_id": request, "model": "claude-sonnet-4-5", **more}
    await fleet.desk.answer(run.id, "usage", args, f"call-{request}-{len(fleet.kinds())}")


async def test_usage_is_counted_once_and_priced(make_fleet: MakeFleet) -> None:
    rules = ({"scope": scope, "unit": unit, "ceiling": 10**9} for scope in SCOPES for unit in ("tokens", "money"))
    fleet, run = await with_budgets(make_fleet, *rules)
    for _ in range(3):
        await usage(fleet, run, "req-1", input_tokens=1000, output_tokens=100, cache_read=200, cache_write=10)
    await usage(fleet, run, "req-2", output_tokens=1, cost_microusd=7)
    found = read_budgets(fleet.ctx.reader, fleet.clock_ns)
    mine = [s for s in found if s.name in ("dev", "developer", "fleet", "1", run.id)]
    assert {(s.rule.unit, s.used) for s in mine} == {("tokens", 1311), ("money", 4605)}
    assert len(mine) == 10
    assert all(s.estimated for s in mine if s.rule.unit == "money")


async def test_an_unknown_price_is_unknown_and_alarms_who_depends_on_it(make_fleet: MakeFleet) -> None:
    fleet, run = await with_budgets(make_fleet, {"scope": "agent", "unit": "money", "ceiling": "$1.00"})
    await usage(fleet, run, "r1", model="our-own-model", input_tokens=10)
    await metered(fleet, run, 1)
    (standing,) = [s for s in read_budgets(fleet.ctx.reader, fleet.clock_ns) if s.name == "dev"]
    assert (standing.used, standing.unknown) == (0, True)
    assert "price is unknown" in fleet.alarms("budget-price")[0].title
    price = {"our-*": {"input": 2_000_000, "output": 8_000_000}}
    await fleet.reconfigure(prices=price)
    await usage(fleet, run, "r2", model="our-own-model", input_tokens=10)
    (event,) = [e for e in fleet.events("usage_reported") if e.payload["request"] == "r2"]
    assert (event.payload["cost_microusd"], event.payload["cost_source"]) == (20, "config")


@pytest.mark.parametrize(
    "args",
    [{}, {"input_tokens": -1}, {"input_tokens": "7"}, {"input_tokens": True}, {"output_tokens": 10**13}, {"turn": 1.5}],
)
async def test_senseless_reports_are_refused(make_fleet: MakeFleet, args: dict[str, Any]) -> None:
    fleet, run = await working(make_fleet)
    with pytest.raises(UsageError):
        await fleet.desk.answer(run.id, "usage", args, "u")
    assert fleet.events("usage_reported") == []


@pytest.mark.parametrize("absurd", [{"cost_microusd": 10**15}, {"input_tokens": 10**12}, {"cache_read": 10**300}])
async def test_an_absurd_report_is_told_and_not_believed(make_fleet: MakeFleet, absurd: dict[str, Any]) -> None:
    fleet, run = await with_budgets(make_fleet, {"scope": "fleet", "unit": "money", "ceiling": 20_000_000_000})
    for call in range(2):
        with pytest.raises(UsageError, match="no request uses that"):
            await fleet.desk.answer(run.id, "usage", absurd, f"u{call}")
    assert fleet.events("usage_reported") == []
    (alarm,) = fleet.alarms("usage")
    assert alarm.title.startswith(f"dev reports an absurd use: {next(iter(absurd))} over")
    await usage(fleet, run, "r1", input_tokens=10, cost_microusd=10_000_000_000)


async def test_a_price_that_makes_a_fortune_of_a_report_is_cut(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    await usage(fleet, run, "r1", model="claude-opus-4-5", output_tokens=10**9)
    (event,) = fleet.events("usage_reported")
    assert event.payload["cost_microusd"] == 10_000_000_000


async def test_models_that_an_agent_makes_up_fill_no_ledger(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet)
    for number in range(30):
        await usage(fleet, run, f"r{number}", model=f"made-up-{number}", input_tokens=1)
    await usage(fleet, run, "known", model="made-up-3", input_tokens=1)
    await usage(fleet, run, "priced", model="claude-sonnet-4-5", input_tokens=1_000_000)
    cells = {(cell.model, cell.source): cell for cell in fleet.ctx.reader.costs()}
    assert len(cells) == 22
    assert cells["made-up-3", "unknown"].requests == 2, "one that was told before is told apart still"
    assert cells["(others)", "unknown"].requests == 10
    assert cells["(others)", "table"].microusd == 6_000_000, "what it cost is no secret"


async def test_turns_end_before_the_next_is_refused(make_fleet: MakeFleet) -> None:
    fleet, run = await with_budgets(make_fleet, {"scope": "agent", "unit": "turns", "ceiling": 2})
    for turn in (1, 2):
        for _ in range(2):  # the spool may say it again, with the same key
            assert await fleet.desk.answer(run.id, "hook", {"kind": "prompt_submitted"}, f"p{turn}") == {}
        await metered(fleet, run, turn)
        assert fleet.events("budget_report_asked") == [], "the turn that was begun may end"
        await fleet.desk.answer(run.id, "hook", {"kind": "turn_ended"}, f"e{turn}")
    answer = await fleet.desk.answer(run.id, "hook", {"kind": "prompt_submitted"}, "p3")
    assert "2 turns of 2 turns" in answer["refused"]


async def test_the_tables_are_what_the_log_says(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet, budget_seconds=40)
    await usage(fleet, run, "r", input_tokens=5, turn=1)
    await metered(fleet, run, 40)
    await extend(fleet, 5)
    with closing(sqlite3.connect(fleet.ctx.paths.database)) as connection:
        tables, _ = fold(connection)
        assert differences(connection, tables) == []


async def test_alarm_goes_when_the_held_run_is_gone_and_the_budget_extended(make_fleet: MakeFleet) -> None:
    fleet, run = await working(make_fleet, budget_seconds=20)
    await metered(fleet, run, 30)
    await fleet.end(run, "stopped")
    await budgets.meter(fleet.ctx)
    assert len(fleet.alarms("budget")) == 1, "nothing else of this agent will start"
    await extend(fleet, 600)
    await budgets.meter(fleet.ctx)
    assert fleet.alarms("budget") == []


async def test_an_extension_that_is_used_up_too_is_told_and_the_alarm_says_the_new_ceiling(
    make_fleet: MakeFleet,
) -> None:
    rule = {"scope": "agent", "name": "dev", "unit": "tokens", "ceiling": 100, "grace_s": 0}
    fleet, run = await with_budgets(make_fleet, rule)
    await usage(fleet, run, "r", input_tokens=120, turn=1)
    await metered(fleet, run, 1)
    assert [alarm.title for alarm in fleet.alarms("budget")] == [
        "the budget of agent dev is used up: 120 tokens of 100 tokens"
    ]
    assert await extend(fleet, 10) == "agent dev may use 10 tokens more, but that is used up too: 120 of 110 tokens"
    await metered(fleet, run, 1)
    assert [alarm.title for alarm in fleet.alarms("budget")] == [
        "the budget of agent dev is used up: 120 tokens of 110 tokens"
    ]
    assert await extend(fleet, 90) == "agent dev may use 90 tokens more"
    await metered(fleet, run, 1)
    assert fleet.alarms("budget") == []


@pytest.mark.parametrize("amount", [0, -5, 1.5, "10", None, 10**16, True])
async def test_extension_needs_a_sane_amount(make_fleet: MakeFleet, amount: Any) -> None:
    fleet, _run = await working(make_fleet, budget_seconds=20)
    with pytest.raises(UsageError, match="amount"):
        await extend(fleet, amount)
    with pytest.raises(Conflict, match="no budget"):
        await extend(fleet, 5, name="lee")


async def test_an_extension_must_say_which_budget(make_fleet: MakeFleet) -> None:
    fleet, _run = await with_budgets(
        make_fleet,
        {"scope": "agent", "unit": "money", "ceiling": "$1.00"},
        {"scope": "agent", "unit": "tokens", "ceiling": 100, "window": "day"},
        {"scope": "fleet", "unit": "money", "ceiling": "$9.00"},
    )
    with pytest.raises(UsageError, match="several"):
        await extend(fleet, 5)
    with pytest.raises(UsageError, match="counts money"):
        await extend(fleet, 5, scope="fleet", name="")
    await extend(fleet, 5, unit="tokens")
    (standing,) = [
        s for s in read_budgets(fleet.ctx.reader, fleet.clock_ns) if s.name == "dev" and s.rule.unit == "tokens"
    ]
    assert standing.ceiling == 105


async def test_a_run_that_has_ended_is_given_no_more(make_fleet: MakeFleet) -> None:
    fleet, run = await with_budgets(make_fleet, {"scope": "run", "unit": "seconds", "ceiling": 40})
    await extend(fleet, 10, scope="run", name=run.id)
    await fleet.end(run)
    with pytest.raises(Conflict, match="it has ended"):
        await extend(fleet, 10, scope="run", name=run.id)
