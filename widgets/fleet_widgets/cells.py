"""Text and terminal cells: what is safe to draw, how wide it is, and parts of it that never split a wide character."""

from __future__ import annotations

import re

from rich.cells import get_character_cell_size

# One cell each, nothing to look at: the common case costs one scan.
_SIMPLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff"
    "\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0482"
    "\u2500-\u25fc\u2800-\u28ff]*"
).fullmatch
_TAB = 4
_MARKS = 4  # combining characters kept per cell; towers of them are drawn over the neighbours by some terminals

_STEERING = "\x00-\x1f\x7f-\x9f"
_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029"
_BROKEN = "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff"
_JOINING = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[{_STEERING}{_REORDERING}{_BROKEN}]")
_DROPPED = re.compile(f"[{_JOINING}]")


def plain(text: str, limit: int | None = None) -> str:
    """``text`` as it is drawn: tabs are spaces, control characters are their pictures (``␛``), reordering and broken
    ones ``�``; joiners and variation selectors vanish, since terminals disagree on the width they make.
    Idempotent.

    ``limit`` bounds the work on long text: about the first ``limit`` cells are enough for the caller.
    """
    if limit is not None and len(text) > limit * (1 + _MARKS) + 64:
        text = text[: limit * (1 + _MARKS) + 64]
    if _SIMPLE(text):
        return text
    text = _DROPPED.sub("", text.expandtabs(_TAB))
    return _bounded_marks(_VISIBLE.sub(_picture, text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _bounded_marks(text: str) -> str:
    """``text`` without marks that have no character to stand on, and at most ``_MARKS`` on one."""
    out: list[str] = []
    room = 0
    for character in text:
        if get_character_cell_size(character):
            room = _MARKS
        elif room:
            room -= 1
        else:
            continue
        out.append(character)
    return "".join(out)


def cells(text: str) -> int:
    """Width of ``text`` (already :func:`plain`) in terminal cells."""
    if _SIMPLE(text):
        return len(text)
    return sum(map(get_character_cell_size, text))


def part(text: str, start: int, width: int, *, whole: bool = False) -> str:
    """Cells ``start`` to ``start + width`` of plain text. Half of a wide character becomes a space, or is left out when
    ``whole``; marks stay with their character."""
    if width <= 0:
        return ""
    if _SIMPLE(text):
        return text[start : start + width]
    out: list[str] = []
    position, end = 0, start + width
    complete = False  # whether the last character is in ``out`` itself, and not as the space of a half
    for character in text:
        size = get_character_cell_size(character)
        if size and (position >= end or (whole and position + size > end)):
            break
        after = position + size
        if size:
            complete = position >= start and after <= end
        if complete:
            out.append(character)
        elif size and after > start:
            out.append(" ")
        position = after
    return "".join(out)


def fold(text: str, first: int, width: int) -> list[str]:
    """Plain text in pieces of at most ``first`` cells, then ``width`` cells each; an empty first piece when nothing
    fits."""
    if _SIMPLE(text):
        return [text[:first], *(text[at : at + width] for at in range(first, len(text), width))]
    pieces: list[str] = []
    begin, used, room = 0, 0, first
    for index, character in enumerate(text):
        size = get_character_cell_size(character)
        if used + size > room:
            pieces.append(text[begin:index])
            begin, used, room = index, 0, width
        used += size
    return [*pieces, text[begin:]]
