"""Who is started by what: once per ticket, per event, per due time; whatever is restarted in between."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet_tui.domain.events import AgentPaused, AgentResumed, Note, RunCrashed, UsageReported
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.watcher.cursor import Cursor
from fleet_tui.watcher.passes import dispatch, runs, tickets
from fleet_tui.watcher.runs.queueing import queued
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import SECOND, Fleet, agent

DEV = agent("dev", "developer")
SCRIBE = agent("scribe", "observer", subscribes_to=["note", "ticket_shipped"])


def cursor(fleet: Fleet) -> Cursor:
    """A cursor as a watcher that was just started has it."""
    return Cursor(fleet.ctx.paths.state / "subscriptions.cursor")


async def test_pass_called_fifty_times_queues_once(fleet: Fleet) -> None:
    await fleet.ticket()
    await tickets.observe(fleet.ctx)
    for _ in range(50):
        await dispatch.assign(fleet.ctx)
    assert len(fleet.ctx.reader.runs()) == 1
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    assert fleet.of_ticket().run == fleet.ctx.reader.runs()[0].id


async def test_one_author_takes_one_ticket_at_a_time(fleet: Fleet) -> None:
    for title in ("one", "two", "three"):
        await fleet.ticket(title)
    await fleet.settle()
    assert [run.ticket for run in fleet.occupying()] == [1]
    run = await fleet.queued()
    await tickets.block(fleet.ctx, 1, "waits")
    await fleet.end(run, "failed")
    await fleet.settle()
    assert [run.ticket for run in fleet.occupying()] == [2]


async def test_dependencies_wait_and_impossible_ones_are_told(fleet: Fleet) -> None:
    await fleet.ticket("a", depends_on=[2])
    await fleet.ticket("b", depends_on=[1])
    await fleet.ticket("c", depends_on=[9])
    await fleet.settle()
    assert fleet.occupying() == []
    assert {alarm.about for alarm in fleet.alarms("ticket-stuck")} == {"ticket:1", "ticket:2", "ticket:3"}


async def test_event_starts_each_subscriber_once_across_restarts(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([DEV, SCRIBE, agent("clerk", "observer", subscribes_to=["note"])])
    await dispatch.react(fleet.ctx, cursor(fleet))
    note = await fleet.say(Note("look here", pr=None), "fleet", actor="agent:dev/run-1")
    for _ in range(20):
        await dispatch.react(fleet.ctx, cursor(fleet))
    assert sorted(run.agent for run in fleet.ctx.reader.runs()) == ["clerk", "scribe"]
    # The watcher dies before it could remember how far it had read.
    cursor(fleet).write(note.seq - 1)
    await dispatch.react(fleet.ctx, cursor(fleet))
    assert len(fleet.ctx.reader.runs()) == 2
    (run,) = fleet.ctx.reader.runs(agent="scribe")
    assert (run.trigger, run.instructions) == ("note", "look here")
    (queued,) = [e for e in fleet.events("run_queued") if e.payload["run"] == run.id]
    assert queued.cause == note.id


async def test_own_events_start_nobody(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([SCRIBE])
    await dispatch.react(fleet.ctx, cursor(fleet))
    await fleet.say(Note("to myself"), "fleet", actor="agent:scribe/run-1")
    await dispatch.react(fleet.ctx, cursor(fleet))
    assert fleet.ctx.reader.runs() == []


async def test_what_happened_before_the_first_start_starts_nobody(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([SCRIBE])
    await fleet.say(Note("long ago"), "fleet")
    await dispatch.react(fleet.ctx, cursor(fleet))
    assert fleet.ctx.reader.runs() == []


async def test_many_events_are_taken_in_parts_and_none_is_missed(make_fleet: MakeFleet) -> None:
    from fleet_tui.domain.events import draft

    fleet = await make_fleet([SCRIBE])
    await dispatch.react(fleet.ctx, cursor(fleet))
    await fleet.ctx.record(*(draft(Note(str(n)), "fleet") for n in range(1_100)))
    for _ in range(4):
        await dispatch.react(fleet.ctx, cursor(fleet))
    assert len(fleet.ctx.reader.runs()) == 1_100


@pytest.mark.parametrize("state", ["paused", "disabled", "gone"])
async def test_unwilling_agents_are_not_started(make_fleet: MakeFleet, state: str) -> None:
    fleet = await make_fleet([DEV, SCRIBE])
    await dispatch.react(fleet.ctx, cursor(fleet))
    if state == "paused":
        await fleet.say(AgentPaused("scribe", "by hand"), "agent:scribe")
    else:
        await fleet.reconfigure(agents=[DEV] + ([SCRIBE | {"enabled": False}] if state == "disabled" else []))
    await fleet.say(Note("anybody?"), "fleet")
    await dispatch.react(fleet.ctx, cursor(fleet))
    assert fleet.ctx.reader.runs() == []


async def test_paused_author_gets_its_ticket_when_resumed(fleet: Fleet) -> None:
    await fleet.say(AgentPaused("dev", "by hand"), "agent:dev")
    await fleet.ticket()
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.READY
    await fleet.say(AgentResumed("dev", "by hand"), "agent:dev")
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc, arg-type]


async def hourly(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet that was configured at twenty past twelve, with an agent for every full hour."""
    monkeypatch.setattr(dispatch, "_known_since", lambda _ctx: at(2031, 5, 1, 12, 20))
    fleet = await make_fleet([agent("clock", "observer", schedule="0 * * * *")])
    fleet.clock_ns = at(2031, 5, 1, 12, 30)
    return fleet


