"""What the next shift must know: what needs a person, who is at what, what stands, and what happened meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import STANDING_ALARMS, ApprovalState
from fleet_tui.readmodel.away import Missed, counted
from fleet_tui.readmodel.budgets import read_board
from fleet_tui.readmodel.filters import is_person
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import ApprovalCard, Snapshot
from fleet_tui.store.reader import EventFilter, Reader

SHIFT_S = 8 * 3600
"""How far back a note looks when nobody says."""
_MOST_EVENTS, _LISTED = 5_000, 40


@dataclass(frozen=True, slots=True)
class Handover:
    """The fleet at ``snapshot.at_ns``, and what happened since ``since_ns``."""

    since_ns: int
    snapshot: Snapshot
    alarms: tuple[Alarm, ...]
    """All that stand: open, acknowledged, on the shelf."""
    budgets: tuple[Standing, ...]
    """The whole fleet's, and whichever else are nearly or wholly used up."""
    counts: Missed
    landed: tuple[Event, ...]
    by_persons: tuple[Event, ...]
    """What persons decided and did, oldest first; of many the newest."""
    complete: bool
    """False when so much happened that only its newest part was counted."""

    @property
    def held(self) -> tuple[ApprovalCard, ...]:
        """What lands by itself unless somebody undoes it."""
        return tuple(card for card in self.snapshot.approvals if card.approval.state is ApprovalState.HELD)


def read_handover(reader: Reader, now_ns: int, since_ns: int) -> Handover:
    """From one consistent state of the tables."""
    with reader.snapshot():
        snapshot = read_snapshot(reader, now_ns)
        events = reader.events(EventFilter(since_ns=since_ns), limit=_MOST_EVENTS)
        standings = read_board(reader, now_ns).standings
        alarms = tuple(sorted(reader.alarms(*STANDING_ALARMS), key=lambda alarm: (alarm.priority, alarm.raised_ns)))
    return Handover(
        since_ns,
        snapshot,
        alarms,
        tuple(one for one in standings if one.rule.scope == "fleet" or one.warns or one.spent),
        counted(events, (now_ns - since_ns) // 1_000_000_000),
        tuple(event for event in events if event.kind == "pr_merged")[-_LISTED:],
        tuple(event for event in events if is_person(event.actor))[-_LISTED:],
        len(events) < _MOST_EVENTS,
    )
