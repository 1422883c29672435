"""A person has a run started again: the same agent, work and workspace, and it is no attempt of the agent's."""

from __future__ import annotations

import pytest

from fleet_tui.domain.errors import Conflict, Refused
from fleet_tui.domain.events import Blocker, QuestionAnswered, QuestionWithdrawn, RunCrashed, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import AlarmState, RunState, TicketState
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.risk.behaviour import behaviour
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


async def at_work(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


async def restart(fleet: Fleet, **args: str) -> None:
    await fleet.person.answer("kim", "restart", {"agent": "dev", **args})


async def over(fleet: Fleet, run: Run) -> None:
    """Its processes are gone."""
    await runs._record_end(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
    await fleet.settle()


async def test_the_same_agent_begins_the_same_work_again(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer"), agent("another", "developer"), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    (queued,) = fleet.ctx.reader.runs(RunState.QUEUED)
    run = await fleet.begin(queued)
    await fleet.person.answer("kim", "restart", {"agent": run.agent, "run": run.id, "reason": "a new server"})
    assert fleet.run(run.id).stop_requested
    assert fleet.ctx.reader.runs(RunState.QUEUED) == [], "not before it has ended"
    await over(fleet, run)
    (again,) = fleet.occupying()
    assert (again.agent, again.ticket, again.previous, again.attempt) == (run.agent, 1, run.id, 1)
    assert fleet.run(run.id).state_reason == "operator:kim: to be started again: a new server"
    assert (fleet.of_ticket().state, fleet.of_ticket().run) == (TicketState.IN_PROGRESS, again.id)
    assert (await fleet.begin(again)).workspace == run.workspace
    (event,) = fleet.events("agent_respawned")
    assert event.payload["by"] == "operator:kim"
    assert fleet.alarms() == []
    await over(fleet, run)
    assert len(fleet.events("run_queued")) == 2, "once"


async def test_it_is_no_sign_of_risk_and_a_crash_afterwards_is(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await restart(fleet)
    await over(fleet, run)
    again = await fleet.queued("dev")
    assert behaviour(fleet.ctx, [again, fleet.run(run.id)], None).restarts == ()
    await fleet.say(RunCrashed(again.id, 1, None, 10, "exited"), f"run:{again.id}")
    await fleet.settle()
    (third,) = fleet.occupying()
    assert (third.previous, third.attempt) == (again.id, 2)
    assert len(behaviour(fleet.ctx, [third, again], None).restarts) == 1


async def crash(fleet: Fleet, run: Run, reason: str = "exited") -> None:
    await fleet.say(RunCrashed(run.id, 3, None, 10, reason), f"run:{run.id}")
    await fleet.settle()


async def test_restarts_and_crashes_are_counted_alike_everywhere(make_fleet: MakeFleet) -> None:
    """Three crashes are two restarts: of the work, whichever of its runs is looked at."""
    limits = {"restart_attempts": 3, "restart_backoff_s": [0]}
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")], limits=limits)
    run = await at_work(fleet)
    told = []
    for _ in range(3):
        await fleet.settle()
        told.append([reason for reason in fleet.run(run.id).risk_reasons if "restarts" in reason])
        await crash(fleet, run)
        run = await fleet.queued("dev") if fleet.occupying() else fleet.run(run.id)
    assert told == [[], ["+5 restarts: 1 new start after a crash"], ["+10 restarts: 2 new starts after a crash"]]
    assert (run.attempt, len(fleet.events("run_crashed")), len(fleet.events("agent_respawned"))) == (3, 3, 2)
    (alarm,) = fleet.alarms("crash-loop")
    assert alarm.title == "dev crashed 3 times: exit code 3"
    assert fleet.of_ticket().blocked_reason == alarm.title


async def test_a_loss_is_no_crash_in_what_is_said_and_in_the_risk(make_fleet: MakeFleet) -> None:
    limits = {"restart_attempts": 2, "restart_backoff_s": [0]}
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")], limits=limits)
    run = await at_work(fleet)
    for reason in ("lost: its tmux server ended", "exited"):
        await crash(fleet, run, reason)
        run = await fleet.queued("dev")
    assert len(behaviour(fleet.ctx, [run], None).restarts) == 1
    await crash(fleet, run)
    (alarm,) = fleet.alarms("crash-loop")
    assert alarm.title == "dev crashed 2 times and was lost once: exit code 3"


async def test_who_waits_for_an_answer_asks_again_itself(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await fleet.publish(run, "blocker", "Which file?")
    assert fleet.of_ticket().state is TicketState.BLOCKED
    await restart(fleet)
    await over(fleet, run)
    (again,) = fleet.occupying()
    assert (fleet.of_ticket().state, fleet.of_ticket().run, fleet.of_ticket().question) == (
        TicketState.IN_PROGRESS, again.id, None,
    )  # fmt: skip
    assert fleet.ctx.reader.questions(open_only=True) == []


async def test_a_reviewer_reviews_again_and_one_whose_work_is_done_does_not(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await fleet.handed_over(run)
    with pytest.raises(Conflict, match="handed it over"):
        await restart(fleet)
    await fleet.end(run)
    await fleet.settle()
    review = await fleet.queued("lee")
    await fleet.person.answer("kim", "restart", {"agent": "lee"})
    await over(fleet, review)
    (again,) = fleet.occupying()
    assert (again.agent, again.pr, again.head_sha, again.lens) == ("lee", 1, review.head_sha, review.lens)
    again = await fleet.begin(again)
    await fleet.person.answer("kim", "restart", {"agent": "lee"})
    await fleet.publish(again, "pr_approved")  # meanwhile
    await over(fleet, again)
    assert [one for one in fleet.occupying() if one.agent == "lee"] == []


async def test_what_cannot_be_started_again_says_why(fleet: Fleet) -> None:
    with pytest.raises(Conflict, match="nothing is running"):
        await restart(fleet)
    run = await at_work(fleet)
    with pytest.raises(Conflict, match="another run"):
        await restart(fleet, run="run-before")
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
    with pytest.raises(Refused, match="release it"):
        await restart(fleet)
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "fine"})
    with pytest.raises(Conflict, match="ends anyway"):
        await restart(fleet, run=run.id)


async def test_of_an_agent_that_is_gone_the_ticket_is_free(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer"), agent("another", "developer"), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    (queued,) = fleet.ctx.reader.runs(RunState.QUEUED)
    run = await fleet.begin(queued)
    await fleet.person.answer("kim", "restart", {"agent": run.agent})
    await fleet.use(
        fleet.ctx.settings.model_copy(
            update={"agents": [one for one in fleet.ctx.settings.agents if one.name != run.agent]}
        )
    )
    await over(fleet, run)
    (other,) = fleet.occupying()
    assert other.agent not in (run.agent, "lee")
    assert other.ticket == 1


async def test_a_replacement_is_told_answers_and_nothing_else_and_never_more_than_an_event_holds(fleet: Fleet) -> None:
    run = await at_work(fleet)
    rockets = "\U0001f680" * 1_400
    for number in range(5):
        asked = Blocker(f"guard-{number}", f"May I run this? {rockets}", run.id, run.agent, 1, None)
        await fleet.ctx.say(asked, f"run:{run.id}")
        over_ = QuestionWithdrawn(f"guard-{number}", "its turn ended")
        await fleet.ctx.record(draft(over_, f"run:{run.id}", key=f"withdrawn:guard-{number}"))
    for number in range(20):
        await fleet.ctx.say(Blocker(f"q-{number}", f"{number}? {rockets}", run.id, run.agent, 1, None), f"run:{run.id}")
        await fleet.ctx.say(
            QuestionAnswered(f"q-{number}", f"so {number} {rockets}", 1), f"run:{run.id}", actor="operator:kim"
        )
    await fleet.ctx.say(RunCrashed(run.id, 1, None, 0, "it broke"), f"run:{run.id}")
    await runs.replace_crashed(fleet.ctx)
    (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert "so 19" in again.instructions, "the newest answer"
    assert "May I run this?" not in again.instructions
    assert fleet.ctx.reader.alarms(AlarmState.ACTIVE, rule="replace") == []
