"""What all line widgets share: strips without CSS boxes, a palette, dimming, and refresh of the lines that changed."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from fleet_widgets.palette import Palette


class LineWidget(Widget):
    """A widget that draws itself line by line. No CSS borders or padding, no children, no timers.

    Every widget of this package takes ``palette=`` and has the two attributes below; setting them redraws.
    """

    palette: Palette
    dimmed: bool
    """Old data: everything is drawn in the ``stale`` style, colours off."""

    def strip(self, y: int) -> Strip:
        """Line ``y`` of the widget, exactly ``size.width`` cells."""
        raise NotImplementedError
