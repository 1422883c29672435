"""What happened while nobody could see it: the watcher was away, or the room was stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.health import FROZEN_S
from fleet_tui.readmodel.values import Picture
from fleet_tui.store.reader import EventFilter, Reader

KINDS = ("pr_merged", "pr_created", "alarm_raised", "approval_requested", "run_finished", "run_crashed")
_MOST = 5000


@dataclass(frozen=True, slots=True)
class Missed:
    """Counts over a time of ``seconds``."""

    seconds: int
    landed: int
    handed_over: int
    """Pull requests opened."""
    alarms: int
    approvals: int
    runs: int
    """Runs that ended."""


class Away:
    """Notices from one trusted picture to the next how long there was none in between."""

    def __init__(self) -> None:
        self._fresh_ns = 0
        self._seq = 0

    def returned(self, picture: Picture) -> tuple[int, int] | None:
        """(seconds without a trusted picture, number of the last event before), when that was long; else None."""
        fresh_ns, snapshot = picture.health.fresh_ns, picture.snapshot
        if snapshot is None or not fresh_ns or picture.health.missed:
            return None
        before_ns, seq = self._fresh_ns, self._seq
        self._fresh_ns, self._seq = fresh_ns, snapshot.seq
        gap_s = (fresh_ns - before_ns) // 1_000_000_000
        return (gap_s, seq) if before_ns and gap_s > FROZEN_S else None


def missed(reader: Reader, after: int, seconds: int) -> Missed:
    """What the log tells after event ``after``."""
    return counted(reader.events(EventFilter(kinds=KINDS), after=after, limit=_MOST), seconds)


def counted(events: Iterable[Event], seconds: int) -> Missed:
    """What ``events`` of a time of ``seconds`` tell."""
    counts = Counter(event.kind for event in events)
    return Missed(
        seconds=seconds,
        landed=counts["pr_merged"],
        handed_over=counts["pr_created"],
        alarms=counts["alarm_raised"],
        approvals=counts["approval_requested"],
        runs=counts["run_finished"] + counts["run_crashed"],
    )
