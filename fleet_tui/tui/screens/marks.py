"""Marks on a screen of many things, and acts on all that are marked."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from fleet_tui.tui.bulk import Bulk, Result
from fleet_tui.tui.outcome import OutcomePane
from fleet_tui.tui.present import bulk as present
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.marking import Marking

_SHARE = 0.6
"""Of the screen that the outcome may take."""


class Marks(RoomScreen):
    """Marks belong to the things themselves: they survive what is shown and in which order."""

    def marking(self) -> Marking:
        """The widget that has the marks."""
        raise NotImplementedError

    def under_cursor(self) -> str | None:
        """The key of what would be marked."""
        raise NotImplementedError

    def on_screen_suspend(self) -> None:
        super().on_screen_suspend()
        self.marking().end_range(keep=True)  # what leads the cursor from elsewhere is no hand that marks

    def do_mark_toggle(self) -> None:
        self.marking().toggle_mark(self.under_cursor())

    def do_mark_range(self) -> None:
        """Marks follow the cursor from here on; the second time they stay, and it goes its own way again."""
        marks = self.marking()
        if marks.draws_range:
            marks.end_range(keep=True)
        else:
            marks.begin_range(self.under_cursor())

    def do_mark_all(self) -> None:
        self.marking().mark_all()

    @on(Marking.MarksChanged)
    def _marks_changed(self) -> None:
        if self.stands:
            self.show_message()
            self.show_hints()

    def marks_in_words(self) -> str:
        if not self.stands or not self.marking().marked:
            return ""
        hidden = self.marking().hidden_marks
        return f"{len(self.marking().marked)} marked{f' ({hidden} not shown)' if hidden else ''}"

    def range_in_words(self) -> str:
        """What to do with a range that is being drawn; empty while none is."""
        if not self.stands or not self.marking().draws_range:
            return ""
        return "marks follow the cursor; v ends the range, Esc takes it back"

    def each_done(self, bulk: Bulk, results: Sequence[Result]) -> None:
        """Who failed stays marked; who was left out was told before."""
        if not self.stands:
            return
        failed = {result.key for result in results if not result.ok}
        self.marking().mark(self.marking().marked - bulk.keys | failed)
        most = max(4, int(self.size.height * _SHARE))
        self.query_one(OutcomePane).tell(present.outcome(bulk, results), self.size.width, most)

    def end_marks(self) -> bool:
        """First an act that is under way, then what came of the last one, then a range that is being drawn, then the
        marks; whether there was any."""
        outcome, running, marks = self.query_one(OutcomePane), self.room.bulk, self.marking()
        if running is not None:
            running.cancel()
        elif outcome.display:
            outcome.display = False
        elif marks.draws_range:
            marks.end_range(keep=False)
        elif marks.marked:
            marks.mark(())
        else:
            return False
        return True
