"""Which isolation level is in force, and which one a piece of work was done at."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.states import Isolation


@dataclass(frozen=True, slots=True)
class Level:
    """The level in force. ``refusal``: why no agent may start; ``why`` explains the level to a person."""

    isolation: Isolation
    why: str
    refusal: str = ""


def choose(wanted: str, problem: str) -> Level:
    """The level for ``isolation.level``; ``problem`` is why a sandbox does not work here, empty when it does."""
    if wanted == "L0":
        return Level(Isolation.L0, "isolation.level is L0")
    if not problem:
        return Level(Isolation.L1, "bubblewrap works here")
    if wanted == "L1":
        return Level(Isolation.L0, problem, f"isolation L1 is demanded and not to be had: {problem}")
    return Level(Isolation.L0, problem)


def weakest(*levels: Isolation | str) -> Isolation:
    """The lowest of ``levels``: what could be forged at L0 is not mended by others at L1. Unknown ones count as L0."""
    known = [Isolation(level) if level in _NAMES else Isolation.L0 for level in levels]
    return min(known, default=Isolation.L0)


_NAMES = frozenset(level.value for level in Isolation)
