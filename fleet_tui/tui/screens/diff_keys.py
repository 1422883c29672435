"""The keys that move in a diff, on a screen that shows one beside other things: they work wherever the focus is."""

from __future__ import annotations

from fleet_tui.tui.diff_side import DiffSide
from fleet_tui.tui.screens.acts import AgentActs
from fleet_widgets.diff_view import DiffView


class DiffKeys(AgentActs):
    """For a screen with one ``DiffSide``."""

    @property
    def diff(self) -> DiffSide:
        return self.query_one(DiffSide)

    def _diff(self) -> DiffView:
        """The diff, in sight: at small size the evidence may cover it."""
        if not self.diff.size.width:
            self.remove_class("-evidence")
            self.diff.view.focus()
        return self.diff.view

    def do_approval_unseen(self) -> None:
        if self._diff().next_unseen() is None:
            self.room.say("every file was on screen", "quiet")

    def do_approval_next_file(self) -> None:
        self._diff().action_file(1)

    def do_approval_previous_file(self) -> None:
        self._diff().action_file(-1)

    def do_approval_next_hunk(self) -> None:
        self._diff().action_hunk(1)

    def do_approval_previous_hunk(self) -> None:
        self._diff().action_hunk(-1)

    def do_approval_seen(self) -> None:
        self._diff().action_mark_seen()
