"""Tiles and the needs-you queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.domain.events import Event
from fleet_tui.domain.text import in_brief, one_line
from fleet_tui.readmodel.values import SIGNS, AgentTile, Doing, NeedItem, NeedKind, Snapshot
from fleet_tui.tui.present.budgets import tile_line
from fleet_tui.tui.present.events import event_line, last_run_line, told
from fleet_tui.tui.present.frame import SMALL
from fleet_tui.tui.present.risk import is_severe, risk_mark
from fleet_tui.tui.present.text import age, badge, badge_cell, count, rule
from fleet_widgets.gauge import percent
from fleet_widgets.lines import Line, Span, fill, giving, line
from fleet_widgets.palette import Box
from fleet_widgets.pane_wall import Tile
from fleet_widgets.text_pane import Section

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """A tile as it is shown, and all that it was made of."""

    of: AgentTile
    ages: tuple[str | int, ...]
    tile: Tile


def wall_tiles(
    tiles: Iterable[AgentTile], now_ns: int, box: Box, before: Mapping[str, Made]
) -> tuple[dict[str, Made], bool]:
    """The tiles by name, those of ``before`` again where nothing in them differs, and whether any does: a hundred
    agents that do nothing are looked at each second."""
    made: dict[str, Made] = {}
    for one in tiles:
        known, ages = before.get(one.name), _ages(one, now_ns)
        if known is None or known.ages != ages or known.of != one:
            known = Made(one, ages, wall_tile(one, now_ns, box))
        made[one.name] = known
    same = len(made) == len(before) and all(new is old for new, old in zip(made.values(), before.values(), strict=True))
    return made, not same


def _ages(tile: AgentTile, now_ns: int) -> tuple[str | int, ...]:
    """What time alone changes in a tile."""
    if tile.last is None:
        return (age(tile.since_ns, now_ns),)
    return age(tile.since_ns, now_ns), age(tile.last.ended_ns, now_ns), now_ns // _MINUTE_NS


def wall_tile(tile: AgentTile, now_ns: int, box: Box) -> Tile:
    """All three densities of one agent."""
    last = tile.last
    return Tile(
        tile.name,
        _head(tile, now_ns, box),
        (*_rows(tile, box), *((last_run_line(last, now_ns, narrow=True),) if last else ())),
        live=bool(tile.pane_uuid),
        cell=_cell(tile, now_ns),
        text=_text(tile, now_ns),
        narrow=_cell(tile, now_ns, narrow=True),
    )


def _text(tile: AgentTile, now_ns: int) -> tuple[Line, ...]:
    """What stands where the picture of a process would."""
    if tile.cannot_start:
        return tuple((Span(part, "warn"),) for part in tile.reason.split("; "))
    if tile.last is not None:
        return told(tile.last.story, now_ns)
    return () if tile.run else ((Span("no run yet", "quiet"),),)


def _head(tile: AgentTile, now_ns: int, box: Box) -> Line:
    mark = badge(tile.badge, tile.badge_open)
    end = (Span(" "), mark) if mark.text else ()
    more = f" +{tile.more_runs}" if tile.more_runs else ""
    return line(
        Span(f"{SIGNS[tile.doing]} ", "quiet"),
        giving(tile.name),
        Span(f"{more} ", "quiet"),
        fill(box.horizontal, "quiet"),
        *end,
        Span(f" {tile.word} {age(tile.since_ns, now_ns):>3}", "quiet"),
    )


def _rows(tile: AgentTile, box: Box) -> tuple[Line, ...]:
    waits = tile.cannot_start or tile.held
    on_ticket = tile.ticket is not None and not waits
    work = f"#{tile.ticket} {tile.ticket_title}" if on_ticket else tile.reason or "nothing to do"
    style = "warn" if waits else "normal" if on_ticket else "quiet"
    first = (Span(f"{in_brief(tile.role, 16)} ", "quiet"), Span(work, style))
    if tile.doing is Doing.LIMITED and tile.source in ("account", "memory"):
        return (first, (Span(tile.reason, "warn"),))  # what it waits for matters more than what it may still spend
    budget, risk = tile_line(tile.budget, tile.used_s, box), risk_mark(tile.risk, tile.risk_band)
    if is_severe(tile.risk_band) and risk:
        return (first, (Span(risk[0].text.strip(), risk[0].style), Span("  "), *budget))  # a narrow tile cuts the end
    return (first, (*budget, *risk))


def _cell(tile: AgentTile, now_ns: int, *, narrow: bool = False) -> Line:
    """A tile in one line; where it is narrow, the name is worth more than ticket and budget."""
    used = percent(tile.budget.used, tile.budget.ceiling) if tile.budget else percent(0, 0)
    work = f" #{tile.ticket}" if tile.ticket is not None and not narrow else ""
    budget = "" if narrow else f"{used.strip():>4} "
    return line(
        *badge_cell(tile.badge, tile.badge_open),
        Span(f"{SIGNS[tile.doing]} ", "quiet"),
        giving(tile.name),
        Span(work, "quiet"),
        fill(),
        Span(f" {tile.word:<4} {budget}{age(tile.since_ns, now_ns):>3}", "quiet"),
    )


def need_line(item: NeedItem, now_ns: int, current: NeedItem | None = None) -> Line:
    """Badge, who, what, since when."""
    mark = Span(">", "focus") if item == current else Span(" ")
    return line(
        mark,
        badge(item.priority, True),
        *_who(item),
        giving(item.title),
        fill(),
        Span(f" {age(item.since_ns, now_ns):>3}", "quiet"),
    )


def _who(item: NeedItem) -> tuple[Span, ...]:
    return (Span(" "), giving(item.who, "strong"), Span(" ")) if item.who else (Span(" "),)


def below_line_two(needs: Sequence[NeedItem]) -> tuple[NeedItem, ...]:
    """The queue without the alarm that line 2 shows already."""
    return tuple(needs[1:]) if needs and needs[0].kind is NeedKind.ALARM else tuple(needs)


def queue_part(needs: Sequence[NeedItem], rows: int, current: NeedItem | None) -> tuple[NeedItem, ...]:
    """As much of the queue below line 2 as ``rows`` hold: its head, or the part that ends with where `w` is."""
    waiting = below_line_two(needs)
    at = waiting.index(current) if current in waiting else 0
    first = max(0, at - rows + 1)
    return waiting[first : first + rows]


def queue_rule(snapshot: Snapshot, rows: int, width: int) -> Line:
    """What stands between queue and tiles."""
    needs, right = snapshot.summary.needs, "tiles keep their place" if width >= SMALL else ""
    if not needs:
        return rule("nothing waits for you", right)
    waiting = below_line_two(snapshot.needs)
    where = "line 2 first, then these" if len(waiting) < needs else "most urgent first"
    if len(waiting) > rows:
        return rule(f"needs you {needs}: {where}, +{len(waiting) - rows} more; w = next")
    return rule(f"needs you {needs}: {where}; w = next", right)


def filter_line(text: str, shown: Collection[str], snapshot: Snapshot) -> Line:
    """Which agents are on show, how many of how many, and what waits for you among all the others."""
    outside = sum(item.agent not in shown for item in snapshot.needs)
    return line(
        Span(f"{len(shown)} of {count(len(snapshot.tiles), 'agent')}"),
        Span(f"  {count(outside, 'need')} outside: w" if outside else ""),
        Span("  filter: ", "quiet"),
        Span(text, "strong"),
        fill(),
        Span("  Esc shows all", "hint"),
    )


def newest(events: Sequence[Event]) -> tuple[Line, ...]:
    """Events as lines, the newest first."""
    return tuple(event_line(event, compact=True) for event in reversed(events))


def side(snapshot: Snapshot, recent: tuple[Line, ...], now_ns: int, current: NeedItem | None) -> tuple[Section, ...]:
    """The right column of a large screen."""
    needs = tuple(need_line(item, now_ns, current) for item in snapshot.needs) or ((Span("nothing", "quiet"),),)
    alarms = tuple(_alarm_lines(snapshot, now_ns)) or ((Span("none", "quiet"),),)
    stages = "   ".join(f"{name.upper().replace('_', ' ')} {number}" for name, number in snapshot.summary.tickets)
    return (
        Section(f"needs you {len(snapshot.needs)} (w)", needs),
        Section("alarms", alarms),
        Section("tickets", ((Span(stages or "none", "quiet"),),)),
        Section("events, newest first (5 to open)", recent),
    )


def _alarm_lines(snapshot: Snapshot, now_ns: int) -> list[Line]:
    return [
        line(
            Span(f"{age(alarm.raised_ns, now_ns):>3} ", "quiet"),
            badge(alarm.priority, alarm.acknowledged_by is None),
            Span(f" {one_line(alarm.title)}"),
            Span(f"  seen by {in_brief(alarm.acknowledged_by, 30)}" if alarm.acknowledged_by else "", "quiet"),
        )
        for alarm in snapshot.alarms
    ]
