"""The table of budgets, the lines of the whole fleet above it, and one budget in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import Spending
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.budgets import BudgetBoard, BudgetStory, identity, tightness
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.present.budgets import WINDOWS, amounts, lasts
from fleet_tui.tui.present.frame import LARGE, MEDIUM, SMALL
from fleet_tui.tui.present.text import age, clock, fact
from fleet_widgets.gauge import gauge, percent
from fleet_widgets.lines import Line, Span, column, fill, giving, line, width_of
from fleet_widgets.list_view import Item
from fleet_widgets.palette import Box
from fleet_widgets.text_pane import Section

ORDERS: dict[str, Callable[[Standing], Any]] = {
    "share used": lambda standing: (-tightness(standing), identity(standing)),
    "how fast it goes": lambda standing: (-_pace(standing), identity(standing)),
    "name": lambda standing: (standing.rule.scope, standing.name, identity(standing)),
}
"""What `,` goes through."""
_PACE = 12
"""Width of a column."""


def _name_width(width: int) -> int:
    """Of the column of names, which is wider where there is room."""
    return 40 if width >= LARGE else 28 if width >= MEDIUM else 20


def _pace(standing: Standing) -> int:
    """Share of the ceiling used in an hour, in a millionth: what makes amounts of different units comparable."""
    return standing.per_hour * 1_000_000 // max(1, standing.ceiling)


def in_order(standings: Sequence[Standing], order: str, known: Sequence[str] = ()) -> list[Standing]:
    """``known`` rows keep their place; what is new comes behind them."""
    places = {key: place for place, key in enumerate(known)}
    last = len(places)
    return sorted(standings, key=lambda one: (places.get(identity(one), last), ORDERS[order](one)))


def name_of(standing: Standing) -> str:
    """``agent dev-1``, ``ticket #3``, ``fleet``; of a run's long id only its end."""
    scope, name = standing.rule.scope, one_line(standing.name, 60)
    if scope == "fleet":
        return "fleet"
    return f"{scope} {'..' + name[-8:] if scope == 'run' else '#' + name if scope == 'ticket' else name}"


def fleet_lines(board: BudgetBoard, now_ns: int, width: int, box: Box) -> tuple[Line, ...]:
    """One for each budget of the whole fleet; without one, what was used today."""
    found = [standing for standing in board.standings if standing.rule.scope == "fleet"]
    if found:
        return tuple(_fleet_line(standing, now_ns, width, box) for standing in found)
    used = board.today
    if used is None:
        return ((Span("no budget for the whole fleet; nothing used today", "quiet"),),)
    return ((Span(f"no budget for the whole fleet; today {_used_today(used)}", "quiet"),),)


def _used_today(used: Spending) -> str:
    parts = [f"{show_amount('seconds', used.run_ms // 1000)} of run time"]
    parts += [show_amount("tokens", used.tokens)] if used.tokens else []
    if used.microusd or used.unpriced:
        mark, unknown = "~" if used.estimated else "", " + unknown" if used.unpriced else ""
        parts.append(f"{mark}{show_amount('money', used.microusd)}{unknown}")
    return ", ".join(parts)


def _fleet_line(standing: Standing, now_ns: int, width: int, box: Box) -> Line:
    rule = standing.rule
    bar = f"{gauge(standing.used, standing.ceiling, 20 if width >= MEDIUM else 10, box)} {_share(standing)}"
    style = _style(standing)
    last = f"  {lasts(standing)}" if lasts(standing) else ""
    return line(
        Span(f"fleet {WINDOWS[rule.window].split(',')[0]:<8} ", "quiet"),
        giving(amounts(standing), style),
        Span(f"  {bar}", style),
        Span(last, style if standing.spent else "quiet"),
        *_forecast(standing, now_ns),
        Span(f"  {burn(standing)}" if burn(standing) and width >= MEDIUM else "", "quiet"),
    )


def _forecast(standing: Standing, now_ns: int) -> tuple[Span, ...]:
    expected = standing.forecast(now_ns)
    if expected is None or standing.spent:
        return ()
    over = expected > standing.ceiling
    words = f"  forecast {'OVER: ' if over else ''}{show_amount(standing.rule.unit, expected)}"
    return (Span(words, "warn" if over else "quiet"),)


def burn(standing: Standing) -> str:
    """``$2.10/h``; empty when nothing was used in the last hour."""
    return f"{show_amount(standing.rule.unit, standing.per_hour)}/h" if standing.per_hour else ""


def _share(standing: Standing) -> str:
    return percent(standing.used, standing.ceiling)


def _style(standing: Standing) -> str:
    return "warn" if standing.spent else "strong" if standing.warns else "normal"


def header(width: int) -> Line:
    """The names of the columns."""
    right = f"{'burn':>{_PACE + 1}} {'cap in':>8}" if width >= SMALL else f"{'cap in':>8}"
    return line(Span(f"  {'budget':<{_name_width(width)}} used", "quiet"), fill(" ", "quiet"), Span(right, "quiet"))


