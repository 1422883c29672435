"""Screen 8: errors of the configuration with their place, and the parts that the fleet stands on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from fleet_tui.readmodel.system import Fault, SystemReport
from fleet_tui.tui import editor
from fleet_tui.tui.keys.key import SYSTEM, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.lending import lend
from fleet_tui.tui.present import system as present
from fleet_tui.tui.present.copying import Offer, diagnosis, lines_text, offer
from fleet_tui.tui.present.text import clock, rule
from fleet_tui.tui.saving import home_short
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.list_view import LineList
from fleet_widgets.text_pane import TextPane


class SystemScreen(RoomScreen):
    """The watcher is asked when it is shown, when the configuration changed, and on `r`; the last answer stays."""

    scope = SYSTEM
    heading = "8 SYSTEM"
    CSS_PATH = "system.tcss"
    BINDINGS = textual_bindings(SYSTEM)

    def __init__(self) -> None:
        super().__init__()
        self._had_faults = False

    @property
    def _report(self) -> SystemReport | None:
        return self.room.parts.report

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="list-rule"),
            LineList(palette=palette, id="faults"),
            TextPane(palette=palette, id="detail", wrap=True),
        )

    def main_widget(self) -> Widget:
        return self.query_one("#faults" if self._report is not None and self._report.faults else "#detail")

    # -- showing -----------------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self.room.parts.again()
        self.room.copier.look()
        super().on_screen_resume()

    def update_body(self) -> None:
        self.room.parts.want()
        found, faults = self._report, self._report.faults if self._report else ()
        rows = self.query_one(LineList)
        rows.set_items([present.fault_item(fault) for fault in faults])
        if rows.selected is None and faults:
            rows.select(faults[0].key)
        rows.styles.height = min(sum(len(item.lines) for item in rows.items), max(2, self.size.height // 3))
        rows.display = bool(faults)
        detail, stale = self.query_one("#detail", TextPane), bool(self.room.why_frozen)
        rows.dimmed = detail.dimmed = stale
        status = dict(self.room.picture.health.status)
        recorded = self.room.context.replay is not None
        told = present.sections(found, self.fault(), status, self._terminal(), self.room.now_ns, recorded=recorded)
        detail.set_sections(told)
        if self._had_faults is not bool(faults):
            self._had_faults = bool(faults)
            self.main_widget().focus()
        self.show_focus()

    def show_focus(self) -> None:
        title = present.list_title(self._report, recorded=self.room.context.replay is not None)
        self.set_line("list-rule", rule(title, has_focus=self.query_one(LineList).has_focus))

    def _terminal(self) -> tuple[tuple[str, str], ...]:
        room = self.room
        colours = f"colours {room.console.color_system or 'none'}, theme {room.theme}"
        size = (self.size.width, self.size.height)
        live, copier = room.live, room.copier
        facts = present.terminal_facts(
            size, colours, live.in_force, live.governor.in_words, room.context.keymap, os.environ
        )
        file = home_short(copier.file) if copier.file is not None else ""
        return (*facts, *(("copy", line) for line in diagnosis(room.context.copy_to, copier.ground, file)))

    def fault(self) -> Fault | None:
        key = self.query_one(LineList).selected
        return next((fault for fault in self._report.faults if fault.key == key), None) if self._report else None

    @on(LineList.Selected)
    def _selected(self) -> None:
        self.tick()

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        return replace(super().here(), fault=self.fault() if self.stands else None)

    def copies(self) -> Iterator[Offer]:
        """All that this screen says, for somebody who is to help."""
        items = [line for item in self.query_one(LineList).items for line in item.lines]
        title = present.list_title(self._report)
        told = lines_text([*items, *self.query_one("#detail", TextPane).lines()])
        yield offer("d", "diagnosis", f"fleet, {clock(self.room.now_ns)} UTC\n{title}\n{told}")

    @on(LineList.Opened)
    def _opened(self) -> None:
        """Enter shows the place."""
        fault, detail = self.fault(), self.query_one("#detail", TextPane)
        if fault is not None:
            detail.show(f"file {fault.file}")
            detail.focus()

    def do_pane_next(self) -> None:
        rows, detail = self.query_one(LineList), self.query_one("#detail", TextPane)
        (rows if detail.has_focus and rows.display else detail).focus()

    def do_room_refresh(self) -> None:
        self.room.parts.again()
        self.room.copier.look()
        super().do_room_refresh()
        self.tick()

    async def do_config_edit(self) -> None:
        """The file of the selected problem, else the project's."""
        room, fault = self.room, self.fault()
        if room.readonly:
            room.say(f"e: {room.why_off}", "quiet")
            return
        files = room.context.config_files()
        path = files.get(fault.file) if fault is not None else next(iter(files.values()), None)
        if path is None:
            room.say(f"e: {fault.file if fault else 'nothing'} is no configuration file of this fleet", "warn")
            return
        await lend(room, editor.edit(room, path, fault.line if fault else 0))
