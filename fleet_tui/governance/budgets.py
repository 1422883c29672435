"""Budgets: what is left of them, and what must happen now. Ledger, rules and instant in; decisions out.

Run time is bought ahead in slices. What is bought is charged at once, so that nothing is ever under-charged; the last
slice is cut to what is left, so that nothing is overspent; a crash forfeits the rest of one slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import Cells, Rule, chain
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import RunState

SLICE_MS = 10_000
_IN_TURN = frozenset({RunState.STARTING, RunState.RUNNING})

Verdict = Literal["fine", "warn", "refuse", "exhausted", "stop"]
"""fine. warn: tell a person. refuse: no further turn, no new run; who works is asked for a report. exhausted: held
until a person extends. stop: it was asked, gave no report in its grace time, and is stopped."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A run was asked for a report when it had run for ``active_ms``; ``reported`` once it gave one."""

    standing: str
    """The key of the budget it was asked about."""
    active_ms: int
    grace_s: int
    reported: bool

    @property
    def until_ms(self) -> int:
        return self.active_ms + self.grace_s * 1000


def of_run(run: Run, rules: Sequence[Rule], cells: Cells, now_ns: int) -> list[Standing]:
    """Every budget that ``run`` spends from; all of them must have room."""
    return standings(rules, cells, chain(run.id, run.agent, run.role, run.ticket), now_ns)


def binding(found: Iterable[Standing], run: Run, active_ms: int, asked: Asked | None) -> list[Standing]:
    """The budgets that are used up for a run at work: what it bought it may use, and a turn it began it may end."""
    return [standing for standing in found if standing.spent and _binds(standing, run, active_ms, asked)]


def _binds(standing: Standing, run: Run, active_ms: int, asked: Asked | None) -> bool:
    if asked is not None and asked.standing == standing.key:
        return True  # the time for its report was bought on top
    if standing.rule.unit == "seconds":
        return active_ms >= run.charged_ms
    if standing.rule.unit == "turns":
        return standing.used > standing.ceiling or run.state not in _IN_TURN
    return True


def decide(found: Sequence[Standing], run: Run, active_ms: int, asked: Asked | None) -> Verdict:
    """What must happen to ``run``, which has run for ``active_ms``; the strictest of its budgets counts."""
    used_up = binding(found, run, active_ms, asked)
    if not used_up:
        return "warn" if any(standing.warns for standing in found) else "fine"
    if any(standing.rule.grace_s == 0 for standing in used_up):
        return "exhausted"
    if asked is None:
        return "refuse"
    if asked.reported:
        return "exhausted"
    return "stop" if active_ms >= asked.until_ms else "refuse"


def to_name(used_up: Iterable[Standing]) -> Standing | None:
    """The used-up budget to name: one that leaves no grace first, then the narrowest, as rules and scopes go."""
    return min(used_up, key=lambda standing: standing.rule.grace_s > 0, default=None)


def room_ms(found: Sequence[Standing]) -> int | None:
    """The run time that may still be bought; None without a ceiling on run time."""
    rooms = [standing.room_ms for standing in found if standing.room_ms is not None]
    return max(0, min(rooms)) if rooms else None


def buy(charged_ms: int, active_ms: int, room: int | None) -> int:
    """The new ``charged_ms`` of a run: ahead of ``active_ms`` in slices, cut to what is left, never below either."""
    wanted = max(charged_ms, (active_ms // SLICE_MS + 1) * SLICE_MS)
    affordable = wanted if room is None else min(wanted, charged_ms + room)
    return max(charged_ms, active_ms, affordable)


def limit_ms(charged_ms: int, room: int | None, sharing: int) -> int | None:
    """The run time at which a run must stop by itself when nobody buys more: its part of what is left.

    ``sharing`` runs draw on the same room. They are given more again and again; only when nobody is there to do that
    do the parts matter, and then they do not add up to more than the whole.
    """
    return None if room is None else charged_ms + room // max(1, sharing)
