"""One-line widgets for the frame of a screen."""

from __future__ import annotations

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line


class FrameLine(LineWidget):
    """A line of height 1. Repaints only when the line differs."""

    line: Line

    def set_line(self, line: Line) -> None: ...
