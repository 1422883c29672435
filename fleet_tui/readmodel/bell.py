"""When the terminal's bell rings: at the edge, not at the level, and never so often that nobody listens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import FLOOD, WINDOW_NS
from fleet_tui.readmodel.values import NeedItem, NeedKind

Which = Literal["off", "urgent", "all"]
"""What rings: nothing, priorities 1 and 2, or also what has time (questions, approvals)."""

_S = 1_000_000_000
GRACE_NS = 30 * _S
"""After the start: who opens the room sees what stands."""
DEBOUNCE_NS = 2 * _S
COOLDOWN_NS = 60 * _S
"""Between two bells about the same subject, and between two for the same priority 1."""
REPEATS = 5
BATCH_NS = 300 * _S
"""What has time rings together."""
_WATCHER = "watcher"


@dataclass(slots=True)
class _Heard:
    """What is known of something that stands. ``rings``: how often it rang, or was passed over."""

    seen_ns: int
    rings: int = 0


class Bell:
    """Asked with each picture and each second. ``started_ns`` is when the room was opened."""

    def __init__(self, which: Which, started_ns: int) -> None:
        self._which = which
        self._started_ns = started_ns
        self._heard: dict[str, _Heard] = {}
        self._about: dict[str, int] = {}  # subject → when it rang last
        self._arrived: dict[str, int] = {}  # alarm → when it was raised
        self._last = {1: 0, 3: 0, 0: 0}  # priority (0: any) → when it rang last
        self._flood_told = False
        self.muted_until_ns = 0

    def mute(self, until_ns: int) -> None:
        """Ring for nothing until then but priority 1, and for that once; 0 ends it."""
        self.muted_until_ns = until_ns

    def is_due(self, needs: Sequence[NeedItem], now_ns: int, *, watcher_away: bool = False) -> bool:
        """Whether to ring now; it then counts as rung."""
        waiting = [item for item in needs if item.kind is not NeedKind.HELD]
        if watcher_away:
            waiting.append(_away(now_ns))
        self._take(waiting, now_ns)
        if self._which == "off":
            return False
        if now_ns < self._started_ns + GRACE_NS:
            self._pass_over(item for item in waiting if item.priority > 1)
            return False
        if now_ns < self.muted_until_ns:
            self._pass_over(item for item in waiting if item.priority > 1)
            return self._urgent(waiting, now_ns, flood=False, repeats=False)
        flood = len(self._arrived) >= FLOOD
        due = self._urgent(waiting, now_ns, flood=flood)
        if flood:
            due |= self._flood(waiting, now_ns)
        else:
            self._flood_told = False
            due |= self._soon(waiting, now_ns) | self._when_free(waiting, now_ns)
        if due:
            self._last[0] = now_ns
        return due

    def _take(self, waiting: Sequence[NeedItem], now_ns: int) -> None:
        """Learn what is new, forget what is over."""
        self._heard = {item.key: self._heard.get(item.key) or _Heard(now_ns) for item in waiting}
        self._arrived |= {item.key: item.since_ns for item in waiting if item.kind is NeedKind.ALARM}
        self._arrived.pop(f"{NeedKind.ALARM}:{_WATCHER}", None)
        self._arrived = {key: at_ns for key, at_ns in self._arrived.items() if now_ns - at_ns <= WINDOW_NS}
        self._about = {about: at_ns for about, at_ns in self._about.items() if not _over(at_ns, COOLDOWN_NS, now_ns)}

    def _pass_over(self, items: Iterable[NeedItem]) -> None:
        for item in items:
            self._heard[item.key].rings += 1

    def _urgent(self, waiting: Sequence[NeedItem], now_ns: int, *, flood: bool, repeats: bool = True) -> bool:
        """At once, and again until somebody has acknowledged it. Several of them ring together."""
        standing = [item for item in waiting if item.priority == 1 and self._heard[item.key].rings < REPEATS]
        new = [item for item in standing if not self._heard[item.key].rings and _subject(item) not in self._about]
        again = repeats and standing and _over(self._last[1], COOLDOWN_NS, now_ns)
        if not again and (flood or not new):
            return False
        self._last[1] = now_ns
        self._rang(standing, now_ns)
        return True

    def _soon(self, waiting: Sequence[NeedItem], now_ns: int) -> bool:
        """Once, when it has stood for a moment and its subject has not rung just now."""
        new = [item for item in waiting if item.priority == 2 and not self._heard[item.key].rings]
        stood = [item for item in new if _over(self._heard[item.key].seen_ns, DEBOUNCE_NS, now_ns)]
        due = any(_subject(item) not in self._about for item in stood)
        if due:
            self._rang(stood, now_ns)
        else:
            self._pass_over(stood)
        return due

    def _when_free(self, waiting: Sequence[NeedItem], now_ns: int) -> bool:
        if self._which != "all" or not _over(self._last[3], BATCH_NS, now_ns):
            return False
        new = [item for item in waiting if item.priority > 2 and not self._heard[item.key].rings]
        stood = [item for item in new if _over(self._heard[item.key].seen_ns, DEBOUNCE_NS, now_ns)]
        if stood:
            self._last[3] = now_ns
            self._rang(stood, now_ns)
        return bool(stood)

    def _flood(self, waiting: Sequence[NeedItem], now_ns: int) -> bool:
        """One bell for all of it, unless one has just rung."""
        self._pass_over(item for item in waiting if item.priority > 1)
        if self._flood_told:
            return False
        self._flood_told = True
        return _over(self._last[0], COOLDOWN_NS, now_ns)

    def _rang(self, items: Iterable[NeedItem], now_ns: int) -> None:
        for item in items:
            self._heard[item.key].rings += 1
            self._about[_subject(item)] = now_ns


def _away(now_ns: int) -> NeedItem:
    return NeedItem(NeedKind.ALARM, _WATCHER, 1, None, one_line("the watcher does not answer"), now_ns, None)


def _subject(item: NeedItem) -> str:
    """What bells about the same thing have in common."""
    return f"{item.priority == 1}:{item.agent or item.about or item.key}"


def _over(since_ns: int, wait_ns: int, now_ns: int) -> bool:
    """Whether the wait is over; also when the clock was set back, or a bell could be silent for hours."""
    return not 0 <= now_ns - since_ns < wait_ns
