"""Where everybody stands against the budgets: used, ceiling, how fast it goes and when it will be over. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fleet_tui.domain.spending import FLEET, HOUR_NS, Cells, Rule, Spending, window_end_ns, window_start_ns

_MIN_NS = 600_000_000_000
"""Less time than this tells no rate: a first request would be told as hundreds an hour."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one subject stands against one rule. Amounts are in the smallest part of the rule's unit.

    ``estimated``: part of the money comes from a price list. ``unknown``: part of what was used has no known price.
    ``per_hour``: how fast it went in the last hour. ``room_ms``, of run time only, may be negative. ``resting``: nobody
    spends from it now.
    """

    rule: Rule
    name: str
    start_ns: int
    used: int
    ceiling: int
    room_ms: int | None
    estimated: bool
    unknown: bool
    per_hour: int
    resting: bool = False

    @property
    def key(self) -> str:
        """Tells this subject, rule, window and ceiling from all others: an extension makes it a new one."""
        rule = self.rule
        return f"{rule.scope}:{self.name}:{rule.unit}:{rule.window}:{self.start_ns}:{self.ceiling}"

    @property
    def subject(self) -> str:
        """What events about it are about."""
        return FLEET if self.rule.scope == FLEET else f"{self.rule.scope}:{self.name}"

    @property
    def spent(self) -> bool:
        return self.used >= self.ceiling if self.room_ms is None else self.room_ms <= 0

    @property
    def warns(self) -> bool:
        return self.used * 1000 >= self.ceiling * self.rule.warn_permille

    @property
    def left_s(self) -> int | None:
        """Seconds until the ceiling at the present rate; None when nothing is being used."""
        if self.spent:
            return 0
        if self.per_hour <= 0 or self.resting:
            return None
        left, at_rate = self.ceiling - self.used, (self.ceiling - self.used) * 3600 // self.per_hour
        # Who works uses a second of run time each second, however little it worked in the last hour.
        return min(left, at_rate) if self.rule.unit == "seconds" else at_rate

    def forecast(self, now_ns: int) -> int | None:
        """What will be used when its window ends, at the present rate; None where it never ends."""
        end_ns = window_end_ns(self.rule.window, self.start_ns)
        return None if end_ns is None else self.used + self.per_hour * max(0, end_ns - now_ns) // HOUR_NS


def standings(
    rules: Iterable[Rule],
    cells: Cells,
    subjects: Iterable[tuple[str, str]],
    now_ns: int,
    working: Collection[tuple[str, str]] | None = None,
) -> list[Standing]:
    """Every rule against every subject (scope, name) that it covers. ``working`` are those that somebody spends from
    now; None: that is not known."""
    known = tuple(dict.fromkeys(subjects))
    return [
        _standing(rule, name, cells, now_ns, resting=working is not None and (scope, name) not in working)
        for rule in rules
        for scope, name in known
        if rule.covers(scope, name)
    ]


def _standing(rule: Rule, name: str, cells: Cells, now_ns: int, *, resting: bool) -> Standing:
    start_ns = window_start_ns(rule.window, now_ns)
    key = (rule.scope, name, rule.window, start_ns)
    cell = cells.get(key) or Spending(*key)
    ceiling = rule.ceiling + cell.more(rule.unit)
    money = rule.unit == "money"
    return Standing(
        rule=rule,
        name=name,
        start_ns=start_ns,
        used=cell.used(rule.unit),
        ceiling=ceiling,
        room_ms=ceiling * 1000 - cell.run_ms if rule.unit == "seconds" else None,
        estimated=money and cell.estimated > 0,
        unknown=money and cell.unpriced > 0,
        per_hour=_per_hour(rule, name, cells, now_ns),
        resting=resting,
    )


def _per_hour(rule: Rule, name: str, cells: Cells, now_ns: int) -> int:
    """The last sixty minutes: this hour's cell and its share of the hour before."""
    hour_ns = window_start_ns("hour", now_ns)
    now = cells.get((rule.scope, name, "hour", hour_ns))
    before = cells.get((rule.scope, name, "hour", hour_ns - HOUR_NS))
    total = cells.get((rule.scope, name, "total", 0))
    if total is None:
        return 0
    passed_ns = now_ns - hour_ns
    amount = (now.used(rule.unit) if now else 0) + (
        before.used(rule.unit) * (HOUR_NS - passed_ns) // HOUR_NS if before else 0
    )
    # Who began ten minutes ago has used it in ten minutes, not in an hour.
    span_ns = min(HOUR_NS, max(_MIN_NS, now_ns - total.first_ns))
    rate = amount * HOUR_NS // span_ns
    return min(rate, 3600) if rule.unit == "seconds" and rule.scope == "run" else rate
