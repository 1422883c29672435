"""The list of alarms, the meter above it, and what one alarm means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from fleet_tui.domain.events import Event
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.domain.text import in_brief, one_line
from fleet_tui.governance.alarms import FLOOD
from fleet_tui.readmodel.alarms import TARGET_PER_DAY, TARGET_SHARES, AlarmBoard, AlarmRow, Kind, most_frequent, shares
from fleet_tui.tui.present.events import gist_of
from fleet_tui.tui.present.frame import LARGE, MEDIUM
from fleet_tui.tui.present.text import age, badge, badge_cell, clock, count, fact, rule, seconds_short, short_clock
from fleet_widgets.gauge import gauge
from fleet_widgets.lines import Line, Span, fill, giving, line, text_of
from fleet_widgets.list_view import Item
from fleet_widgets.palette import Box
from fleet_widgets.text_pane import Section

if TYPE_CHECKING:
    from fleet_tui.settings.alarms import AlarmSettings


def meter(board: AlarmBoard, now_ns: int, width: int, box: Box) -> Line:
    """``last 10 min ████░░░░░░ 4   today 61 (target <120)   P1/P2/P3 4/18/78% (target 5/15/80)``."""
    recent, today = board.recent(now_ns), board.today(now_ns)
    flood, many = recent >= FLOOD, len(today) >= TARGET_PER_DAY
    parts = [
        Span(f"last 10 min {gauge(recent, FLOOD, 10, box)} {recent}", "warn" if flood else "quiet"),
        Span(" FLOOD" if flood else "", "warn"),
        Span(f"   today {len(today)} (target <{TARGET_PER_DAY})", "warn" if many else "quiet"),
    ]
    found = shares(today)
    if found is not None:
        target = f" (target {'/'.join(map(str, TARGET_SHARES))})" if width >= MEDIUM else ""
        parts.append(Span(f"   P1/P2/P3 {'/'.join(map(str, found))}%{target}", "quiet"))
    return line(*parts)


def active_title(board: AlarmBoard) -> str:
    """What the rule above the list says."""
    unseen = sum(row.alarm.acknowledged_by is None for row in board.active)
    return f"active {len(board.active)}, unacknowledged {unseen}" if board.active else "no alarm stands"


LISTED = 3
"""So many effects of one alarm are listed below it; of more the rest is a number, until `x` shows them."""


def items(board: AlarmBoard, now_ns: int, width: int, *, chosen: str | None = None, whole: bool = True) -> list[Item]:
    """The list: what stands, what went unseen, the shelf. Unless ``whole``, large groups are folded; the ``chosen``
    alarm never."""
    found = [
        item for group in _groups(board) for item in _group_items(group, now_ns, width, None if whole else chosen or "")
    ]
    if board.returned:
        title = f"returned to normal, not acknowledged {len(board.returned)}"
        found += [_heading("returned", title), *(_item(row, now_ns, width) for row in board.returned)]
    if board.shelf:
        found += [_heading("shelf", f"shelf {len(board.shelf)}"), *(_item(row, now_ns, width) for row in board.shelf)]
    return found


def _groups(board: AlarmBoard) -> list[list[AlarmRow]]:
    """Each alarm that came first with its effects behind it."""
    heads = {row.alarm.id for row in board.active}
    grouped = groupby(board.active, key=lambda row: row.alarm.first if row.alarm.first in heads else row.alarm.id)
    return [list(rows) for _, rows in grouped]


def _group_items(group: Sequence[AlarmRow], now_ns: int, width: int, chosen: str | None) -> list[Item]:
    """All of them, or (``chosen`` not None) the first, some effects, and how many more there are."""
    head, *effects = group
    listed = effects
    if chosen is not None and len(effects) > LISTED + 1:
        listed = [row for at, row in enumerate(effects) if at < LISTED or row.alarm.id == chosen]
    rest = len(effects) - len(listed)
    more = ((Span(f"          ↳ {rest} more follow from it; x shows them", "quiet"),),)
    ending = [Item(f"rest:{head.alarm.id}", more, selectable=False)] if rest else []
    return [_item(head, now_ns, width), *(_item(row, now_ns, width, below=True) for row in listed), *ending]


def _heading(key: str, title: str) -> Item:
    return Item(f"heading:{key}", (rule(title),), selectable=False)


def _item(row: AlarmRow, now_ns: int, width: int, *, below: bool = False) -> Item:
    return Item(row.alarm.id, (alarm_line(row, now_ns, width, below=below),))


def alarm_line(row: AlarmRow, now_ns: int, width: int, *, below: bool = False) -> Line:
    """Badge, age, about what, what; first of its group or an effect (``below`` it); what to do."""
    alarm = row.alarm
    return line(
        *_mark(alarm),
        Span(f" {age(alarm.raised_ns, now_ns):>3} ", "quiet"),
        Span("↳ " if below else "", "quiet"),
        *_matter(row),
        fill(),
        *_state(row, now_ns, below=below),
        *_to_do(row, width),
    )


def _matter(row: AlarmRow) -> tuple[Span, ...]:
    """About whom, unless the title begins with that itself, and what."""
    title = one_line(row.alarm.title)
    about = () if title.startswith(row.about) else (giving(row.about, "strong"), Span(" "))
    return (*about, giving(title))


def _mark(alarm: Alarm) -> tuple[Span, ...]:
    if alarm.state is AlarmState.SHELVED:
        return (Span(f"z{badge(alarm.priority, False).text}", "shelved"),)
    return badge_cell(alarm.priority, alarm.acknowledged_by is None)


def _state(row: AlarmRow, now_ns: int, *, below: bool) -> tuple[Span, ...]:
    alarm = row.alarm
    if alarm.state is AlarmState.SHELVED:
        until = f"  until {short_clock(alarm.shelved_until_ns or now_ns, now_ns)}"
        return (
            Span(until),
            Span(' "', "quiet"),
            giving(in_brief(alarm.shelved_reason, 40), "quiet"),
            Span('"', "quiet"),
        )
    if alarm.state is AlarmState.CLEARED:
        return (Span(f"  gone {age(alarm.cleared_ns or now_ns, now_ns)} ago", "quiet"),)
    if row.followers:
        return (Span(f"  FIRST of {row.followers + 1}", "strong"),)
    # Below the one that it follows from, the sign at its beginning says so.
    return (Span("  follows from another", "quiet"),) if alarm.first and not below else ()


def _to_do(row: AlarmRow, width: int) -> tuple[Span, ...]:
    """The response, where it has room; the message line tells it of the selected alarm at every size."""
    if width < MEDIUM or row.alarm.state in {AlarmState.SHELVED, AlarmState.CLEARED}:
        return ()
    return (Span(f"  do: {in_brief(row.alarm.response, 60 if width >= LARGE else 32)}", "quiet"),)


def detail(
    row: AlarmRow, board: AlarmBoard, meaning: AlarmSettings | None, cause: Event | None, now_ns: int
) -> tuple[Section, ...]:
    """Why it matters, by when, what led to it, what came of it."""
    alarm = row.alarm
    consequence = meaning.consequence if meaning is not None else "not written down"
    facts = [
        fact("what", text_of(_matter(row)), "strong"),
        fact("if left", consequence),
        fact("do", alarm.response or "look at it"),
        _deadline(alarm, meaning, now_ns),
        fact("state", _in_words(alarm, now_ns)),
        fact("rule", f"{alarm.rule}, raised at {clock(alarm.raised_ns)} UTC, {age(alarm.raised_ns, now_ns)} ago"),
        fact("cause", gist_of(cause) if cause is not None else "nothing recorded"),
    ]
    return (Section(f"why priority {alarm.priority}", tuple(facts)), *_group(row, board))


def _deadline(alarm: Alarm, meaning: AlarmSettings | None, now_ns: int) -> Line:
    if meaning is None:
        return fact("by when", "no time is written down")
    left_s = meaning.respond_within_s - (now_ns - alarm.raised_ns) // 1_000_000_000
    within = f"within {seconds_short(meaning.respond_within_s)}"
    if alarm.state is not AlarmState.ACTIVE:
        return fact("by when", within)
    if left_s < 0:
        return fact("by when", f"{within}; that was {seconds_short(-left_s)} ago", "warn")
    return fact("by when", f"{within}; {seconds_short(left_s)} left")


def _in_words(alarm: Alarm, now_ns: int) -> str:
    seen = f"acknowledged by {in_brief(alarm.acknowledged_by, 40)}" if alarm.acknowledged_by else "not acknowledged"
    match alarm.state:
        case AlarmState.SHELVED:
            left_s = max(0, ((alarm.shelved_until_ns or now_ns) - now_ns) // 1_000_000_000)
            return f"on the shelf, back in {seconds_short(left_s)}: {alarm.shelved_reason}"
        case AlarmState.CLEARED:
            return f"cleared {age(alarm.cleared_ns or now_ns, now_ns)} ago, {seen}"
        case _:
            return f"stands, {seen}"


def _group(row: AlarmRow, board: AlarmBoard) -> tuple[Section, ...]:
    following = board.following(row.alarm.id)
    first = board.row(row.alarm.first)
    if following:
        lines = tuple(_member(one) for one in following)
        return (Section(f"first of {len(following) + 1}: these probably follow from it", lines),)
    if row.alarm.first is None:
        return ()
    known = _member(first) if first is not None else (Span("an alarm that is over", "quiet"),)
    return (Section("it probably follows from", (known,)),)


def _member(row: AlarmRow) -> Line:
    return (*_mark(row.alarm), Span(" "), *_matter(row))


def frequent(today: Sequence[Alarm]) -> Section:
    """What to mend so that fewer come."""
    kinds = most_frequent(today)[:6]
    lines = tuple(_kind_line(kind) for kind in kinds) or ((Span("none came more than once", "quiet"),),)
    return Section(f"most frequent today, of {count(len(today), 'alarm')}", lines)


def _kind_line(kind: Kind) -> Line:
    names = ", ".join(in_brief(name, 24) for name in kind.subjects[:4])
    more = f" +{len(kind.subjects) - 4}" if len(kind.subjects) > 4 else ""
    return (Span(f"{kind.times:>3}x ", "strong"), Span(f"{kind.rule}  "), Span(f"{names}{more}", "quiet"))
