"""What was asked of models and what it cost, under one heading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.costs import By, Cost, CostCell, grouped, priced_by, show_cost, total
from fleet_tui.domain.text import in_brief
from fleet_tui.readmodel.budgets import COST_DAYS
from fleet_widgets.lines import Line, Span, line
from fleet_widgets.text_pane import Section

_MOST = 12
"""Headings that are told apart; the others are one line."""


def title(by: By) -> str:
    return f"cost by {by}, {COST_DAYS} days"


def sections(cells: Sequence[CostCell], by: By) -> tuple[Section, ...]:
    """Two lines for each heading, and one for them all; none where nothing was asked of a model."""
    return (Section(title(by), tuple(_lines(cells, by))),) if cells else ()


def _lines(cells: Sequence[CostCell], by: By) -> Iterator[Line]:
    groups = grouped(cells, by)
    shown = list(groups.items())
    shown = shown[-_MOST:] if by == "day" else shown[:_MOST]  # of days the last ones
    for heading, cost in shown:
        yield from _two(_name(by, heading), cost)
    if len(groups) > 1:
        others = f" (with {len(groups) - _MOST} more)" if len(groups) > _MOST else ""
        yield from _two(f"in all{others}", total(cells))


def _two(name: str, cost: Cost) -> Iterator[Line]:
    style = "warn" if cost.unpriced or cost.untold else "strong"
    yield line(Span(show_cost(cost), style), Span(f"  {name}"), Span(f"  priced by {priced_by(cost)}", "quiet"))
    yield line(Span(f"  {tokens(cost)}", "quiet"))


def tokens(cost: Cost) -> str:
    """``3 requests: fresh 1.2k, cache read 3k, cache write 0, output 400 (reasoning 7)``."""
    short = {
        "fresh": cost.fresh,
        "cache read": cost.cache_read,
        "cache write": cost.cache_write,
        "output": cost.output,
    }
    parts = ", ".join(f"{kind} {_short(number)}" for kind, number in short.items())
    reasoning = "" if cost.reasoning is None else f" (reasoning {_short(cost.reasoning)})"
    return f"{cost.requests} request{'' if cost.requests == 1 else 's'}: {parts}{reasoning}"


def _short(number: int) -> str:
    return show_amount("tokens", number).removesuffix(" tokens")


def _name(by: By, heading: str) -> str:
    if by == "ticket":
        return f"#{heading}" if heading else "no ticket"
    if by == "run":
        return f"..{heading[-8:]}"
    return in_brief(heading, 60) or "(model not said)"
