"""Alarms as their screen shows them: what stands, what went before anybody saw it, what is on the shelf, how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_tui.domain.events import AlarmRaised, Event
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.spending import window_start_ns
from fleet_tui.domain.states import STANDING_ALARMS, AlarmState
from fleet_tui.governance.alarms import WINDOW_NS
from fleet_tui.readmodel import needs
from fleet_tui.store.reader import EventFilter

if TYPE_CHECKING:
    from fleet_tui.store.reader import Reader

DAY_NS = 24 * 3_600_000_000_000
"""How long one that cleared before anybody saw it stays listed."""
TARGET_PER_DAY = 120
"""What one person can answer (EEMUA 191: about five an hour)."""
TARGET_SHARES = (5, 15, 80)
"""Per cent of priority 1, 2 and 3."""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm in the list. ``agent`` is the one behind it, if there is one."""

    alarm: Alarm
    agent: str | None
    followers: int
    """Listed alarms that probably follow from it."""

    @property
    def about(self) -> str:
        """Whom or what it is about, in a person's words."""
        return self.agent or needs.words_of(self.alarm.about)


@dataclass(frozen=True, slots=True)
class Kind:
    """How often one rule raised alarms, and about what."""

    rule: str
    times: int
    title: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlarmBoard:
    """Everything the screen lists; ``raised`` are all of the last 24 hours, oldest first."""

    active: tuple[AlarmRow, ...] = ()
    """Also acknowledged ones; effects stand below what came first."""
    returned: tuple[AlarmRow, ...] = ()
    """Cleared before anybody had seen them, the latest first."""
    shelf: tuple[AlarmRow, ...] = ()
    """The one that comes back first at the front."""
    raised: tuple[Alarm, ...] = ()

    @property
    def rows(self) -> tuple[AlarmRow, ...]:
        return (*self.active, *self.returned, *self.shelf)

    def row(self, alarm: str | None) -> AlarmRow | None:
        return next((row for row in self.rows if row.alarm.id == alarm), None)

    def following(self, alarm: str) -> tuple[AlarmRow, ...]:
        """What probably follows from ``alarm``."""
        return tuple(row for row in self.rows if row.alarm.first == alarm)

    def recent(self, now_ns: int) -> int:
        """Raised in the last ten minutes."""
        return sum(now_ns - alarm.raised_ns <= WINDOW_NS for alarm in self.raised)

    def today(self, now_ns: int) -> tuple[Alarm, ...]:
        """Raised since midnight, UTC."""
        start_ns = window_start_ns("day", now_ns)
        return tuple(alarm for alarm in self.raised if alarm.raised_ns >= start_ns)


def shares(alarms: Sequence[Alarm]) -> tuple[int, int, int] | None:
    """Per cent of priority 1, 2 and 3, a hundred together; None of nothing."""
    counts = Counter(min(alarm.priority, 3) for alarm in alarms)
    total = len(alarms)
    if not total:
        return None
    whole = {priority: counts[priority] * 100 // total for priority in (1, 2, 3)}
    # What rounding down left goes to those that lost most by it.
    for priority in sorted(whole, key=lambda one: -(counts[one] * 100 % total))[: 100 - sum(whole.values())]:
        whole[priority] += 1
    return whole[1], whole[2], whole[3]


def most_frequent(alarms: Sequence[Alarm]) -> tuple[Kind, ...]:
    """The rules that raised more than one, the busiest first."""
    counts = Counter(alarm.rule for alarm in alarms)
    return tuple(_kind(rule, times, alarms) for rule, times in counts.most_common() if times > 1)


def _kind(rule: str, times: int, alarms: Sequence[Alarm]) -> Kind:
    own = [alarm for alarm in alarms if alarm.rule == rule]
    subjects = Counter(needs.words_of(alarm.about) for alarm in own)
    return Kind(rule, times, own[-1].title, tuple(name for name, _ in subjects.most_common()))


def read_alarms(reader: Reader, now_ns: int) -> AlarmBoard:
    """The standing alarms, and those of the last 24 hours."""
    with reader.snapshot():
        standing = reader.alarms(*STANDING_ALARMS)
        history = reader.alarms(since_ns=now_ns - DAY_NS)
        gone = [alarm for alarm in history if _went_unseen(alarm)]
        agents = reader.agents_behind(alarm.about for alarm in (*standing, *gone))
    listed = [*standing, *gone]
    follow = Counter(alarm.first for alarm in listed if alarm.first is not None)

    def rows(alarms: Iterable[Alarm]) -> tuple[AlarmRow, ...]:
        return tuple(AlarmRow(alarm, agents.get(alarm.about), follow[alarm.id]) for alarm in alarms)

    shelved = [alarm for alarm in standing if alarm.state is AlarmState.SHELVED]
    return AlarmBoard(
        rows(grouped(alarm for alarm in standing if alarm.state is not AlarmState.SHELVED)),
        rows(sorted(gone, key=lambda alarm: alarm.cleared_ns or 0, reverse=True)),
        rows(sorted(shelved, key=lambda alarm: alarm.shelved_until_ns or 0)),
        tuple(sorted((a for a in history if now_ns - a.raised_ns <= DAY_NS), key=lambda a: (a.raised_ns, a.id))),
    )


def _went_unseen(alarm: Alarm) -> bool:
    return alarm.state is AlarmState.CLEARED and alarm.acknowledged_by is None and alarm.shelved_until_ns is None


def grouped(alarms: Iterable[Alarm]) -> list[Alarm]:
    """The most urgent first, then the oldest; each followed by what probably follows from it.

    A group stands where its most urgent member would.
    """
    listed = {alarm.id: alarm for alarm in alarms}
    groups: dict[str, list[Alarm]] = {}
    for alarm in listed.values():
        groups.setdefault(alarm.first if alarm.first in listed and alarm.first else alarm.id, []).append(alarm)

    def place(head: str) -> tuple[int, int, str]:
        return min(alarm.priority for alarm in groups[head]), listed[head].raised_ns, head

    return [
        alarm
        for head in sorted(groups, key=place)
        for alarm in sorted(groups[head], key=lambda one: (one.id != head, one.raised_ns, one.id))
    ]


def raised_event(reader: Reader, alarm: Alarm) -> Event | None:
    """The event with which ``alarm`` was raised."""
    wanted = EventFilter((AlarmRaised.kind,), since_ns=alarm.raised_ns, until_ns=alarm.raised_ns)
    return next((event for event in reader.events(wanted) if event.payload.get("alarm") == alarm.id), None)


def cause_of(reader: Reader, alarm: Alarm) -> Event | None:
    """What led to ``alarm``, as far back as the log knows it by one step; None when nothing is recorded."""
    raised = raised_event(reader, alarm)
    return reader.event(raised.cause) if raised is not None and raised.cause else None
