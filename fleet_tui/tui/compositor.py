"""Changes straight from the widget on top to the terminal: exactly the cells that were asked to be drawn again.

Textual's own way lays all visible widgets between the outermost changes one over another and writes each change from
the left edge of its widget. A wall that is one wide widget would send its whole row for a change at its right end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.color import ColorSystem
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fleet_tui.tui.regroup import Run, regrouped
from fleet_widgets.base import LineWidget

Piece = tuple[int, int, Sequence[Strip]]
"""Column, row, and what stands from there on."""
Shown = tuple[Widget, Region, Region]
"""A widget, where it is, and the part of it that can be seen unless another lies over it."""


class ExactUpdate(CompositorUpdate):
    """Parts of rows at their places."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def render_segments(self, console: Any) -> str:
        """``console`` is what Textual hands on to its strips."""
        return regrouped(_runs(self.pieces, console))


def _runs(pieces: Sequence[Piece], console: Any) -> Iterator[Run]:
    colours = console._color_system or ColorSystem.TRUECOLOR
    for x, y, strips in pieces:
        for strip in strips:
            for text, style, _ in strip:
                width = cell_len(text)
                if style is None:
                    yield Run(x, y, width, "", text, text.isspace())
                else:
                    written = Strip.render_style(style, text, colours)
                    yield Run(x, y, width, style._ansi or "", written, text.isspace())
                x += width


class RoomCompositor(Compositor):
    """Partial updates by :class:`ExactUpdate`; everything else is Textual's."""

    def render_partial_update(self) -> ExactUpdate | None:  # type: ignore[override]
        screen = self.size.region
        regions = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        shown = [(widget, region, region.intersection(clip)) for widget, (region, clip) in self.visible_widgets.items()]
        seen: dict[Widget, tuple[Region, list[Region]]] = {}
        for y, left, right in self._regions_to_spans([region for region in regions if region]):
            for widget, region, x, width in _on_top(shown, y, left, right):
                seen.setdefault(widget, (region, []))[1].append(Region(x - region.x, y - region.y, width, 1))
        pieces = [
            (region.x + part.x, region.y + part.y, strips)
            for widget, (region, parts) in seen.items()
            for part, strips in zip(parts, _strips(widget, parts), strict=True)
        ]
        return ExactUpdate(pieces) if pieces else None


def _on_top(shown: Sequence[Shown], y: int, left: int, right: int) -> Iterator[tuple[Widget, Region, int, int]]:
    """Who is seen in columns ``left`` to ``right`` of a row: widget, its place, first column and width of the part.
    ``shown`` begins with what lies in front."""
    there = [one for one in shown if one[2].y <= y < one[2].bottom]
    x = left
    while x < right:
        end, found = right, None
        for one in there:
            seen = one[2]
            if seen.x <= x < seen.right:
                found, end = one, min(end, seen.right)
                break
            if x < seen.x < end:
                end = seen.x
        if found is not None:
            yield found[0], found[1], x, end - x
        x = end


def _strips(widget: Widget, parts: Sequence[Region]) -> Sequence[Sequence[Strip]]:
    """What ``widget`` shows in parts of its rows."""
    return widget.render_parts(parts) if isinstance(widget, LineWidget) else [*map(widget.render_lines, parts)]
