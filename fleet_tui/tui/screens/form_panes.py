"""The panes of the screen with a form: list, detail, form, and what would come of it, also over the whole screen."""

from __future__ import annotations

from textual.widget import Widget

from fleet_tui.domain.text import one_line
from fleet_tui.tui.present.new_agent import BUTTONS
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.form import Form

_PANES = ("#templates", "#detail", "#form", "#preview")


class FormPanes(RoomScreen):
    """Which of them are shown, which has the keys, and what these do in the form."""

    def main_widget(self) -> Widget:
        return self.query_one("#form" if self.has_class("-form") else "#templates")

    @property
    def form(self) -> Form:
        return self.query_one("#form", Form)

    def _show_pane(self, pane: str, *, dry: bool = False) -> None:
        """Small screens show one at a time; the form and what would run belong together, but for a dry run."""
        self.set_class(dry, "-dry")
        self.set_class(pane == "#detail", "-detail")
        self.set_class(pane in ("#form", "#preview"), "-form")
        self.query_one(pane).focus()

    def do_pane_next(self) -> None:
        has_focus = [pane for pane in _PANES if self.query_one(pane).has_focus]
        at = _PANES.index(has_focus[0]) if has_focus else -1
        self._show_pane(_PANES[(at + 1) % len(_PANES)])

    def do_agent_dry_run(self) -> None:
        """What would be written and run, over the whole screen; again: back to the form."""
        self._show_pane("#form" if self.has_class("-dry") else "#preview", dry=not self.has_class("-dry"))
        self.tick()

    def idle_message(self) -> str:
        """In a field: all that its line has no room for."""
        field = next((one for one in self.form.fields if one.key == self.form.current), None)
        if field is None or not self.form.has_focus or not (field.hint or field.problem):
            return super().idle_message()
        return super().idle_message() or one_line(f"{field.label}: {field.problem or field.hint}", 400)

    def _keys_while_typing(self) -> list[tuple[str, str]]:
        if not self.form.has_focus or self.form.current in ("", *BUTTONS):
            return super()._keys_while_typing()
        return [
            ("Tab", "next"),
            ("Shift-Tab", "back"),
            ("PgDn", "to Create"),
            ("Del", "empties"),
            ("Esc", "leaves, kept"),
        ]
