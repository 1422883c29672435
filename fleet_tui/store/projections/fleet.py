"""The fleet's own row, and alarms."""

from __future__ import annotations

from fleet_tui.domain.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmShelved,
    AlarmUnshelved,
    ConfigLoaded,
    ConfigRejected,
    Event,
    FleetHalted,
    FleetResumed,
    IsolationChanged,
    Payload,
    TargetMoved,
    TargetPublished,
    WatcherStarted,
    WatcherStopped,
    payload_of,
)
from fleet_tui.domain.states import AlarmState
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections import agents
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import ALARM, FLEET, REPOSITORY, Row, Tables

BLANK: Row = {
    "id": 1,
    "config_sha": "",
    "policy": "",
    "config_problems": "[]",
    "watcher_pid": 0,
    "watcher_host": "",
    "watcher_epoch": 0,
    "watcher_running": False,
    "isolation": "",
    "target": "",
    "target_sha": "",
    "published_sha": "",
    "halted": "",
    "budgets": "[]",
}


def config_loaded(tables: Tables, event: Event) -> None:
    config = payload_of(event, ConfigLoaded)
    budgets = dumps(config.budgets)
    _change(tables, config_sha=config.sha, policy=config.policy, config_problems="[]", budgets=budgets)
    agents.config_loaded(tables, event)


def config_rejected(tables: Tables, event: Event) -> None:
    _change(tables, config_problems=dumps(payload_of(event, ConfigRejected).problems))


def watcher_started(tables: Tables, event: Event) -> None:
    watcher = payload_of(event, WatcherStarted)
    who = {"watcher_pid": watcher.pid, "watcher_host": watcher.host, "watcher_epoch": event.epoch}
    _change(tables, **who, watcher_running=True, isolation=watcher.isolation)


def isolation_changed(tables: Tables, event: Event) -> None:
    _change(tables, isolation=payload_of(event, IsolationChanged).isolation)


def watcher_stopped(tables: Tables, _event: Event) -> None:
    _change(tables, watcher_running=False)


def target_moved(tables: Tables, event: Event) -> None:
    move = payload_of(event, TargetMoved)
    _target(tables, move.repo, target=move.target, target_sha=move.new_sha)


def target_published(tables: Tables, event: Event) -> None:
    publication = payload_of(event, TargetPublished)
    _target(tables, publication.repo, target=publication.target, published_sha=publication.sha)


def halted(tables: Tables, event: Event) -> None:
    _change(tables, halted=payload_of(event, FleetHalted).reason or "all stop")


def resumed(tables: Tables, _event: Event) -> None:
    _change(tables, halted="")


def alarm_raised(tables: Tables, event: Event) -> None:
    facts = payload_of(event, AlarmRaised).as_dict()
    facts["id"] = facts.pop("alarm")
    state = {
        "state": AlarmState.ACTIVE.value,
        "acknowledged_by": None,
        "cleared_ns": None,
        "shelved_until_ns": None,
        "shelved_reason": "",
    }
    tables.put(ALARM, {**facts, **state, "raised_ns": event.at_ns})


def alarm_cleared(tables: Tables, event: Event) -> None:
    alarm = payload_of(event, AlarmCleared).alarm
    tables.change(ALARM, alarm, state=AlarmState.CLEARED.value, cleared_ns=event.at_ns)


def alarm_acknowledged(tables: Tables, event: Event) -> None:
    receipt = payload_of(event, AlarmAcknowledged)
    row = tables.get(ALARM, receipt.alarm)
    if row is not None and row["state"] == AlarmState.ACTIVE:
        tables.put(ALARM, {**row, "state": AlarmState.ACKNOWLEDGED.value, "acknowledged_by": receipt.by})
    elif row is not None and row["state"] == AlarmState.CLEARED and row["acknowledged_by"] is None:
        tables.put(ALARM, {**row, "acknowledged_by": receipt.by})


def alarm_shelved(tables: Tables, event: Event) -> None:
    shelf = payload_of(event, AlarmShelved)
    row = tables.get(ALARM, shelf.alarm)
    if row is not None and row["state"] != AlarmState.CLEARED:
        until = {"shelved_until_ns": shelf.until_ns, "shelved_reason": shelf.reason}
        tables.put(ALARM, {**row, **until, "state": AlarmState.SHELVED.value})


def alarm_unshelved(tables: Tables, event: Event) -> None:
    row = tables.get(ALARM, payload_of(event, AlarmUnshelved).alarm)
    if row is not None and row["state"] == AlarmState.SHELVED:
        back = {"shelved_until_ns": None, "shelved_reason": "", "acknowledged_by": None}
        tables.put(ALARM, {**row, **back, "state": AlarmState.ACTIVE.value})


def _target(tables: Tables, repo: str, **changes: str) -> None:
    if not repo:
        _change(tables, **changes)
        return
    blank = {"name": repo, "target": "", "target_sha": "", "published_sha": ""}
    tables.put(REPOSITORY, {**(tables.get(REPOSITORY, repo) or blank), **changes})


def _change(tables: Tables, **changes: object) -> None:
    tables.put(FLEET, {**(tables.get(FLEET, 1) or BLANK), **changes})


APPLY: dict[type[Payload], Apply] = {
    ConfigLoaded: config_loaded,
    ConfigRejected: config_rejected,
    WatcherStarted: watcher_started,
    WatcherStopped: watcher_stopped,
    IsolationChanged: isolation_changed,
    TargetMoved: target_moved,
    TargetPublished: target_published,
    FleetHalted: halted,
    FleetResumed: resumed,
    AlarmRaised: alarm_raised,
    AlarmCleared: alarm_cleared,
    AlarmAcknowledged: alarm_acknowledged,
    AlarmShelved: alarm_shelved,
    AlarmUnshelved: alarm_unshelved,
}
