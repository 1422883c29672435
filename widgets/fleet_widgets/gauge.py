"""Bars that show a value inside its range."""

from __future__ import annotations

from fleet_widgets.palette import Box


def gauge(value: float, limit: float, width: int, box: Box) -> str:
    """A bar of ``width`` cells, filled to ``value / limit``; a value over the limit is full, a limit of 0 or less is empty."""
    raise NotImplementedError


def percent(value: float, limit: float) -> str:
    """` 37%`, right-aligned in four cells; `  --` without a limit, `>999%` is never longer than five."""
    raise NotImplementedError
