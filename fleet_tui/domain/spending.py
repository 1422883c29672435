"""What was spent: cells of the ledger, the windows of time they stand for, and the rules that limit them.

The store adds events up into cells, the watcher decides with them, the screens show them: one vocabulary for all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from fleet_tui.domain.amounts import UNITS, Unit

Scope = Literal["run", "ticket", "agent", "role", "fleet"]
Window = Literal["total", "week", "day"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
WINDOWS: tuple[Window, ...] = get_args(Window)
FLEET = "fleet"
"""The name of the one subject of scope ``fleet``."""
HOUR_NS = 3_600_000_000_000
_DAY_NS = 24 * HOUR_NS
_MONDAY_NS = 4 * _DAY_NS
"""1970-01-05, the first Monday."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One cell: what ``name`` of ``scope`` used in the window that began at ``start_ns`` (0 for ``total``).

    ``run_ms`` is bought run time in milliseconds. ``unpriced`` counts reports whose cost is unknown, ``estimated``
    those whose cost came from a price list. ``more_*`` is what people added to ceilings, in the unit's smallest part.
    """

    scope: str
    name: str
    window: str
    start_ns: int
    first_ns: int = 0
    run_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    microusd: int = 0
    turns: int = 0
    estimated: int = 0
    unpriced: int = 0
    more_seconds: int = 0
    more_tokens: int = 0
    more_money: int = 0
    more_turns: int = 0

    @property
    def tokens(self) -> int:
        """Every token that was read or written, cached or not."""
        return self.input_tokens + self.output_tokens + self.cache_read + self.cache_write

    def used(self, unit: Unit) -> int:
        """In the unit's smallest part; whole seconds of bought time."""
        if unit == "seconds":
            return self.run_ms // 1000
        return {"tokens": self.tokens, "money": self.microusd, "turns": self.turns}[unit]

    def more(self, unit: Unit) -> int:
        amounts = (self.more_seconds, self.more_tokens, self.more_money, self.more_turns)
        return dict(zip(UNITS, amounts, strict=True))[unit]


Cells = Mapping[tuple[str, str, str, int], Spending]
"""By (scope, name, window, start_ns)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One budget. ``name`` is a glob on agents, roles or ticket numbers; ``ceiling`` is in the unit's smallest part."""

    scope: Scope
    name: str
    unit: Unit
    ceiling: int
    window: Window = "total"
    warn_permille: int = 800
    grace_s: int = 30

    def covers(self, scope: str, name: str) -> bool:
        return scope == self.scope and fnmatchcase(name.lower(), self.name.lower())

    def as_dict(self) -> dict[str, Any]:
        return {
            "scope": self.scope,
            "name": self.name,
            "unit": self.unit,
            "ceiling": self.ceiling,
            "window": self.window,
            "warn_permille": self.warn_permille,
            "grace_s": self.grace_s,
        }


def rules_of(recorded: Sequence[Any]) -> tuple[Rule, ...]:
    """The rules in a recorded configuration; what another version wrote and this one cannot read is left out."""
    return tuple(rule for rule in map(_rule, recorded) if rule is not None)


def _rule(data: Any) -> Rule | None:
    if not isinstance(data, dict):
        return None
    words: tuple[Any, ...] = (data.get("scope"), data.get("unit"), data.get("window"))
    numbers: tuple[Any, ...] = (data.get("ceiling"), data.get("warn_permille", 800), data.get("grace_s", 30))
    known = words[0] in SCOPES and words[1] in UNITS and words[2] in WINDOWS and isinstance(data.get("name"), str)
    if not known or not all(isinstance(number, int) for number in numbers):
        return None
    return Rule(words[0], data["name"], words[1], numbers[0], words[2], numbers[1], numbers[2])


def window_start_ns(window: str, now_ns: int) -> int:
    """When the window around ``now_ns`` began: weeks on Monday, days at midnight, all in UTC; 0 for ``total``."""
    if window == "week":
        return (now_ns - _MONDAY_NS) // (7 * _DAY_NS) * 7 * _DAY_NS + _MONDAY_NS
    size = {"day": _DAY_NS, "hour": HOUR_NS}.get(window)
    return now_ns // size * size if size else 0


def window_end_ns(window: str, start_ns: int) -> int | None:
    """When the window that began at ``start_ns`` ends; None for ``total``."""
    size = {"week": 7 * _DAY_NS, "day": _DAY_NS, "hour": HOUR_NS}.get(window)
    return start_ns + size if size else None


def chain(run: str, agent: str, role: str, ticket: int | None) -> tuple[tuple[Scope, str], ...]:
    """Every (scope, name) that a run spends from, the narrowest first."""
    on_ticket: tuple[tuple[Scope, str], ...] = () if ticket is None else (("ticket", str(ticket)),)
    return (("run", run), *on_ticket, ("agent", agent), ("role", role), ("fleet", FLEET))
