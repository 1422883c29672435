"""Searching what a screen shows: `/`, then `n` and `N` through the matches."""

from __future__ import annotations

from typing import Protocol

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from fleet_tui.tui.screens.base import RoomScreen


class Findable(Protocol):
    """A widget whose text can be searched."""

    def find(self, words: str, step: int = 1) -> bool:
        """Go to the next match (``step`` -1: the one before); False when there is none."""


def search_field() -> Widget:
    """The field of a screen that `Searches`."""
    field = Input(id="search", placeholder="search what is shown", compact=True)
    field.display = False
    return field


class Searches(RoomScreen):
    """For a screen with the field of `search_field`."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""

    def searched(self) -> Findable:
        """The part that has the keys."""
        raise NotImplementedError

    def do_search_edit(self) -> None:
        field = self.query_one("#search", Input)
        field.value = ""
        field.display = True
        field.focus()

    @on(Input.Submitted, "#search")
    def _search(self, message: Input.Submitted) -> None:
        message.stop()
        self._words = message.value.strip()
        self._close_search()
        if self._words:
            self._find(1)

    def end_search(self) -> bool:
        """Close the field; whether it was open."""
        is_open = self.query_one("#search").display
        if is_open:
            self._close_search()
        return bool(is_open)

    def _close_search(self) -> None:
        self.query_one("#search").display = False
        self._focus_main()

    def do_search_next(self) -> None:
        self._find(1)

    def do_search_previous(self) -> None:
        self._find(-1)

    def _find(self, step: int) -> None:
        if not self._words:
            self.room.say("n: nothing was searched for; / does", "quiet")
        elif self.searched().find(self._words, step):
            self.room.say(f"/{self._words}   n next, N previous", "quiet")
        else:
            self.room.say(f"{self._words} is not in what is shown here", "quiet")
