"""A person's request counts once: repeated, at the same time, after the answer was lost, after a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.states import TicketState
from fleet_tui.watcher.desks.operator_desk import OperatorDesk
from tests.watcher.watcher_support import Fleet

KEY = "operator/req-1"


def after_a_restart(fleet: Fleet) -> None:
    """A watcher that remembers nothing but its log."""
    fleet.person = OperatorDesk(fleet.ctx, fleet.stops.append)


async def asked(fleet: Fleet, op: str, key: str = KEY, **args: Any) -> dict[str, Any]:
    return await fleet.person.answer("kim", op, args, key)


async def working(fleet: Fleet) -> str:
    await fleet.ticket()
    await fleet.settle()
    return (await fleet.queued("dev")).id


async def test_a_repeat_gets_the_first_answer_and_types_nothing_twice(fleet: Fleet) -> None:
    run = await working(fleet)
    first = await asked(fleet, "message", agent="dev", text="use tabs")
    assert await asked(fleet, "message", agent="dev", text="use tabs") == first
    await asked(fleet, "message", "operator/req-2", agent="dev", text="use tabs")
    assert len(fleet.ctx.reader.messages(run=run)) == 2, "another request is another act"


async def test_two_at_once_are_one(fleet: Fleet) -> None:
    run = await working(fleet)
    one, two = await asyncio.gather(*(asked(fleet, "message", agent="dev", text="hi") for _ in range(2)))
    assert one == two
    assert len(fleet.ctx.reader.messages(run=run)) == 1


async def test_the_log_remembers_when_the_watcher_does_not(fleet: Fleet) -> None:
    run = await working(fleet)
    await asked(fleet, "message", agent="dev", text="use tabs")
    event = fleet.ctx.reader.event_with_key(KEY)
    assert event is not None
    assert (event.kind, event.actor) == ("message_sent", "operator:kim")
    after_a_restart(fleet)
    again = await asked(fleet, "message", agent="dev", text="use tabs")
    assert again == {"message": f"done already: message_sent, event {event.seq}", "event": event.seq}
    assert len(fleet.ctx.reader.messages(run=run)) == 1


async def test_a_refusal_is_repeated_and_leaves_no_trace(fleet: Fleet) -> None:
    for _ in range(2):
        with pytest.raises(Conflict, match="not paused"):
            await asked(fleet, "resume", agent="dev")
    assert fleet.ctx.reader.event_with_key(KEY) is None


async def test_who_asked_may_go_away(fleet: Fleet) -> None:
    call = asyncio.create_task(asked(fleet, "pause", agent="dev"))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await asked(fleet, "pause", agent="dev"))["message"] == "dev is paused"
    assert len(fleet.events("agent_paused")) == 1


async def test_of_several_events_the_first_of_the_person_carries_the_key(fleet: Fleet) -> None:
    await working(fleet)
    await asked(fleet, "halt", reason="fire")
    event = fleet.ctx.reader.event_with_key(KEY)
    assert event is not None
    assert event.kind == "fleet_halted"
    assert [event.key for event in fleet.events("agent_paused")] == [None] * 2


async def test_an_answer_to_a_question_is_found_by_its_request(fleet: Fleet) -> None:
    run = fleet.run(await working(fleet))
    await fleet.publish(run, "blocker", "red or green?")
    await asked(fleet, "message", agent="dev", text="red")
    event = fleet.ctx.reader.event_with_key(KEY)
    assert event is not None
    assert event.kind == "question_answered"
    after_a_restart(fleet)
    await asked(fleet, "message", agent="dev", text="red")
    assert len(fleet.ctx.reader.messages(run=run.id)) == 1, "not typed again as a free message"
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS


async def test_two_answers_to_one_question_are_one_answer(fleet: Fleet) -> None:
    run = fleet.run(await working(fleet))
    await fleet.publish(run, "blocker", "red or green?")
    (question,) = fleet.ctx.reader.questions(open_only=True)
    done = await asyncio.gather(
        *(asked(fleet, "answer", f"operator/{text}", question=question.id, text=text) for text in ("red", "green")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [dict, Conflict]
    assert len(fleet.events("question_answered")) == 1
    assert [message.text for message in fleet.ctx.reader.messages(run=run.id)] == ["red"]


async def test_looks_are_answered_anew(fleet: Fleet) -> None:
    first = await asked(fleet, "status")
    await working(fleet)
    assert (await asked(fleet, "status"))["events"] > first["events"]
