"""A person's stop and restart of a run are held: the run goes on meanwhile, and both can be taken back."""

from __future__ import annotations

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.watcher.acts import stopping
from fleet_tui.watcher.passes import runs
from tests.watcher.conftest import MakeFleet
from tests.watcher.test_after_a_restart import started_again
from tests.watcher.watcher_support import Fleet, agent

HOLD_S = 10


@pytest.fixture
async def fleet(make_fleet: MakeFleet) -> Fleet:
    team = [agent("dev", "developer"), agent("lee", "tech-lead")]
    return await make_fleet(team, approval={"when": "always", "hold_s": HOLD_S})


async def at_work(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


async def act(fleet: Fleet, op: str, **args: object) -> str:
    answer = await fleet.person.answer("kim", op, {"agent": "dev", **args})
    return str(answer["message"])


async def after(fleet: Fleet, seconds: float) -> None:
    fleet.later(seconds)
    await fleet.settle()


async def over(fleet: Fleet, run: Run) -> None:
    """Its processes are gone."""
    await runs._record_end(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
    await fleet.settle()


async def test_a_stop_comes_when_nobody_took_it_back_and_in_the_name_of_who_asked(fleet: Fleet) -> None:
    run = await at_work(fleet)
    told = await act(fleet, "stop", run=run.id, reason="wrong track")
    assert told.startswith("dev stops in 10 s; `fleet agent stop dev --undo` takes it back")
    await after(fleet, HOLD_S - 1)
    assert not fleet.run(run.id).stop_requested
    assert fleet.run(run.id).state is RunState.RUNNING
    await after(fleet, 1)
    assert fleet.run(run.id).stop_requested
    (held,), (stop,) = fleet.events("run_stop_held"), fleet.events("run_stop_requested")
    assert (stop.actor, stop.payload["reason"], stop.cause) == ("operator:kim", "wrong track", held.id)
    await over(fleet, run)
    assert fleet.run(run.id).state_reason == "operator:kim: wrong track"


async def test_what_breaks_off_while_its_stop_is_held_is_not_begun_anew(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "stop", reason="wrong track")
    await over(fleet, run)
    assert (fleet.run(run.id).state, fleet.run(run.id).state_reason) == (RunState.STOPPED, "operator:kim: wrong track")
    await after(fleet, 10 * HOLD_S)
    assert [one.id for one in fleet.ctx.reader.runs(agent="dev")] == [run.id]


async def test_what_breaks_off_while_it_is_to_begin_anew_does(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "restart", reason="stuck")
    await over(fleet, run)
    assert fleet.run(run.id).state is RunState.STOPPED
    (new,) = (one for one in fleet.ctx.reader.runs(RunState.QUEUED) if one.agent == "dev")
    assert (new.ticket, new.attempt) == (run.ticket, run.attempt)


async def test_what_ends_well_while_its_stop_is_held_has_ended_well(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "stop", reason="wrong track")
    await fleet.handed_over(fleet.run(run.id), {"app.py": "print('two')\n"})
    await over(fleet, run)
    assert fleet.run(run.id).state is RunState.FINISHED


async def test_taken_back_it_never_comes(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "stop", reason="a slip")
    assert await act(fleet, "undo_stop", run=run.id) == "dev goes on"
    await after(fleet, 10 * HOLD_S)
    assert not fleet.run(run.id).stop_requested
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    (undone,) = fleet.events("run_stop_undone")
    assert undone.actor == "operator:kim"
    with pytest.raises(Conflict, match="no stop of dev is held"):
        await act(fleet, "undo_stop", run=run.id)
    await act(fleet, "stop")  # and once more
    assert await act(fleet, "undo_stop") == "dev goes on"


async def test_a_second_stop_says_when_it_comes_and_at_once_is_at_once(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "stop")
    fleet.later(4)
    with pytest.raises(Conflict, match="dev stops in 6 s"):
        await act(fleet, "stop")
    with pytest.raises(Conflict, match="dev stops in 6 s"):
        await act(fleet, "restart")
    await act(fleet, "stop", now=True)
    assert fleet.run(run.id).stop_requested
    assert fleet.run(run.id).stop_until_ns is None


async def test_a_restart_is_held_too_and_the_same_work_begins_afterwards(fleet: Fleet) -> None:
    run = await at_work(fleet)
    told = await act(fleet, "restart", run=run.id, reason="a new server")
    assert told.startswith("dev begins its work again in 10 s")
    await after(fleet, HOLD_S)
    assert fleet.run(run.id).stop_requested
    await over(fleet, run)
    (again,) = fleet.occupying()
    assert (again.agent, again.previous, again.attempt) == ("dev", run.id, 1)
    (respawned,) = fleet.events("agent_respawned")
    assert respawned.payload["by"] == "operator:kim"


async def test_a_restart_is_void_when_the_work_was_handed_over_meanwhile(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "restart")
    await fleet.handed_over(run)
    fleet.later(HOLD_S)
    await stopping.end_held(fleet.ctx)
    assert not fleet.run(run.id).stop_requested
    (undone,) = fleet.events("run_stop_undone")
    assert undone.payload["reason"] == "it has handed its work over meanwhile"


async def test_a_restart_is_void_when_the_agent_was_quarantined_meanwhile(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await act(fleet, "restart")
    await act(fleet, "quarantine", reason="odd")
    await after(fleet, HOLD_S)
    assert not fleet.run(run.id).stop_requested
    assert fleet.run(run.id).stop_until_ns is None


async def test_what_waits_to_begin_is_stopped_at_once(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    (queued,) = fleet.ctx.reader.runs(RunState.QUEUED)
    await act(fleet, "stop")
    assert fleet.run(queued.id).stop_requested
    assert fleet.events("run_stop_held") == []


async def test_it_is_held_by_the_log_and_not_by_the_process(fleet: Fleet) -> None:
    """A watcher that is started again knows it; what it then does it does once."""
    run = await at_work(fleet)
    await act(fleet, "stop")
    at_ns = fleet.clock_ns
    again = await started_again(fleet)
    again.clock_ns = at_ns + (HOLD_S - 1) * 10**9
    await stopping.end_held(again.ctx)
    assert not again.run(run.id).stop_requested
    again.later(1)
    await stopping.end_held(again.ctx)
    await stopping.end_held(again.ctx)
    assert len(again.events("run_stop_requested")) == 1
