"""Bars that show a value inside its range."""

from __future__ import annotations

from math import isfinite

from fleet_widgets.palette import LINE_BOX, Box


def gauge(value: float, limit: float, width: int, box: Box = LINE_BOX) -> str:
    """A bar of ``width`` cells, filled to ``value / limit``.

    Anything above zero shows at least one filled cell, anything under the limit at least one empty one (from two cells
    on), so a nearly spent budget never looks spent; at or over the limit the bar is full, without a limit it is empty.
    """
    width = max(0, width)
    filled = round(_share(value, limit) * width)
    if 0 < _share(value, limit) < 1 and width > 1:
        filled = min(max(1, filled), width - 1)
    return box.full * filled + box.empty * (width - filled)


def _share(value: float, limit: float) -> float:
    if not limit > 0 or value != value:
        return 0.0
    return min(1.0, max(0.0, value / limit)) if isfinite(limit) else 0.0


def percent(value: float, limit: float) -> str:
    """`` 37%`` in four cells, `` --`` without a limit; ``>999%`` is the longest. Under the limit it never says 100%."""
    if not limit > 0 or not isfinite(limit) or not isfinite(value):
        return "  --"
    share = max(0.0, value / limit * 100)
    if share >= 1000:
        return ">999%"
    shown = 99 if 99 <= share < 100 else round(share)
    return f"{shown:3d}%"
