"""What answers an earlier event names it as its cause; a question to which nobody waits for an answer is closed."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain.events import AlarmRaised, RunStopRequested
from fleet_tui.domain.states import AlarmState, RunState, TicketState
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import Doing
from fleet_tui.watcher.causes import ANSWERS
from fleet_tui.watcher.passes import runs
from tests.watcher.watcher_support import Fleet


async def do(fleet: Fleet, op: str, **args: Any) -> None:
    await fleet.person.answer("kim", op, args)


def cause_of(fleet: Fleet, kind: str) -> str:
    """The kind of what led to the newest event of ``kind``."""
    event = fleet.events(kind)[-1]
    assert event.cause is not None, kind
    cause = fleet.ctx.reader.event(event.cause)
    assert cause is not None
    _, field = ANSWERS[kind]
    assert cause.payload[field] == event.payload[field]
    return cause.kind


async def test_decisions_lead_back_to_what_was_asked(fleet: Fleet) -> None:
    first = await fleet.to_approval()
    await fleet.approve(first)
    assert cause_of(fleet, "approval_granted") == "approval_requested"
    await do(fleet, "undo", approval=first.id)
    assert cause_of(fleet, "approval_undone") == "approval_granted"
    await do(fleet, "reject", approval=first.id, reason="not now")
    assert cause_of(fleet, "approval_denied") == "approval_requested"
    await do(fleet, "unblock", ticket=1)
    assert cause_of(fleet, "ticket_unblocked") == "ticket_blocked"


async def test_of_two_approvals_each_decision_leads_to_its_own(fleet: Fleet) -> None:
    one = await fleet.to_approval({"one.py": "1\n"})
    two = await fleet.to_approval({"two.py": "2\n"})
    for approval in (one, two):
        await do(fleet, "request_changes", approval=approval.id, reason="more tests")
        assert cause_of(fleet, "approval_denied") == "approval_requested"


async def test_a_landing_leads_back_to_the_approval(fleet: Fleet) -> None:
    await fleet.approve(await fleet.to_approval())
    await fleet.settle()
    assert cause_of(fleet, "pr_merged") == "approval_granted"


async def test_alarms_containment_and_pauses(fleet: Fleet) -> None:
    for name in ("alm-1", "alm-2"):
        await fleet.say(AlarmRaised(name, name, 2, "t", "r", "fleet"), "fleet")
    await do(fleet, "acknowledge", alarm="alm-1")
    assert cause_of(fleet, "alarm_acknowledged") == "alarm_raised"
    await do(fleet, "pause", agent="dev")
    await do(fleet, "resume", agent="dev")
    assert cause_of(fleet, "agent_resumed") == "agent_paused"
    await do(fleet, "quarantine", agent="dev")
    await do(fleet, "release", agent="dev", reason="ok")
    assert cause_of(fleet, "agent_released") == "agent_quarantined"


async def asking(fleet: Fleet) -> str:
    """The developer asks a person about ticket 1; its run."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.publish(run, "blocker", "which one?")
    return run.id


async def ended(fleet: Fleet, run: str) -> None:
    await runs._record_end(fleet.ctx, fleet.run(run), fleet.ctx.paths.run_dir(run))


async def test_an_answer_leads_back_to_the_question(fleet: Fleet) -> None:
    await asking(fleet)
    (question,) = fleet.ctx.reader.questions()
    await do(fleet, "answer", question=question.id, text="this one")
    assert cause_of(fleet, "question_answered") == "blocker"


async def test_an_ended_run_tells_why_it_was_stopped(fleet: Fleet) -> None:
    run = await asking(fleet)
    await do(fleet, "stop", run=run, reason="wrong track")
    await fleet.ctx.say(RunStopRequested(run, "a later one"), f"run:{run}")
    await ended(fleet, run)
    assert fleet.run(run).state_reason.endswith(": wrong track")
    assert fleet.run(run).state_reason.startswith("operator:")


async def test_stopping_a_run_that_asked_closes_its_question(fleet: Fleet) -> None:
    run = await asking(fleet)
    await do(fleet, "stop", run=run)
    await ended(fleet, run)
    assert fleet.run(run).state is RunState.STOPPED
    assert fleet.ctx.reader.questions() == []
    assert cause_of(fleet, "question_withdrawn") == "blocker"
    ticket = fleet.of_ticket()
    assert (ticket.state, ticket.question) == (TicketState.BLOCKED, None)
    assert ticket.blocked_reason == "dev was stopped; mark it ready to go on"
    snapshot = read_snapshot(fleet.ctx.reader, fleet.clock_ns)
    assert [item.key for item in snapshot.needs] == ["blocked:1"]
    tile = snapshot.tile("dev")
    assert tile is not None
    assert tile.doing is not Doing.ASK
    await do(fleet, "unblock", ticket=1)
    await fleet.settle()
    assert (await fleet.queued("dev")).id != run


async def test_after_a_release_the_ticket_goes_on_by_itself(fleet: Fleet) -> None:
    run = await asking(fleet)
    await do(fleet, "quarantine", agent="dev")
    await do(fleet, "release", agent="dev", reason="ok")
    await ended(fleet, run)
    assert fleet.ctx.reader.questions() == []
    assert fleet.of_ticket().state is TicketState.READY


@pytest.mark.parametrize("how", ["by itself", "with the fleet"])
async def test_a_question_stays_open_when_its_run_was_not_stopped_for_good(fleet: Fleet, how: str) -> None:
    run = await asking(fleet)
    if how == "with the fleet":
        await do(fleet, "shutdown", with_agents=True)
    await ended(fleet, run)
    assert [question.run for question in fleet.ctx.reader.questions()] == [run]
    assert fleet.of_ticket().question is not None
    assert AlarmState.ACTIVE not in {alarm.state for alarm in fleet.alarms()}


async def test_work_that_is_handed_over_closes_its_question(fleet: Fleet) -> None:
    """The answer was typed into the pane, where the fleet does not hear it."""
    run = await asking(fleet)
    await fleet.handed_over(fleet.run(run))
    assert fleet.ctx.reader.questions() == []
    assert cause_of(fleet, "question_withdrawn") == "blocker"
    ticket = fleet.of_ticket()
    assert (ticket.state, ticket.question, ticket.blocked_reason) == (TicketState.IN_REVIEW, None, "")
    snapshot = read_snapshot(fleet.ctx.reader, fleet.clock_ns)
    tile = snapshot.tile("dev")
    assert tile is not None
    assert tile.doing is not Doing.ASK
    assert all(item.agent != "dev" for item in snapshot.needs)


async def test_a_verdict_closes_the_question_that_came_before_it(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    run = await fleet.queued("lee")
    await fleet.publish(run, "blocker", "is that meant?")
    assert [question.run for question in fleet.ctx.reader.questions()] == [run.id]
    await fleet.publish(run, "pr_approved", "it is")
    assert fleet.ctx.reader.questions() == []


async def test_alarms_lead_back_to_what_they_tell_of(fleet: Fleet) -> None:
    await do(fleet, "quarantine", agent="dev", reason="odd")
    await fleet.settle()
    quarantined = fleet.events("agent_quarantined")[-1]
    raised = next(event for event in fleet.events("alarm_raised") if event.payload["rule"] == "quarantine")
    assert raised.cause == quarantined.id
    effect = AlarmRaised("alm-9", "gates", 2, "t", "r", "agent:dev", raised.payload["alarm"])
    await fleet.ctx.say(effect, "agent:dev")
    assert fleet.events("alarm_raised")[-1].cause == raised.id
