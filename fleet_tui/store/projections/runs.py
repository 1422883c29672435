"""Runs and the run time that they are charged."""

from __future__ import annotations

from fleet_tui.domain.events import (
    ContextFilled,
    Event,
    Payload,
    RunCrashed,
    RunFinished,
    RunMemoryLimited,
    RunMetered,
    RunQueued,
    RunRestored,
    RunStarted,
    RunStateChanged,
    RunStopHeld,
    RunStopRequested,
    RunStopUndone,
    payload_of,
)
from fleet_tui.domain.model import TO_BE_RESTORED
from fleet_tui.domain.states import ENDED_RUNS, RunState
from fleet_tui.store.projections import spending
from fleet_tui.store.projections.base import Apply, agent_row, change_agent
from fleet_tui.store.projections.risk import NO_RISK
from fleet_tui.store.tables import RUN, Row, Tables


def queued(tables: Tables, event: Event) -> None:
    run = payload_of(event, RunQueued)
    if tables.get(RUN, run.run) is not None:
        return
    asked = run.as_dict()
    asked["id"] = asked.pop("run")
    state = _state(RunState.QUEUED, "watcher", TO_BE_RESTORED if run.held else "", event)
    origin = {"host": event.host, "queued_ns": event.at_ns, "queued_id": event.id, "queued_seq": event.seq}
    tables.put(RUN, {**asked, **_NOT_STARTED, **state, **origin})


def restored(tables: Tables, event: Event) -> None:
    run = payload_of(event, RunRestored).run
    row = tables.get(RUN, run)
    if row is not None and row["held"] and row["state"] not in ENDED_RUNS:
        tables.put(RUN, {**row, "held": False, **_state(RunState(row["state"]), "operator", "restored", event)})


def started(tables: Tables, event: Event) -> None:
    run = payload_of(event, RunStarted)
    facts = run.as_dict()
    facts.pop("run")
    state = _state(RunState.STARTING, "watcher", "", event)
    _change_unless_ended(tables, run.run, **facts, **state, started_ns=event.at_ns, host=event.host)


def state_changed(tables: Tables, event: Event) -> None:
    change = payload_of(event, RunStateChanged)
    state = _state(RunState(change.state), change.source, change.reason, event)
    _change_unless_ended(tables, change.run, **state)


def metered(tables: Tables, event: Event) -> None:
    """A smaller figure changes nothing, unless the run is settled: then the rest is given back."""
    meter = payload_of(event, RunMetered)
    run = tables.get(RUN, meter.run)
    bought_ms = meter.charged_ms - (run["charged_ms"] if run else 0)
    if run is None or bought_ms == 0 or (bought_ms < 0 and not meter.settled):
        return
    tables.put(RUN, {**run, "charged_ms": meter.charged_ms})
    charged_ms = max(0, agent_row(tables, run["agent"])["charged_ms"] + bought_ms)
    change_agent(tables, run["agent"], charged_ms=charged_ms)
    if bought_ms > 0:
        spending.spend(tables, event, run, run_ms=bought_ms)
    else:
        spending.give_back(tables, event, run, -bought_ms)


def memory_limited(tables: Tables, event: Event) -> None:
    told = payload_of(event, RunMemoryLimited)
    tables.change(RUN, told.run, memory_mb=told.memory_mb, memory_by=told.by)


def finished(tables: Tables, event: Event) -> None:
    end = payload_of(event, RunFinished)
    _end(tables, event, end, RunState(end.outcome))


def crashed(tables: Tables, event: Event) -> None:
    _end(tables, event, payload_of(event, RunCrashed), RunState.CRASHED)


def stop_requested(tables: Tables, event: Event) -> None:
    tables.change(RUN, payload_of(event, RunStopRequested).run, stop_requested=True, **_NO_HELD_STOP)


def stop_held(tables: Tables, event: Event) -> None:
    """Of a run that is being stopped or has ended nothing is held."""
    held = payload_of(event, RunStopHeld)
    row = tables.get(RUN, held.run)
    if row is not None and not row["stop_requested"]:
        _change_unless_ended(tables, held.run, stop_until_ns=held.until_ns, stop_again=held.again)


def stop_undone(tables: Tables, event: Event) -> None:
    tables.change(RUN, payload_of(event, RunStopUndone).run, **_NO_HELD_STOP)


def context_filled(tables: Tables, event: Event) -> None:
    told = payload_of(event, ContextFilled)
    facts = {"context_used": told.used, "context_window": told.window, "context_source": told.source}
    tables.change(RUN, told.run, **facts)


_NO_HELD_STOP: Row = {"stop_until_ns": None, "stop_again": False}
_NOT_STARTED: Row = {
    "session": "",
    "pane_uuid": "",
    "workspace": "",
    "branch": "",
    "base_sha": "",
    "isolation": "",
    "agent_epoch": 0,
    "token_sha": "",
    "started_ns": None,
    "ended_ns": None,
    "exit_code": None,
    "signal": None,
    "active_ms": 0,
    "charged_ms": 0,
    "stop_requested": False,
    "published": False,
    "context_used": None,
    "context_window": None,
    "context_source": "",
    "memory_mb": None,
    "memory_by": "",
    **_NO_HELD_STOP,
    **NO_RISK,
}


def _state(state: RunState, source: str, reason: str, event: Event) -> Row:
    return {"state": state.value, "state_source": source, "state_reason": reason, "state_ns": event.at_ns}


def _change_unless_ended(tables: Tables, run: str, **changes: object) -> None:
    row = tables.get(RUN, run)
    if row is not None and row["state"] not in ENDED_RUNS:
        tables.put(RUN, {**row, **changes})


def _end(tables: Tables, event: Event, end: RunFinished | RunCrashed, state: RunState) -> None:
    if state not in ENDED_RUNS:
        raise ValueError(f"{state} is not an end of a run")
    facts = {"exit_code": end.exit_code, "signal": end.signal, "active_ms": end.active_ms, "ended_ns": event.at_ns}
    facts |= _NO_HELD_STOP
    _change_unless_ended(tables, end.run, **facts, **_state(state, "runner", end.reason, event))


APPLY: dict[type[Payload], Apply] = {
    RunQueued: queued,
    RunRestored: restored,
    RunStarted: started,
    RunStateChanged: state_changed,
    RunMetered: metered,
    RunMemoryLimited: memory_limited,
    RunFinished: finished,
    RunCrashed: crashed,
    RunStopHeld: stop_held,
    RunStopUndone: stop_undone,
    RunStopRequested: stop_requested,
    ContextFilled: context_filled,
}
