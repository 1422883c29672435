"""Captured rows (bytes with SGR sequences) to spans of safe text. Knows nothing of any user-interface library."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fleet_tui.domain.text import clean

Colour = int | tuple[int, int, int] | None
"""A palette index 0-255, red-green-blue, or None for the terminal's default."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks. ``acs`` is parser state (tmux's line-drawing set), never set on a span."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False
    acs: bool = False


class Span(NamedTuple):
    """Text of one style; no control, bidirectional or zero-width character is in it."""

    text: str
    style: Style


PLAIN = Style()

_TOKEN = re.compile(r"\x1b\[([0-9;:]*)m|([\x0e\x0f])")
_OTHER = re.compile(
    r"\x1b[\]PX^_][^\x1b\x07\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC (links of newer tmux), DCS, SOS, PM, APC
    r"|\x1b\[(?![0-9;:]*m)[0-?]*[ -/]*[@-~]"  # CSI that is not SGR
    r"|\x1b(?!\[)[ -/]*[0-~]"
)
# tmux keeps what these join in the cell before them: what follows a joiner, or changes a skin, takes no column.
_JOINED = re.compile("\u200d+(?:[^\\s\x00-\x7f]|$)|(?<=[\u2600-\u27bf\U0001f000-\U0001faff])[\U0001f3fb-\U0001f3ff]")
_SOFT_HYPHEN = "\u00ad"  # takes a column in tmux, so it may not just vanish
_LINES = str.maketrans(
    "`afgijklmnopqrstuvwxyz{|}~+,-.0h",
    "◆▒°±␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·→←↑↓▮␤",
)
_ON: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}


_SKIN = re.compile(b"\xf0\x9f\x8f[\xbb-\xbf]")
SKINS_JOINED = (3, 4)
"""The first tmux that keeps a changed skin in the cell before it."""


def skins_apart(rows: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Rows of a tmux that gives what changes a skin two columns of its own: blanks there. Terminals would draw it over
    the character before, and all that follows would move."""
    return tuple(_SKIN.sub(b"  ", row) for row in rows)


def parse_row(row: bytes, start: Style = PLAIN) -> tuple[tuple[Span, ...], Style]:
    """The spans of one captured row that begins in ``start``, and the style in which it ends: the next row's start."""
    text = row.decode("utf-8", "replace")
    if "\x1b" not in text and "\x0e" not in text and "\x0f" not in text:
        return _merged([(text, start)]), start
    style, position, pieces = start, 0, []
    text = _OTHER.sub("", text)
    for token in _TOKEN.finditer(text):
        pieces.append((text[position : token.start()], style))
        style = _shifted(style, token[2]) if token[2] else apply(style, token[1])
        position = token.end()
    pieces.append((text[position:], style))
    return _merged(pieces), style


def parse_rows(rows: tuple[bytes, ...]) -> Iterator[tuple[Span, ...]]:
    """The spans of consecutive captured rows; tmux carries the style from row to row."""
    style = PLAIN
    for row in rows:
        spans, style = parse_row(row, style)
        yield spans


@lru_cache(maxsize=4096)
def apply(style: Style, parameters: str) -> Style:
    """``style`` after the SGR sequence with ``parameters``; what is not understood is passed over."""
    fields = parameters.split(";")
    position = 0
    while position < len(fields):
        field = fields[position]
        if ":" in field:
            style = _with_subparameters(style, [_number(part) for part in field.split(":")])
        elif field in {"38", "48", "58"}:
            colour, used = _extended([_number(part) for part in fields[position + 1 : position + 5]])
            style = _coloured(style, int(field), colour)
            position += used
        else:
            style = _simple(style, _number(field) or 0)
        position += 1
    return style


def _simple(style: Style, code: int) -> Style:
    if code == 0:
        return Style(acs=style.acs)
    if code in _ON:
        return dataclasses.replace(style, **_ON[code])
    for name, base, bright in (("fg", 30, 90), ("bg", 40, 100)):
        if base <= code < base + 8:
            return dataclasses.replace(style, **{name: code - base})  # type: ignore[arg-type]
        if bright <= code < bright + 8:
            return dataclasses.replace(style, **{name: code - bright + 8})  # type: ignore[arg-type]
        if code == base + 9:
            return dataclasses.replace(style, **{name: None})  # type: ignore[arg-type]
    return style


def _with_subparameters(style: Style, parts: list[int | None]) -> Style:
    if parts[0] == 4:
        return dataclasses.replace(style, underline=parts[1] != 0)
    if parts[0] in {38, 48} and len(parts) > 2:
        # 38:2:<colour space>:r:g:b has one part more than 38:2:r:g:b
        rest = [2, *parts[-3:]] if parts[1] == 2 and len(parts) >= 5 else parts[1:]
        colour, _ = _extended(rest)
        return _coloured(style, parts[0] or 0, colour)
    return style


def _extended(fields: list[int | None]) -> tuple[Colour | bool, int]:
    # The colour (False: none understood) and how many fields it used.
    if len(fields) >= 2 and fields[0] == 5:
        index = fields[1] or 0
        return (index if index <= 255 else False), 2
    if len(fields) >= 4 and fields[0] == 2:
        red, green, blue = (field or 0 for field in fields[1:4])
        return ((red, green, blue) if max(red, green, blue) <= 255 else False), 4
    return False, len(fields)


def _coloured(style: Style, code: int, colour: Colour | bool) -> Style:
    if isinstance(colour, bool) or code == 58:
        return style
    return dataclasses.replace(style, fg=colour) if code == 38 else dataclasses.replace(style, bg=colour)


def _shifted(style: Style, code: str) -> Style:
    return dataclasses.replace(style, acs=code == "\x0e")


def _number(text: str) -> int | None:
    return int(text[:6]) if text else None


def _merged(pieces: list[tuple[str, Style]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    column = 0
    for raw, style in pieces:
        text = raw
        if not (raw.isascii() and raw.isprintable()):
            text = _safe(raw, column)
        if style.acs:
            text, style = text.translate(_LINES), dataclasses.replace(style, acs=False)
        if not text:
            continue
        column += _columns(text)
        if spans and spans[-1].style == style:
            spans[-1] = Span(spans[-1].text + text, style)
        else:
            spans.append(Span(text, style))
    return tuple(spans)


def _safe(text: str, column: int) -> str:
    text = _JOINED.sub("", text).replace(_SOFT_HYPHEN, " ").replace("\n", "").replace("\r", "")
    if "\t" in text:  # newer tmux gives tabs back as they were written
        text = _expanded(text, column)
    return clean(text)


def _expanded(text: str, column: int) -> str:
    parts = []
    for part in re.split(r"(\t)", text):
        shown = " " * (8 - column % 8) if part == "\t" else part
        column += _columns(shown)
        parts.append(shown)
    return "".join(parts)


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)
