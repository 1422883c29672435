"""What all line widgets share: strips without CSS boxes, a palette, dimming, and refresh of the rows that changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypedDict, Unpack

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from fleet_widgets.lines import BLANK, to_strip
from fleet_widgets.palette import GREY, Palette


class TextualOptions(TypedDict, total=False):
    """What Textual takes of every widget."""

    name: str | None
    id: str | None
    classes: str | None
    disabled: bool


class WidgetOptions(TextualOptions, total=False):
    """What every widget of this package takes besides its own arguments."""

    palette: Palette


class LineWidget(Widget):
    """A widget that draws itself row by row. No CSS borders or padding, no children, no timers.

    Every widget of this package takes ``palette=`` and has the properties ``palette`` and ``dimmed``; setting one
    redraws.
    """

    DEFAULT_CSS = """
    LineWidget { width: 1fr; height: 1fr; }
    """

    def __init__(self, *, palette: Palette = GREY, **options: Unpack[TextualOptions]) -> None:
        super().__init__(**options, markup=False)
        self._palette = palette
        self._dimmed = False

    @property
    def palette(self) -> Palette:
        """Styles by name."""
        return self._palette

    @palette.setter
    def palette(self, value: Palette) -> None:
        if value is not self._palette:
            self._palette = value
            self.restyled()

    @property
    def dimmed(self) -> bool:
        """Old data: everything is drawn in the ``stale`` style, colours off."""
        return self._dimmed

    @dimmed.setter
    def dimmed(self, value: bool) -> None:
        if value is not self._dimmed:
            self._dimmed = value
            self.restyled()

    def restyled(self) -> None:
        """The palette or the dimming changed: draw everything again."""
        self.refresh()

    def focus_changed(self) -> None:
        """Keys go, or no longer go, to this widget: draw again what shows it. Nothing here."""

    def _on_focus(self, event: events.Focus) -> None:
        self._focused(event, events.DescendantFocus(self), has_focus=True)

    def _on_blur(self, event: events.Blur) -> None:
        self._focused(event, events.DescendantBlur(self), has_focus=False)

    def _focused(self, event: events.Event, told: events.Event, *, has_focus: bool) -> None:
        """What Textual does, but without drawing the whole widget again: over a slow link that is what Tab would
        cost."""
        event.prevent_default()
        self.has_focus = has_focus
        if isinstance(self.parent, Widget):
            self.parent.post_message(told)
        self.focus_changed()

    def strip(self, y: int) -> Strip:
        """Row ``y`` of the widget, exactly ``size.width`` cells. Empty here; each widget draws its own."""
        del y
        return self.blank()

    def blank(self) -> Strip:
        """A row of ground."""
        return to_strip(BLANK, self.size.width, self._palette)

    def render_line(self, y: int) -> Strip:
        """Textual's single-row form of :meth:`strip`."""
        return self.strip(y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows straight to the compositor: without borders and padding the styles cache of Textual is only cost."""
        rows = [Region(crop.x, y, crop.width, 1) for y in range(crop.y, crop.bottom)]
        return self._filtered([strip for row in rows for strip in self._cropped(row)])

    def render_parts(self, parts: Iterable[Region]) -> list[list[Strip]]:
        """Parts of single rows, each in as many strips as are at hand: side by side they are as wide as the part."""
        found = [self.parts(part.y, part.x, part.width) or self._cropped(part) for part in parts]
        filtered = iter(self._filtered([strip for strips in found for strip in strips]))
        return [[next(filtered) for _ in strips] for strips in found]

    def _cropped(self, part: Region) -> list[Strip]:
        """Part of one row."""
        strip = self.strip(part.y) if 0 <= part.y < self.size.height else self.blank()
        if part.x == 0 and part.width == self.size.width:
            return [strip]
        return [strip.crop_extend(part.x, part.right, self._palette.style("normal"))]

    def parts(self, y: int, x: int, width: int) -> list[Strip] | None:
        """What :meth:`strip` is made of at these columns, where they begin and end with strips of it; else None."""
        del y, x, width
        return None

    def _filtered(self, strips: list[Strip]) -> list[Strip]:
        filters = self.get_line_filters()
        if filters:
            _, background = self.background_colors
            for line_filter in filters:
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips

    def refresh_rows(self, rows: Iterable[int], *, x: int = 0, width: int | None = None) -> None:
        """Redraw these rows, one region per run of neighbours; all columns, or ``width`` columns from ``x``."""
        if width is None:
            width = self.size.width - x
        regions = [Region(x, first, width, last - first + 1) for first, last in runs(rows, self.size.height)]
        if regions:
            self.refresh(*regions)


def runs(rows: Iterable[int], height: int) -> list[tuple[int, int]]:
    """Rows within ``height`` as (first, last) of runs of neighbours, ascending."""
    out: list[tuple[int, int]] = []
    for row in sorted({row for row in rows if 0 <= row < height}):
        if out and row == out[-1][1] + 1:
            out[-1] = (out[-1][0], row)
        else:
            out.append((row, row))
    return out


@dataclass
class WidgetMessage(Message):
    """A message of a line widget; ``control`` makes ``@on(..., "#id")`` work."""

    widget: LineWidget
    newest_wins: ClassVar[bool] = False
    """True: of several in a row only the last one is delivered."""

    @property
    def control(self) -> LineWidget:
        """The widget that sent it."""
        return self.widget

    def can_replace(self, message: Message) -> bool:
        """Whether this one makes an earlier one of the same widget superfluous."""
        return self.newest_wins and type(message) is type(self) and message.control is self.widget
