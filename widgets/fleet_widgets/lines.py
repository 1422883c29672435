"""Lines of styled text that keep columns: the only form in which text reaches these widgets.

A ``Line`` is a tuple of ``Span``. Text in a span is shown literally: it is never markup, and characters that steer a
terminal, hide or reorder text become one visible cell or vanish, so no text can move a neighbour's column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from fleet_widgets.cells import cells, fold, part, plain
from fleet_widgets.palette import Palette


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one style. ``style`` is a name of the palette, or a rich ``Style`` for colours that came from a terminal.

    A ``fill`` span stretches: its text repeats over the cells that the other spans leave free (at most one per line).
    When the line is too long the part before the fill is cut first, so what stands on the right stays readable. Where
    words were cut off, ``…`` stands. Before any of that, spans that give way are shortened, those of rank ``gives`` 1
    first, and of these the last one: names and titles, beside which what decides stays whole.
    """

    text: str
    style: str | Style = "normal"
    fill: bool = False
    gives: int = 0


Line = tuple[Span, ...]

BLANK: Line = ()


def line(*parts: Span | str | tuple[str, str]) -> Line:
    """A line from spans, plain strings (style ``normal``) and ``(text, style)`` pairs."""
    return tuple(_span(value) for value in parts)


def _span(value: Span | str | tuple[str, str]) -> Span:
    if isinstance(value, Span):
        return value
    return Span(value) if isinstance(value, str) else Span(*value)


def fill(text: str = " ", style: str = "normal") -> Span:
    """A span that stretches over the free cells of its line."""
    return Span(text, style, fill=True)


def giving(text: str, style: str = "normal", rank: int = 1) -> Span:
    """A span that gives way to what stands beside it: a name, a title; of rank 2 after those of rank 1."""
    return Span(text, style, gives=rank)


