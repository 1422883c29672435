"""The order in which the changes of a frame are written: what has the same colours together.

A colour takes some twenty bytes, to go to another place nine. Rows of many panes change in the same few colours: row by
row, each would be said again and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fleet_tui.tui.squeeze import Style, change, for_blanks, style_of

_GOING = 9
"""Bytes of a move to another place, such as ``ESC [ 4 4 ; 1 2 5 H``."""


class Run(NamedTuple):
    """Text in one style from a cell on. ``codes`` are the parameters of its style; ``written``: with all sequences."""

    x: int
    y: int
    width: int
    codes: str
    written: str
    blank: bool


@dataclass(slots=True)
class _Chunk:
    """Runs side by side that are written together."""

    runs: list[Run]
    style: Style
    """The one in force behind the last of them."""


def regrouped(runs: Iterable[Run]) -> str:
    """``runs`` (apart from each other) with moves between them, in an order that takes few bytes."""
    groups: dict[str, list[_Chunk]] = {}
    for chunk in _chunks(list(runs)):
        groups.setdefault(chunk.runs[0].codes, []).append(chunk)
    return "".join(_written(chunk) for group in groups.values() for chunk in group)


def _written(chunk: _Chunk) -> str:
    return f"\x1b[{chunk.runs[0].y + 1};{chunk.runs[0].x + 1}H" + "".join(run.written for run in chunk.runs)


def _chunks(runs: list[Run]) -> Iterator[_Chunk]:
    """Neighbours stay together where the style of the next is shorter than a move, or is needed only once."""
    uses = Counter(run.codes for run in runs)
    chunk, end = None, (-1, -1)
    for run in runs:
        style = style_of(run.codes)
        joins = chunk is not None and end == (run.x, run.y)
        if chunk is not None and joins:
            style = for_blanks(chunk.style, style) if run.blank else style
            joins = style == chunk.style or uses[run.codes] == 1 or len(change(chunk.style, style)) <= _GOING
        if chunk is not None and joins:
            chunk.runs.append(run)
            chunk.style = style
        else:
            if chunk is not None:
                yield chunk
            chunk = _Chunk([run], style)
        end = run.x + run.width, run.y
    if chunk is not None:
        yield chunk
