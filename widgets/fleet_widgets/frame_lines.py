"""One-line widgets for the frame of a screen."""

from __future__ import annotations

from textual.strip import Strip

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import BLANK, Line, to_strip
from fleet_widgets.palette import GREY, Palette


class FrameLine(LineWidget):
    """A line of height 1. Repaints only when the line differs."""

    DEFAULT_CSS = """
    FrameLine { height: 1; }
    """

    def __init__(
        self,
        line: Line = BLANK,
        *,
        palette: Palette = GREY,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(palette=palette, name=name, id=id, classes=classes)
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
