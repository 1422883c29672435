"""Budgets in words and bars: used of ceiling, and how long what is left will last."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.standing import Standing
from fleet_tui.tui.present.text import seconds_short
from fleet_widgets.gauge import gauge, percent
from fleet_widgets.lines import Line, Span, giving
from fleet_widgets.palette import Box

WINDOWS = {"total": "in all", "day": "a day, UTC", "week": "a week from Monday, UTC"}
"""A window in words."""


def tile_line(standing: Standing | None, used_s: int, box: Box) -> Line:
    """The one line of a tile: the budget that will stop the agent first."""
    if standing is None:
        return (Span(f"charged {show_amount('seconds', used_s)}, no budget", "quiet"),)
    bar = gauge(standing.used, standing.ceiling, 8, box)
    whose = "" if standing.rule.scope in ("agent", "run") else f" {standing.rule.scope}"
    last = lasts(standing).replace("cap in", "cap")
    share, told = percent(standing.used, standing.ceiling), f"{amounts(standing)}{whose}"
    # What stops the agent is said first: a narrow tile cuts the end of this, never what stands behind it.
    rest = f"{last}  {told}" if standing.spent else f"{told} {last}".rstrip()
    return (Span(f"{bar} {share}  ", "quiet"), giving(rest, "quiet"))


def section_lines(found: Sequence[Standing], box: Box) -> tuple[Line, ...]:
    """Two lines for each budget, the tightest first."""
    return tuple(line for standing in found for line in _two(standing, box))


def _two(standing: Standing, box: Box) -> tuple[Line, Line]:
    rule = standing.rule
    bar = f"{gauge(standing.used, standing.ceiling, 12, box)} {percent(standing.used, standing.ceiling)}"
    added = standing.ceiling - rule.ceiling
    extended = f", {show_amount(rule.unit, added)} of it added" if added else ""
    rate = f", {show_amount(rule.unit, standing.per_hour)}/h" if standing.per_hour and rule.unit != "seconds" else ""
    whose = rule.scope if rule.window == "total" else f"{rule.scope}, {rule.window}"
    return (
        (Span(f"{bar}  {lasts(standing) or 'nothing used lately'}"),),
        (Span(f"{whose}: {amounts(standing)}{extended}{rate}", "quiet"),),
    )


def amounts(standing: Standing) -> str:
    """``160k of 150k tokens``, ``~$4.10 + unknown of $6.00``: ``~`` for money by a price list, unknown for requests
    without a price."""
    unit = standing.rule.unit
    mark = "~" if standing.estimated else ""
    unknown = " + unknown" if standing.unknown else ""
    used = show_amount(unit, standing.used).removesuffix(f" {unit}").removesuffix(" turn")  # the ceiling names it
    return f"{mark}{used}{unknown} of {show_amount(unit, standing.ceiling)}"


def lasts(standing: Standing) -> str:
    """``used up``, ``cap in 2h``; empty when nothing is being used."""
    if standing.spent:
        return "used up"
    return f"cap in {seconds_short(standing.left_s)}" if standing.left_s is not None else ""


def to_extend(found: Sequence[Standing]) -> Standing | None:
    """Of the budgets of one agent, the one that a key pressed on it extends: its own, unless only a shared one holds it
    up. The tightest comes first in ``found``."""
    spent = [standing for standing in found if standing.spent]
    own = [standing for standing in spent or found if standing.rule.scope in ("run", "agent", "ticket")]
    return next(iter(own or spent or found), None)


def step(standing: Standing) -> int:
    """What one key adds: half of the budget as it was configured."""
    return max(1, standing.rule.ceiling // 2)
