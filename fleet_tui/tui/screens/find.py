"""The one-line field of `/` on a screen of many things: to find one of them, or to show only some."""

from __future__ import annotations

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.tui.screens.base import RoomScreen


def find_field(placeholder: str) -> Widget:
    """The field of a screen that `Finds`."""
    field = Input(id="find", placeholder=placeholder, compact=True)
    field.display = False
    return field


class Finds(RoomScreen):
    """For a screen with the field of `find_field`. Enter takes what is typed, Escape leaves it."""

    def find_typed(self, text: str) -> None:
        """Each time the text differs."""

    def find_entered(self, text: str) -> bool:  # noqa: ARG002
        """Enter; whether the field may close."""
        return True

    def open_find(self, text: str = "") -> None:
        field = self.query_one("#find", Input)
        field.value = text
        field.cursor_position = len(text)
        field.display = True
        field.focus()

    def end_find(self) -> bool:
        """Close the field; whether it was open."""
        field = self.query_one("#find")
        is_open = bool(field.display)
        field.display = False
        if is_open:
            self._focus_main()
            self.show_message()
        return is_open

    def tell_typed(self, text: str, told: str, style: str = "quiet") -> None:
        """Say ``told`` for as long as the field holds ``text``."""
        field = self.query_one("#find", Input)
        self.room.say(lambda: told if field.display and field.value == text else "", style)

    @on(Input.Changed, "#find")
    def _find_changed(self, message: Input.Changed) -> None:
        if self.query_one("#find").display:
            self.find_typed(message.value)

    @on(Input.Submitted, "#find")
    def _find_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if self.find_entered(message.value):
            self.end_find()

    async def do_room_back(self) -> None:
        if not self.end_find():
            await super().do_room_back()
