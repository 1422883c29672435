"""Lines wrapped between words: for prose, where :func:`~fleet_widgets.lines.wrap` would cut words in two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.cells import get_character_cell_size
from rich.style import Style

from fleet_widgets.cells import cells, plain
from fleet_widgets.lines import Line, Span, width_of

_Char = tuple[str, str | Style]
_INDENT_SHARE = 3
"""A continuation is indented by at most this part of the width."""


def wrap_words(value: Line, width: int) -> list[Line]:
    """The line folded into lines of at most ``width`` cells; nothing is lost but white space where it breaks.

    A continuation stands under the beginning of the text: below leading white space, and below what follows a first
    span that is a label (text that ends in white space). Words longer than a line are cut; a label does not stand
    alone.
    """
    width = max(2, width)
    if width_of(value) <= width:
        return [value]
    chars = [(character, span.style) for span in value for character in plain(span.text)]
    wanted, most = _indent(value), width // _INDENT_SHARE
    indent = min(wanted, most)
    label = len(plain(value[0].text)) if _has_label(value) and wanted <= most else 0
    rows: list[Line] = []
    while chars:
        size = _break_at(chars, width - indent) if rows else _break_at(chars, width, label)
        margin = (Span(" " * indent),) if rows and indent else ()
        rows.append((*margin, *_spans(_stripped(chars[:size]))))
        chars = _without_lead(chars[size:])
    return rows or [value]


def _indent(value: Line) -> int:
    first = plain(value[0].text)
    return cells(first) if _has_label(value) else cells(first) - cells(first.lstrip())


def _has_label(value: Line) -> bool:
    return len(value) > 1 and plain(value[0].text)[-1:].isspace()


def _break_at(chars: Sequence[_Char], room: int, label: int = 0) -> int:
    """How many characters the next row takes: up to the last white space that fits, else as many as fit; at least
    one. There is no break within the first ``label`` characters."""
    used = 0
    space = 0
    for index, (character, _) in enumerate(chars):
        used += get_character_cell_size(character)
        if used > room:
            if character.isspace():
                return index
            return space or max(1, index)
        if character.isspace() and index >= label and not _blank(chars[label:index]):
            space = index + 1
    return len(chars)


def _blank(chars: Sequence[_Char]) -> bool:
    return all(character.isspace() for character, _ in chars)


def _stripped(chars: Sequence[_Char]) -> Sequence[_Char]:
    end = len(chars)
    while end > 1 and chars[end - 1][0].isspace():
        end -= 1
    return chars[:end]


def _without_lead(chars: list[_Char]) -> list[_Char]:
    start = next((index for index, (character, _) in enumerate(chars) if not character.isspace()), len(chars))
    return chars[start:]


def _spans(chars: Sequence[_Char]) -> Line:
    groups = groupby(chars, key=lambda char: char[1])
    return tuple(Span("".join(character for character, _ in group), style) for style, group in groups)
