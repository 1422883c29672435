"""One-line widgets for the frame of a screen."""

from __future__ import annotations

from typing import Unpack

from textual.strip import Strip

from fleet_widgets.base import LineWidget, WidgetOptions
from fleet_widgets.lines import BLANK, Line, to_strip


class FrameLine(LineWidget):
    """A line of height 1. Repaints only when the line differs."""

    DEFAULT_CSS = """
    FrameLine { height: 1; }
    """

    def __init__(
        self,
        line: Line = BLANK,
        **options: Unpack[WidgetOptions],
    ) -> None:
        super().__init__(**options)
        self._line = line

    @property
    def line(self) -> Line:
        """What it shows."""
        return self._line

    def set_line(self, line: Line) -> None:
        """Show another line; the same line costs nothing."""
        if line != self._line:
            self._line = line
            self.refresh_rows([0])

    def strip(self, y: int) -> Strip:
        """The line, and ground below it."""
        return to_strip(self._line if y == 0 else BLANK, self.size.width, self.palette, dim=self.dimmed)
