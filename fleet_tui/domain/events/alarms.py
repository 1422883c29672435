"""Alarms."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import Payload


@dataclass(frozen=True, slots=True)
class AlarmRaised(Payload, kind="alarm_raised"):
    """Something abnormal that a person must answer. ``priority`` is 1 (within minutes) to 3 (when free)."""

    alarm: str
    rule: str
    priority: int
    title: str
    response: str
    about: str
    first: str | None = None
    """The alarm that came first of its group, when this one follows from it."""


@dataclass(frozen=True, slots=True)
class AlarmShelved(Payload, kind="alarm_shelved"):
    """Out of sight until ``until_ns``; its condition is not changed."""

    alarm: str
    by: str
    until_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmUnshelved(Payload, kind="alarm_unshelved"):
    """Back in sight, as not yet acknowledged."""

    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmCleared(Payload, kind="alarm_cleared"):
    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(Payload, kind="alarm_acknowledged"):
    alarm: str
    by: str
