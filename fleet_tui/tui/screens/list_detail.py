"""A list and, beside or behind it, the detail of the entry that is chosen: by its id, whatever moves in the list."""

from __future__ import annotations

from typing import ClassVar

from textual import on

from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.list_view import LineList


class ListAndDetail(RoomScreen):
    """For a screen with the list ``listed`` and a pane ``#detail``."""

    listed: ClassVar[str] = ""
    """Selector of the list."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None

    @on(LineList.Selected)
    def _selected(self) -> None:
        # The list also tells of a vanished key: what was chosen stays chosen, so that none slips under the hand.
        key = self.query_one(self.listed, LineList).selected
        if key is not None and key != self._chosen:
            self._chosen = key
            self.tick()

    def do_pane_next(self) -> None:
        """At small size one pane is shown at a time; the other sizes move the focus."""
        listed, detail = self.query_one(self.listed), self.query_one("#detail")
        to_detail = not detail.has_focus
        self.set_class(to_detail, "-detail")
        (detail if to_detail else listed).focus()

    async def do_room_back(self) -> None:
        """From the detail to the list, then up."""
        if self.query_one("#detail").has_focus:
            self.do_pane_next()
        else:
            await super().do_room_back()