def column(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, for the columns of a table."""
    return text_of(fit((Span(text),), width))


def lines_of(texts: Iterable[str], style: str = "normal") -> tuple[Line, ...]:
    """One line per text, all in one style."""
    return tuple((Span(text, style),) for text in texts)


def text_of(value: Line) -> str:
    """The text of a line without styles; a fill counts as it is written."""
    return "".join(span.text for span in value)


def next_match(rows: Sequence[Line], words: str, after: int, step: int = 1) -> int | None:
    """The next row (``step`` -1: the one before) that holds ``words`` in any case, from row ``after`` on and round the
    end; None when no other and not even that row does."""
    wanted, count = words.casefold(), len(rows)
    order = ((after + step * by) % count for by in range(1, count + 1))
    return next((row for row in order if wanted in text_of(rows[row]).casefold()), None) if wanted else None


def width_of(value: Line | str) -> int:
    """Width in terminal cells as it will be shown; a fill counts as zero."""
    if isinstance(value, str):
        return cells(plain(value))
    return sum(cells(plain(span.text)) for span in value if not span.fill)


def cut(value: Line, width: int, *, start: int = 0) -> Line:
    """Cells ``start`` to ``start + width`` of a line, at most ``width`` cells; half of a wide character becomes a
    space."""
    out: list[Span] = []
    position = 0
    end = start + max(0, width)
    for span in value:
        if position >= end:
            break
        text = plain(span.text, limit=end - position)
        size = cells(text)
        if position + size > start:
            shown = part(text, max(0, start - position), end - max(position, start))
            if shown:
                out.append(Span(shown, span.style))
        position += size
    return tuple(out)


def fit(value: Line, width: int, style: str = "normal", *, picture: bool = False) -> Line:
    """The line in exactly ``width`` cells: fill stretched, cut, or padded with spaces of ``style``. A ``picture`` of a
    terminal ends at its edge, without the sign of what was cut off."""
    if width <= 0:
        return ()
    value = _given_way(value, width)
    at = next((index for index, span in enumerate(value) if span.fill), None)
    if at is not None:
        return _stretch(value[:at], value[at], value[at + 1 :], width)
    shown = cut(value, width) if picture else shortened(value, width)
    free = width - sum(cells(span.text) for span in shown)
    return (*shown, Span(" " * free, style)) if free else shown


def shortened(value: Line, width: int) -> Line:
    """At most ``width`` cells of a line; the last one says so where more than blanks was cut off."""
    shown = cut(value, width)
    if width < 1 or cells(text_of(cut(value, width + _LOOK_AHEAD)).rstrip()) <= width:
        return shown
    kept = cut(value, width - 1)
    return (*kept, Span(CUT, next((span.style for span in reversed(shown)), "normal")))


def _given_way(value: Line, width: int) -> Line:
    """The line with what gives way as much shorter as it is too long."""
    if not any(span.gives for span in value):
        return value
    over, spans = width_of(value) - width, list(value)
    ways = sorted((at for at, span in enumerate(spans) if span.gives), key=lambda at: (spans[at].gives, -at))
    for least in _LEAST_GIVEN:
        for at in ways:
            if over > 0:
                own = width_of((spans[at],))
                shown = shortened((spans[at],), min(own, max(least, own - over)))
                spans[at] = replace(spans[at], text=text_of(shown))
                over -= own - width_of(shown)
    return tuple(spans)


_LEAST_GIVEN = (6, 1)
"""Cells that remain of each that gives way, and of each when that is not enough."""
CUT = "…"
"""Stands where text was cut off."""
_LOOK_AHEAD = 80
"""Cells that are looked at for words behind what is shown; further behind, there is nothing in sight of it."""


def _stretch(left: Line, filler: Span, right: Line, width: int) -> Line:
    right = shortened(right, width)
    room = width - sum(cells(span.text) for span in right)
    left = shortened(left, room)
    free = room - sum(cells(span.text) for span in left)
    unit = plain(filler.text) or " "
    if cells(unit) == 0:
        unit = " "
    middle = part(unit * free, 0, free)
    return (*left, Span(middle, filler.style), *right) if free else (*left, *right)


def wrap(value: Line, width: int) -> list[Line]:
    """The line folded into lines of at most ``width`` cells: at least one line, nothing lost."""
    width = max(2, width)  # a wide character needs two cells
    rows: list[list[Span]] = [[]]
    free = width
    for span in value:
        for index, piece in enumerate(fold(plain(span.text), free, width)):
            if index:
                rows.append([])
                free = width
            if piece:
                rows[-1].append(Span(piece, span.style))
                free -= cells(piece)
    return [tuple(row) for row in rows]


def sized(value: Line, width: int) -> bool:
    """Whether the line needs no wrapping at ``width``."""
    return width_of(value) <= width


def in_ascii(value: Line) -> Line:
    """The line with signs as their nearest in ASCII, cell for cell. Letters stay as they are."""
    return tuple(replace(span, text=span.text.translate(_SIGNS)) for span in value)


def _signs() -> dict[int, str]:
    """Frames, rules, bars, arrows and dots. All are one cell wide, and so is what stands for them."""
    signs = dict.fromkeys(range(0x2500, 0x2580), "+")  # box drawing: what is no straight line is a corner or a crossing
    signs |= dict.fromkeys(map(ord, "─━┄┅┈┉╌╍╴╶╸╺╼╾"), "-") | dict.fromkeys(map(ord, "│┃┆┇┊┋╎╏╵╷╹╻╽╿║"), "|")
    signs |= dict.fromkeys(map(ord, "═"), "=") | dict.fromkeys(range(0x2580, 0x2590), "#")
    signs |= dict.fromkeys(map(ord, "░▒▓…·"), ".") | dict.fromkeys(map(ord, "→▌▐↳❯›»▶▸"), ">")
    signs |= dict.fromkeys(map(ord, "●•◆■▪✻✢✳✶✽⏺"), "*") | {ord("≠"): "!", ord("←"): "<", ord("✓"): "+", ord("✗"): "x"}
    return signs


_SIGNS = _signs()
_CACHE: LRUCache[tuple[Line, int, Palette, str, bool, bool, bool], Strip] = LRUCache(2_048)
"""More than a screen shows. A strip with what Textual keeps in it is 4 to 10 kB, and rows that never come again fill
all of this within minutes."""
_CACHE_TEXT = 2_000  # characters; longer lines are drawn each time, or a few of them would hold megabytes


def to_strip(
    value: Line,
    width: int,
    palette: Palette,
    *,
    base: str = "normal",
    dim: bool = False,
    literal: bool = False,
    picture: bool = False,
) -> Strip:
    """The line as a Strip of exactly ``width`` cells, every segment with a background (cached).

    ``base`` names the style under all spans (the row of the cursor, a marked row); ``dim`` shows everything in
    ``stale``. A palette that draws in ASCII shows signs such as arrows and frames as their nearest in ASCII, unless the
    text is ``literal``: one that must be seen as it is. Of a ``picture`` of a terminal no sign tells where it is cut.
    """
    key = (value, width, palette, base, dim, literal, picture)
    found = _CACHE.get(key)
    if found is None:
        fitted = fit(value, width, picture=picture)
        shown = fitted if literal or not palette.ascii else in_ascii(fitted)
        segments = [Segment(span.text, _drawn(palette, span.style, base, dim)) for span in shown]
        found = Strip(segments, max(0, width))
        if sum(len(span.text) for span in value) <= _CACHE_TEXT:
            _CACHE[key] = found
    return found


def _drawn(palette: Palette, style: str | Style, base: str, dim: bool) -> Style:
    return palette.style("stale") if dim else _styled(palette, style, base)


def _styled(palette: Palette, style: str | Style, base: str) -> Style:
    """The style of a span on the ground of its row: only what has the plain ground takes the row's background and
    weight."""
    own = palette.style(style)
    if base == "normal":
        return own
    under, ground = palette.style(base), palette.style("normal")
    if own.bgcolor != ground.bgcolor or own.reverse:
        return own
    return own + Style(bgcolor=under.bgcolor, bold=under.bold or own.bold, underline=under.underline or own.underline)


def join(strips: Sequence[Strip], width: int) -> Strip:
    """Strips side by side, ``width`` cells together."""
    return Strip([segment for strip in strips for segment in strip], width)
