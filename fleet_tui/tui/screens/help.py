"""The keys of the screen below."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from fleet_tui.tui.keys.key import EVERYWHERE, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present.help import help_sections
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.text_pane import TextPane


class HelpScreen(RoomScreen):
    """Made for what keys would act on at the moment it was asked for."""

    scope = EVERYWHERE
    heading = "? HELP"
    passing = True
    CSS_PATH = "help.tcss"
    BINDINGS = textual_bindings(EVERYWHERE)

    def __init__(self, asked: Here) -> None:
        super().__init__()
        self._about = asked

    def body(self) -> Iterator[Widget]:
        yield TextPane(palette=self.room.context.look.palette, id="help")

    def main_widget(self) -> Widget:
        return self.query_one("#help")

    def on_mount(self) -> None:
        super().on_mount()
        context = self.room.context
        self.query_one("#help", TextPane).set_sections(help_sections(self._about, context.keymap, context.program))

    async def do_room_back(self) -> None:
        await self.dismiss()

    async def do_room_help(self) -> None:
        await self.dismiss()
