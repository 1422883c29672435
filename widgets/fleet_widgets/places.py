"""Where a view or a cursor comes to stand."""

from __future__ import annotations

from collections.abc import Sequence


def clamped(top: int, rows: int, height: int) -> int:
    """The first row in view nearest to ``top`` that leaves no room below the last of ``rows`` rows."""
    return min(max(0, top), max(0, rows - height))


def revealed(top: int, first: int, last: int, height: int) -> int:
    """The first row in view after scrolling as little as brings rows ``first`` to ``last`` into view; of more than
    there is room for, the first ones."""
    return min(max(top, last - height + 1), first)


def moved(keys: Sequence[str], at: str | None, by: int) -> str | None:
    """The key ``by`` places from ``at``, stopping at both ends; the first one when ``at`` is not among them."""
    if not keys:
        return None
    place = keys.index(at) + by if at in keys else 0
    return keys[min(max(0, place), len(keys) - 1)]
