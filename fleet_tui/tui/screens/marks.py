"""Marks on a screen of many things, and acts on all that are marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from fleet_tui.tui.bulk import Bulk, Result
from fleet_tui.tui.outcome import OutcomePane
from fleet_tui.tui.present import bulk as present
from fleet_tui.tui.screens.base import RoomScreen

_SHARE = 0.6
"""Of the screen that the outcome may take."""


class Markable(Protocol):
    """A widget whose entries can be marked, by their keys."""

    @property
    def marked(self) -> frozenset[str]: ...

    def mark(self, keys: Iterable[str]) -> None:
        """Replace the marks."""

    def toggle_mark(self) -> None:
        """That of the entry under the cursor."""

    def mark_all(self) -> None:
        """Of all that is shown; again: none of it."""


class Marks(RoomScreen):
    """Marks belong to the things themselves: they survive what is shown and in which order."""

    def markable(self) -> Markable:
        raise NotImplementedError

    def do_mark_toggle(self) -> None:
        self.markable().toggle_mark()

    def do_mark_all(self) -> None:
        self.markable().mark_all()

    def marks_changed(self) -> None:
        """To be called when the widget says so."""
        self.show_message()
        self.show_hints()

    def marks_in_words(self) -> str:
        if not self.stands:
            return ""
        marked = self.markable().marked
        hidden = self.hidden_marks()
        return f"{len(marked)} marked{f' ({hidden} not shown)' if hidden else ''}" if marked else ""

    def hidden_marks(self) -> int:
        """How many of the marked are not among what is shown."""
        return 0

    def each_done(self, bulk: Bulk, results: Sequence[Result]) -> None:
        """Who failed stays marked; who was left out was told before."""
        if not self.stands:
            return
        failed = {result.key for result in results if not result.ok}
        self.markable().mark(self.markable().marked - bulk.keys | failed)
        most = max(4, int(self.size.height * _SHARE))
        self.query_one(OutcomePane).tell(present.outcome(bulk, results), self.size.width, most)

    def end_marks(self) -> bool:
        """First an act that is under way, then what came of the last one, then the marks; whether there was any."""
        outcome, running, marks = self.query_one(OutcomePane), self.room.bulk, self.markable()
        if running is not None:
            running.cancel()
        elif outcome.display:
            outcome.display = False
        elif marks.marked:
            marks.mark(())
        else:
            return False
        return True
