"""The player's picture: text in, rows out. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet_tui.domain.text import clean

STYLES = {
    "plain": "",
    "dim": "2",
    "bold": "1",
    "good": "32",
    "bad": "31",
    "accent": "36",
    "warm": "38;5;173",
    "user": "2;3",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of the transcript; ``style`` is a name of :data:`STYLES`."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is on the screen at one time."""

    title: str
    transcript: Sequence[Line]
    status: str
    box: str
    footer: str


def width_of(text: str) -> int:
    """Terminal columns of ``text``."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns."""
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[:index]
    return text


def fold(line: Line, width: int) -> Iterable[str]:
    """``line`` as styled rows of at most ``width`` columns."""
    for paragraph in clean(line.text).replace("\t", "    ").split("\n"):
        rest = paragraph
        while True:
            row = cut(rest, width)
            yield styled(row, line.style)
            rest = rest[len(row) :]
            if not rest or not row:
                break


def styled(text: str, style: str) -> str:
    code = STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def rows_of(picture: Picture, width: int, height: int) -> list[str]:
    """Exactly ``height`` rows."""
    inner = max(8, width - 4)
    written = cut(clean(picture.box), inner - 3)
    bottom = [
        styled(cut(picture.status, width), "warm"),
        styled("╭" + "─" * (inner + 2) + "╮", "dim"),
        f"│ > {written}{' ' * (inner - 2 - width_of(written))} │",
        styled("╰" + "─" * (inner + 2) + "╯", "dim"),
        styled(cut(f"  {picture.footer}", width), "dim"),
    ]
    room = max(0, height - len(bottom))
    above: list[str] = []
    # From the newest backwards: what does not fit is never folded.
    for line in reversed(picture.transcript):
        above[:0] = list(fold(line, width))
        if len(above) >= room:
            break
    else:
        above[:0] = [styled(cut(picture.title, width), "accent"), ""]
    above = above[-room:] if room else []
    return ([*above, *[""] * (room - len(above)), *bottom])[-height:]
