"""Sparklines on a scale that several of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-=+*#@"


def common_top(series: Iterable[Sequence[float]]) -> float:
    """The scale for several sparklines: their largest finite value, 0 when there is none above zero."""
    return max((value for values in series for value in values if isfinite(value)), default=0.0)


def spark(values: Sequence[float], top: float, width: int, *, ascii: bool = False) -> str:  # noqa: A002
    """The last ``width`` values, one cell each, on the scale 0-``top``; padded on the left to exactly ``width`` cells.

    A value that is not a number is a blank: unknown is not zero.
    """
    width = max(0, width)
    levels = _ASCII_LEVELS if ascii else _LEVELS
    shown = values[max(0, len(values) - width) :] if width else ()
    return "".join(_level(value, top, levels) for value in shown).rjust(width)


def _level(value: float, top: float, levels: str) -> str:
    if value != value:
        return " "
    if not top > 0:
        return levels[0]
    share = min(1.0, max(0.0, value / top)) if isfinite(value) else float(value > 0)
    return levels[min(len(levels) - 1, int(share * len(levels)))]
