"""One live pane, large: a picture of a terminal with its real size and the part that is visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.message import Message

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line
from fleet_widgets.pane_wall import LiveView


class PaneView(LineWidget, can_focus=True):
    """First line is the label, the pane follows. Bindings (ids ``pane.*``): h l pan, j k scroll, g G, f follow."""

    follow: bool
    """True: the bottom of the pane is shown and stays shown."""
    frozen: bool
    """True: the picture no longer changes (labelled FROZEN and dimmed)."""

    @dataclass
    class ViewChanged(Message):
        """`visible()`, `follow` or the pan changed. Newest wins."""

        view: PaneView

    def set_title(self, title: str) -> None:
        """First word of the label (`PANE live`)."""

    def set_rows(
        self,
        rows: Sequence[Line],
        changed: Iterable[int] | None = None,
        *,
        first: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Pane rows ``first``...; ``changed`` are indexes into ``rows``; ``size`` is the pane's (columns, rows)."""

    def clear(self, reason: Line = ()) -> None:
        """Forget the pane and show ``reason`` instead."""

    def visible(self) -> LiveView:
        raise NotImplementedError