async def test_schedule_fires_once_and_not_for_the_past(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await hourly(make_fleet, monkeypatch)
    await dispatch.schedule(fleet.ctx)
    assert fleet.ctx.reader.runs() == [], "twelve o'clock was before the fleet knew of it"
    fleet.clock_ns = at(2031, 5, 1, 13, 0)
    for _ in range(50):
        fleet.later(0.5)
        await dispatch.schedule(fleet.ctx)
    assert [run.trigger for run in fleet.ctx.reader.runs()] == ["schedule"]
    (fired,) = fleet.events("schedule_fired")
    assert fired.payload["due_ns"] == at(2031, 5, 1, 13, 0)


async def test_what_was_missed_fires_once(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await hourly(make_fleet, monkeypatch)
    fleet.clock_ns = at(2031, 5, 2, 9, 59)
    await dispatch.schedule(fleet.ctx)
    assert [event.payload["due_ns"] for event in fleet.events("schedule_fired")] == [at(2031, 5, 2, 9, 0)]


async def test_a_fresh_fleet_fires_nothing(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("clock", "observer", schedule="* * * * *")])
    await dispatch.schedule(fleet.ctx)
    assert fleet.ctx.reader.runs() == []


# -- replacing what crashed ------------------------------------------------------------------------------------------


async def crash(fleet: Fleet, name: str) -> None:
    """The one run of ``name`` that is due begins and crashes."""
    fleet.later(3_600)
    run = await fleet.queued(name)
    await fleet.say(RunCrashed(run.id, 1, None, 10, "exited"), f"run:{run.id}")
    await fleet.settle()


async def test_author_that_keeps_crashing_is_restarted_up_to_the_limit(fleet: Fleet) -> None:
    await fleet.reconfigure(limits={"restart_attempts": 3})
    await fleet.ticket()
    await fleet.settle()
    for attempt in (1, 2):
        await crash(fleet, "dev")
        (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
        assert (again.attempt, again.ticket) == (attempt + 1, 1)
        assert fleet.of_ticket().run == again.id, "the ticket belongs to the run that works on it"
    await crash(fleet, "dev")
    assert fleet.occupying() == []
    assert fleet.of_ticket().state is TicketState.BLOCKED
    assert len(fleet.alarms("crash-loop")) == 1
    assert fleet.kinds().count("agent_respawned") == 2


async def test_given_up_ticket_starts_anew_when_marked_ready(fleet: Fleet) -> None:
    await fleet.reconfigure(limits={"restart_attempts": 1})
    await fleet.ticket()
    await fleet.settle()
    await crash(fleet, "dev")
    assert fleet.of_ticket().state is TicketState.BLOCKED
    await fleet.ctx.forge.set_labels(1, add=["ready"])
    await fleet.settle()
    (run,) = fleet.occupying()
    assert (run.attempt, run.ticket) == (1, 1)


async def test_reviewer_that_crashes_after_the_landing_is_not_replaced(fleet: Fleet) -> None:
    await fleet.reconfigure(reviews={"required": 0})
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    reviewer = queued(fleet.ctx.settings.agent("lee"), key="late", trigger="note", pr=1, head_sha=fleet.pr().head_sha)
    await fleet.ctx.record(reviewer)
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.SHIPPED
    await crash(fleet, "lee")
    assert fleet.occupying() == []
    assert fleet.alarms() == []


async def test_respawn_waits_out_its_back_off(fleet: Fleet) -> None:
    await fleet.reconfigure(limits={"restart_backoff_s": [60]})
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued()
    await fleet.say(RunCrashed(run.id, 1, None, 10, "exited"), f"run:{run.id}")
    fleet.clock_ns = fleet.run(run.id).ended_ns or 0
    await fleet.settle()
    (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert again.not_before_ns == fleet.clock_ns + 60 * SECOND
    await runs.start_queued(fleet.ctx)
    assert fleet.ctx.jobs.running("start:") == []


async def test_a_ticket_goes_to_who_has_room_in_its_budget(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(
        [agent("ada", "developer"), agent("bob", "developer"), agent("lee", "tech-lead")],
        budgets=[{"scope": "agent", "name": "ada", "unit": "turns", "ceiling": 1}],
    )
    usage = UsageReported("r", "ada", "m", cost_microusd=0, cost_source="vendor", turn=1)
    await fleet.ctx.say(usage, "run:r")
    await fleet.ticket()
    await fleet.ticket()
    await fleet.settle()
    assert [run.agent for run in fleet.occupying()] == ["bob"]
    args = {"scope": "agent", "name": "ada", "amount": 5}
    await fleet.person.answer("kim", "extend_budget", args)
    await fleet.settle()
    assert sorted(run.agent for run in fleet.occupying()) == ["ada", "bob"]
