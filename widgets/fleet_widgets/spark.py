"""Sparklines on a scale that several of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def common_top(series: Iterable[Sequence[float]]) -> float:
    """The scale for several sparklines: the largest value, 0 when there is none."""
    raise NotImplementedError


def spark(values: Sequence[float], top: float, width: int, *, ascii: bool = False) -> str:  # noqa: A002
    """The last ``width`` values as one cell each, scaled 0-``top``; exactly ``width`` cells (padded left)."""
    raise NotImplementedError
