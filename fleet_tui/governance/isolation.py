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


def choose(wanted: str, problem: str, user: str = "", user_problem: str = "") -> Level:
    """The level for ``isolation.level``.

    ``problem`` is why a sandbox does not work here, empty when it does; ``user`` is who agents shall run as, and
    ``user_problem`` why they cannot.
    """
    if wanted == "L0":
        return Level(Isolation.L0, "isolation.level is L0")
    if problem:
        refusal = "" if wanted == "auto" else f"isolation {wanted} is demanded and not to be had: {problem}"
        return Level(Isolation.L0, problem, refusal)
    if wanted == "L1" or (wanted == "auto" and not user):
        return Level(Isolation.L1, "bubblewrap works here")
    user_problem = user_problem or ("" if user else "isolation.user names nobody")
    if not user_problem:
        return Level(Isolation.L2, f"bubblewrap works here, and agents run as {user}")
    if wanted == "L2":
        return Level(Isolation.L1, user_problem, f"isolation L2 is demanded and not to be had: {user_problem}")
    return Level(Isolation.L1, f"bubblewrap works here, but not L2: {user_problem}")


def weakest(*levels: Isolation | str) -> Isolation:
    """The lowest of ``levels``: what could be forged at L0 is not mended by others at L1. Unknown ones count as L0."""
    known = [Isolation(level) if level in _NAMES else Isolation.L0 for level in levels]
    return min(known, default=Isolation.L0)


_NAMES = frozenset(level.value for level in Isolation)