def items(standings: Sequence[Standing], width: int, box: Box) -> list[Item]:
    """The rows of the table."""
    return [Item(identity(standing), (_row(standing, width, box),)) for standing in standings]


def _name(standing: Standing, width: int) -> str:
    """In its column; of a long one the window stays, by which two budgets of the same are told apart."""
    window = "" if standing.rule.window == "total" else f" {standing.rule.window}"
    name = name_of(standing)
    if width_of(name) + len(window) <= width:
        return column(name + window, width)
    return column(name, width - len(window)) + window


def _row(standing: Standing, width: int, box: Box) -> Line:
    bar = gauge(standing.used, standing.ceiling, 14 if width >= MEDIUM else 5, box) if width >= SMALL else ""
    cap = "used up" if standing.spent else lasts(standing).removeprefix("cap in ")
    pace = f" {burn(standing):>{_PACE}}" if width >= SMALL else ""
    style = _style(standing)
    return line(
        Span(f" {_name(standing, _name_width(width))} ", "normal"),
        Span(amounts(standing), style),
        fill(),
        Span(f" {bar} {_share(standing)}", style),
        Span(pace, "quiet"),
        Span(f" {cap:>8}", "warn" if standing.spent else "normal"),
    )


def detail(standing: Standing, story: BudgetStory | None, tile: AgentTile | None, now_ns: int) -> tuple[Section, ...]:
    """What it limits, how it stands, what became of it, and by which runs."""
    rule, unit = standing.rule, standing.rule.unit
    added = standing.ceiling - rule.ceiling
    whose = rule.scope if rule.scope == "fleet" else f"{rule.scope} {rule.name}"
    facts = [
        fact("limits", f"{_UNITS[unit]} {WINDOWS[rule.window]}: at most {show_amount(unit, standing.ceiling)}"),
        fact("rule", f"{whose}, {show_amount(unit, rule.ceiling)}{_added(unit, added)}"),
        fact("used", f"{amounts(standing)}, {_share(standing).strip()}", _style(standing)),
        fact("burn", f"{burn(standing) or 'nothing in the last hour'}; {lasts(standing) or 'no end in sight'}"),
    ]
    expected = standing.forecast(now_ns)
    if expected is not None:
        over = " OVER its ceiling" if expected > standing.ceiling else ""
        facts.append(fact("forecast", f"{show_amount(unit, expected)} at the end of the {rule.window}{over}"))
    facts += _prices(standing)
    if story is not None:
        facts.append(fact("warned", _when(story.warned_ns, now_ns, f"not yet, at {rule.warn_permille // 10}%")))
        facts.append(fact("used up", _when(story.exhausted_ns, now_ns, "not yet")))
    if tile is not None:
        work = f" on #{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
        facts.append(fact("agent", f"{tile.name}, {tile.doing}{work}"))
    runs = tuple(_run_line(run, cell, standing, now_ns) for run, cell in story.runs) if story is not None else ()
    return (
        Section(f"budget of {name_of(standing)}", tuple(facts)),
        Section("spent by (each run in all)", runs or ((Span("no run yet", "quiet"),),)),
    )


_UNITS = {"seconds": "run time", "tokens": "tokens", "money": "money", "turns": "turns"}


def _added(unit: str, added: int) -> str:
    return f"; {show_amount(unit, added)} were added" if added else ""


def _prices(standing: Standing) -> list[Line]:
    found = []
    if standing.unknown:
        text = "unknown for part of it, and not counted as 0: add the model to `prices:`"
        found.append(fact("prices", text, "warn"))
    if standing.estimated:
        found.append(fact("" if found else "prices", "~ by a price list, not by the vendor's word"))
    return found


def _when(at_ns: int | None, now_ns: int, never: str) -> str:
    return never if at_ns is None else f"{clock(at_ns)} UTC, {age(at_ns, now_ns)} ago"


def _run_line(run: Run, cell: Spending | None, standing: Standing, now_ns: int) -> Line:
    unit = standing.rule.unit
    used = cell.used(unit) if cell is not None else 0
    mark = "~" if unit == "money" and cell is not None and cell.estimated else ""
    unknown = " + unknown" if unit == "money" and cell is not None and cell.unpriced else ""
    ticket = f"#{run.ticket} " if run.ticket is not None else ""
    return line(
        Span(f"{mark}{show_amount(unit, used)}{unknown}", "strong"),
        Span(f"  {run.agent} {ticket}"),
        Span(f"{one_line(str(run.state).replace('_', ' '), 20)} {age(run.state_ns, now_ns)}  ..{run.id[-8:]}", "quiet"),
    )


def empty(tiles: Sequence[AgentTile]) -> tuple[Section, ...]:
    """Where nothing limits anybody: what each agent used, and how to set a limit."""
    text = "nothing limits anybody: add `budgets:` to .fleet/config.yaml, or `budget:` to an agent"
    used = tuple(fact(tile.name, f"charged {show_amount('seconds', tile.used_s)}", width=16) for tile in tiles)
    return (Section("no budgets", ((Span(text),),)), *((Section("used so far", used),) if used else ()))
