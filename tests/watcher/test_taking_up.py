"""A person starts an agent: what they had held up goes on, what it was stopped at begins again, and nothing else."""

from __future__ import annotations

import pytest

from fleet_tui.domain.errors import Conflict, NothingToDo, Refused
from fleet_tui.domain.events import RunCrashed
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.watcher.passes import runs
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


async def act(fleet: Fleet, op: str, name: str = "dev", **args: object) -> str:
    answer = await fleet.person.answer("kim", op, {"agent": name, **args})
    return str(answer["message"])


async def at_work(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


async def stopped(fleet: Fleet, run: Run) -> None:
    await act(fleet, "stop", run.agent, now=True)
    await runs._record_end(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
    await fleet.settle()


async def test_what_it_was_stopped_at_begins_again_with_it(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("aaa", "developer"), agent("dev", "developer", tickets=[1])])
    run = await at_work(fleet)
    await stopped(fleet, run)
    assert fleet.of_ticket().state is TicketState.BLOCKED
    told = await act(fleet, "start", reason="on second thought")
    assert told == "dev begins ticket #1 again"
    await fleet.settle()
    (again,) = fleet.occupying()
    assert (again.agent, again.ticket, again.previous, again.attempt) == ("dev", 1, run.id, 1)
    assert (fleet.of_ticket().state, fleet.of_ticket().run) == (TicketState.IN_PROGRESS, again.id)
    assert (await fleet.begin(again)).workspace == run.workspace
    (event,) = fleet.events("ticket_unblocked")
    assert (event.actor, event.payload["reason"]) == ("operator:kim", "on second thought")
    with pytest.raises(NothingToDo, match="dev is at work on ticket #1"):
        await act(fleet, "start")


async def test_a_pause_and_a_held_stop_are_taken_back(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], approval={"when": "always", "hold_s": 60})
    run = await at_work(fleet)
    await act(fleet, "stop")
    await act(fleet, "pause")
    assert await act(fleet, "start") == "dev goes on, is not stopped after all"
    assert fleet.run(run.id).stop_until_ns is None
    found = fleet.ctx.reader.agent("dev")
    assert found is not None
    assert not found.paused


async def test_what_it_crashed_at_too_often_gets_new_attempts(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], limits={"restart_attempts": 1})
    run = await at_work(fleet)
    await fleet.say(RunCrashed(run.id, 3, None, 10, "exited"), f"run:{run.id}")
    await fleet.settle()
    assert len(fleet.alarms("crash-loop")) == 1
    assert await act(fleet, "start") == "dev begins ticket #1 again"
    await fleet.settle()
    (again,) = fleet.occupying()
    assert (again.previous, again.attempt) == (run.id, 1)
    assert fleet.alarms("crash-loop") == []


async def test_a_stopped_review_is_asked_for_again(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    review = await fleet.queued("lee")
    await stopped(fleet, review)
    assert fleet.of_ticket().state is TicketState.BLOCKED
    with pytest.raises(NothingToDo, match="dev: it is idle"):
        await act(fleet, "start", "dev")
    assert await act(fleet, "start", "lee") == "lee begins ticket #1 again"
    await fleet.settle()
    (again,) = fleet.occupying()
    assert (again.agent, again.pr, again.head_sha) == ("lee", review.pr, review.head_sha)
    assert fleet.of_ticket().state is TicketState.IN_REVIEW


async def test_it_is_refused_where_a_person_has_to_do_something_else_first(fleet: Fleet) -> None:
    with pytest.raises(NothingToDo, match="idle"):
        await act(fleet, "start")
    run = await at_work(fleet)
    await act(fleet, "stop", now=True)
    with pytest.raises(Conflict, match="the run of dev ends") as ending:
        await act(fleet, "start")
    assert not isinstance(ending.value, NothingToDo)
    await act(fleet, "quarantine", reason="a key")
    with pytest.raises(Refused, match="quarantined: a key"):
        await act(fleet, "start")
    await act(fleet, "pause", "lee")
    await fleet.person.answer("kim", "halt", {"reason": "a fire"})
    with pytest.raises(Refused, match="all stop: a fire"):
        await act(fleet, "start", "lee")
    assert fleet.run(run.id).state is not RunState.QUEUED


async def test_a_question_waits_for_its_answer(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await fleet.publish(run, "blocker", "Which?")
    await fleet.settle()
    with pytest.raises(NothingToDo, match="at work"):
        await act(fleet, "start")
    assert fleet.of_ticket().state is TicketState.BLOCKED


async def test_what_a_person_discarded_is_not_begun_again(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")])
    run = await at_work(fleet)
    await fleet.begin(run)
    await act(fleet, "quarantine", reason="odd")
    await act(fleet, "discard", reason="wrong idea")
    await fleet.ctx.jobs.idle()
    await runs._record_end(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
    await act(fleet, "release", reason="looked at")
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    with pytest.raises(NothingToDo):
        await act(fleet, "start")
