"""The small words of every screen: ages, clocks, badges, short commits."""

from __future__ import annotations

from datetime import UTC, datetime

from fleet_tui.domain.text import SafeText, in_brief
from fleet_widgets.lines import Line, Span, fill, line
from fleet_widgets.palette import LINE_BOX

_BADGES = {
    (1, True): ("[1!]", "p1"),
    (1, False): ("[1]", "p1-ack"),
    (2, True): ("(2!)", "p2"),
    (2, False): ("(2)", "p2-ack"),
    (3, True): ("<3!>", "p3"),
    (3, False): ("<3>", "p3-ack"),
}


def badge(priority: int, is_open: bool) -> Span:
    """The mark of a priority; digit and bracket say it without colour. Empty for priority 0."""
    text, style = _BADGES.get((min(priority, 3), is_open), ("", "normal"))
    return Span(text, style)


def badge_cell(priority: int, is_open: bool) -> tuple[Span, Span]:
    """The badge in a column of four cells; only the badge itself carries the style."""
    mark = badge(priority, is_open)
    return mark, Span(" " * (4 - len(mark.text)))


def age(since_ns: int, now_ns: int) -> str:
    """``5s``, ``3m``, ``2h``, ``4d``; ``--`` when unknown. At most three cells up to 99 days."""
    if since_ns <= 0:
        return "--"
    return seconds_short((now_ns - since_ns) // 1_000_000_000)


def seconds_short(seconds: int) -> str:
    seconds = max(0, seconds)
    for limit, unit, size in ((60, "s", 1), (3600, "m", 60), (86_400, "h", 3600)):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86_400}d"


def span(seconds: int) -> str:
    """``00:41``, ``12:05``, ``3h05``, ``2d04h``."""
    seconds = max(0, seconds)
    if seconds < 3600:
        return f"{seconds // 60:02}:{seconds % 60:02}"
    if seconds < 86_400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}"
    return f"{seconds // 86_400}d{seconds % 86_400 // 3600:02}h"


def until(instant_ns: int, now_ns: int) -> int:
    """Whole seconds left, rounded up; never negative."""
    return max(0, -((now_ns - instant_ns) // 1_000_000_000))


def duration(milliseconds: int) -> str:
    """``0.4s``, ``41s``, ``8m12``, ``1h02``."""
    if milliseconds < 10_000:
        return f"{milliseconds / 1000:.1f}s"
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{seconds}s"
    return f"{seconds // 60}m{seconds % 60:02}" if seconds < 3600 else f"{seconds // 3600}h{seconds % 3600 // 60:02}"


def clock(instant_ns: int) -> str:
    """Time of day, UTC."""
    return datetime.fromtimestamp(instant_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")


def short_clock(instant_ns: int, now_ns: int) -> str:
    """Time of day to the minute; the date instead when it was not in the last 20 hours."""
    moment = datetime.fromtimestamp(instant_ns // 1_000_000_000, UTC)
    return moment.strftime("%H:%M" if now_ns - instant_ns < 20 * 3600 * 1_000_000_000 else "%m-%d")


def short(sha: str | None) -> str:
    return sha[:7] if sha else "-------"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rule(title: str, right: str = "", style: str = "quiet", *, has_focus: bool = False) -> Line:
    """A horizontal rule that carries a title, and something on its right end; marked when what is below has the
    focus."""
    sign = Span(f"{LINE_BOX.focus} ", "focus") if has_focus else Span("─ ", style)
    parts: list[Span] = [sign, Span(title, "focus" if has_focus else "heading"), Span(" ", style), fill("─", style)]
    if right:
        parts.append(Span(f" {right} ─", style))
    return line(*parts)


def fact(name: str, value: str, style: str = "normal", width: int = 10) -> Line:
    """``name      value`` with the name quiet."""
    return (Span(f"{name:<{width}} ", "quiet"), Span(in_brief(value, 400) or "-", style))


def paragraph(text: SafeText, style: str = "normal") -> tuple[Line, ...]:
    """Text of several lines; each stays a line."""
    return tuple((Span(part, style),) for part in text.splitlines())
