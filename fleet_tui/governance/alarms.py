"""Which alarm came first, which one chatters, and when there are too many at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState

MOST_SHELVED_S = 8 * 3600
"""Longer than a shift nothing is out of sight."""
CHATTER_SHELVED_S = 30 * 60
SHELVED_S = 30 * 60
"""For who says no time."""
_TIME = re.compile(r"\s*(\d{1,6})\s?([smh])(?:\s+|\s*[:,;]\s*|$)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600}
_GROUP_NS = 120 * 1_000_000_000
WINDOW_NS = 600 * 1_000_000_000
"""How far back chatter and floods look."""
_CYCLES = 3
FLOOD = 10
"""So many within the window are more than a person can answer."""
_NEVER_QUIET = frozenset({"observe", "socket", "spool", "pass", "job"})
"""About whether an agent is watched and heard: one could make them come and go until nobody looks."""
_ASKS_ABOUT_MONEY = frozenset({"budget", "budget-warning", "budget-wanted"})
"""Each ends by a person's answer, and comes back because what was granted is used up: a new question, no chatter."""


def may_shelve(alarm: Alarm, for_s: int) -> str | None:
    """Why ``alarm`` may not be shelved for so long, or None. What must be answered within minutes is never hidden."""
    if alarm.priority == 1:
        return "an alarm of priority 1 can be acknowledged, not shelved"
    if not 0 < for_s <= MOST_SHELVED_S:
        return f"at most {MOST_SHELVED_S // 3600} hours"
    return None


def in_words(text: str) -> tuple[int, str]:
    """``2h the gate is being mended`` as (seconds, reason); without a time at its beginning, half an hour."""
    found = _TIME.match(text)
    if found is None:
        return SHELVED_S, text.strip()
    return int(found[1]) * _UNITS_S[found[2]], text[found.end() :].strip()


def first_out(standing: Sequence[Alarm], group: Sequence[str], now_ns: int) -> Alarm | None:
    """The alarm that a new one about one of ``group`` probably follows from: the oldest that was raised shortly before
    about the same things, itself a first one."""
    before = [a for a in standing if a.about in group and a.first is None and now_ns - a.raised_ns <= _GROUP_NS]
    return min(before, key=lambda alarm: (alarm.raised_ns, alarm.id), default=None)


def is_chattering(alarm: Alarm, history: Sequence[Alarm], now_ns: int) -> bool:
    """Whether this kind of alarm about this subject came and went so often lately that it says nothing any more."""
    if alarm.priority == 1 or alarm.rule in _NEVER_QUIET | _ASKS_ABOUT_MONEY:
        return False
    cycles = [
        other
        for other in history
        if (other.rule, other.about) == (alarm.rule, alarm.about)
        and other.cleared_ns is not None
        and now_ns - other.cleared_ns <= WINDOW_NS
    ]
    return len(cycles) >= _CYCLES


def flood(history: Sequence[Alarm], now_ns: int) -> Sequence[Alarm]:
    """The alarms of the last ten minutes that nobody has answered, oldest first, when there are too many for a person;
    else none. It is over when half of what makes one is left, however many came before."""
    recent = sorted(
        (alarm for alarm in history if now_ns - alarm.raised_ns <= WINDOW_NS and alarm.rule != "flood"),
        key=lambda alarm: (alarm.raised_ns, alarm.id),
    )
    unanswered = [alarm for alarm in recent if alarm.state is AlarmState.ACTIVE]
    return unanswered if len(recent) >= FLOOD and 2 * len(unanswered) >= FLOOD else ()
