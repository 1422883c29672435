"""What goes to the terminal in fewer bytes: the same cells, without saying again what the terminal knows.

Textual writes each piece of text with its whole style before it and a reset behind it, and pads rows with spaces. Here
only what differs from the style in force is sent, and longer runs of blanks are erased instead of written.
"""

from __future__ import annotations

import curses
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

_PIECE = re.compile(r"\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0?m")
_MOVES = re.compile(r"(?:\x1b\[\d*(?:;\d*)?H|[\r\n])*")
_BLANKS = re.compile(" {9,}| {6,}$")  # at the end of a row there is no way back to go
_DRAWN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Underline, reverse and lines: erasing does not draw them."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29", "21": "24", "53": "55"}
_EXTENDED = {"38": "fg", "48": "bg"}


class Style(NamedTuple):
    """Parameters: foreground and background (empty: the terminal's own), and attributes."""

    fg: str = ""
    bg: str = ""
    attributes: frozenset[str] = frozenset()


PLAIN = Style()


def erases_in_colour(environ: Mapping[str, str]) -> bool:
    """Whether the terminal erases with the background in force. tmux does, though its description does not say so."""
    if environ.get("TMUX"):
        return True
    try:
        curses.setupterm(environ.get("TERM", "dumb"), fd=1)
        return bool(curses.tigetstr("ech")) and curses.tigetflag("bce") > 0
    except curses.error:
        return False


def squeezed(text: str, *, erase: bool) -> str:
    """``text`` (begun and ended in the plain style) with the same effect on a screen; ``erase``: blanks may be erased.

    What is not understood is passed on as it is, in the plain style.
    """
    out: list[str] = []
    style, position, short = PLAIN, 0, 0
    for piece in _PIECE.finditer(text):
        start, shown = piece.start(), piece[2]
        if start != position:
            between = text[position:start]
            if _MOVES.fullmatch(between) is None:
                # Text or sequences that rely on the plain style, and on the cursor being where it would be.
                out.append(_settled(style, short))
                style = PLAIN
            short = 0
            out.append(between)
        position = piece.end()
        if not shown:
            continue
        if short:
            out.append(f"\x1b[{short}C")
            short = 0
        wanted = style_of(piece[1])
        if shown.isspace():
            wanted = for_blanks(style, wanted)
        if wanted != style:
            out.append(change(style, wanted))
            style = wanted
        if erase and "      " in shown and _DRAWN_ON_BLANKS.isdisjoint(style.attributes):
            short = _erased(shown, out)
        else:
            out.append(shown)
    rest = text[position:]
    out.append(_settled(style, short if not rest or _MOVES.fullmatch(rest) is None else 0))
    out.append(rest)
    return "".join(out)


def _settled(style: Style, short: int) -> str:
    """The cursor where it belongs, and the plain style."""
    return (f"\x1b[{short}C" if short else "") + ("\x1b[0m" if style != PLAIN else "")


def _erased(shown: str, out: list[str]) -> int:
    """Append ``shown`` with long blanks erased; how many cells the cursor is short of its place behind it."""
    position = 0
    for run in _BLANKS.finditer(shown):
        size = run.end() - run.start()
        out.append(f"{shown[position : run.start()]}\x1b[{size}X")
        position = run.end()
        if position == len(shown):
            return size
        out.append(f"\x1b[{size}C")
    out.append(shown[position:])
    return 0


@lru_cache(maxsize=4096)
def for_blanks(style: Style, wanted: Style) -> Style:
    """What blanks need of ``wanted``: of a blank only the ground is seen, unless something is drawn on it."""
    if _DRAWN_ON_BLANKS.isdisjoint(style.attributes | wanted.attributes):
        return style._replace(bg=wanted.bg)
    return wanted


@lru_cache(maxsize=4096)
def change(style: Style, wanted: Style) -> str:
    """The shorter of two ways from one style to another: what differs, or all after a reset."""
    off = {_OFF.get(code, "0") for code in style.attributes - wanted.attributes}
    # What turns one attribute off may turn off another that is to stay.
    on = {code for code in wanted.attributes if code not in style.attributes or _OFF.get(code) in off}
    parameters = [*sorted(off), *sorted(on, key=int)]
    for before, after, default in ((style.fg, wanted.fg, "39"), (style.bg, wanted.bg, "49")):
        if before != after:
            parameters.append(after or default)
    step = ";".join(parameters)
    whole = ";".join(["0", *sorted(wanted.attributes, key=int), *filter(None, (wanted.fg, wanted.bg))])
    return f"\x1b[{whole if '0' in off or len(whole) < len(step) else step}m"


@lru_cache(maxsize=4096)
def style_of(parameters: str) -> Style:
    """The style that ``parameters`` make of the plain one."""
    fields = parameters.split(";")
    colours, attributes, position = {"fg": "", "bg": ""}, set(), 0
    while position < len(fields):
        field, size = fields[position], 1
        if field in _EXTENDED:
            size = 3 if fields[position + 1 : position + 2] == ["5"] else 5
            colours[_EXTENDED[field]] = ";".join(fields[position : position + size])
        elif len(field) >= 2 and field[:-1] in {"3", "9"}:
            colours["fg"] = field
        elif len(field) >= 2 and field[:-1] in {"4", "10"}:
            colours["bg"] = field
        elif field not in {"", "0"}:
            attributes.add(field)
        position += size
    return Style(colours["fg"], colours["bg"], frozenset(attributes))
