"""Acts on all alarms that are marked: one's own books, and still each of them is named first."""

from __future__ import annotations

from fleet_tui.readmodel.alarms import AlarmRow
from fleet_tui.tui.bulk import sort_out
from fleet_tui.tui.commands import Act
from fleet_tui.tui.keys.reasons import may_not_acknowledge, may_not_shelve
from fleet_tui.tui.present import bulk as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.screens.marks import Marks


class MarkedAlarms(Marks):
    """For the screen of the alarms."""

    def marked_rows(self) -> tuple[AlarmRow, ...]:
        """In the order of the list."""
        raise NotImplementedError

    def acknowledge_marked(self) -> None:
        bulk = sort_out(
            "acknowledge",
            ((row.alarm.id, strips.alarm(row), row) for row in self.marked_rows()),
            lambda row: Act("acknowledge", {"alarm": row.alarm.id}, "acknowledge", strips.alarm(row)),
            lambda row: may_not_acknowledge(row.alarm),
            "alarm",
        )
        about = ("Seen, not solved; nothing is sent to agents.",)
        lines = [strips.alarm(row) for row in self.marked_rows() if row.alarm.id in bulk.acts]
        self.ask(present.strip(bulk, f"ACKNOWLEDGE {bulk.target.upper()}", about, lines, "a"), bulk)

    def shelve_marked(self) -> None:
        rows = self.marked_rows()
        bulk = sort_out(
            "shelve",
            ((row.alarm.id, strips.alarm(row), row) for row in rows),
            lambda row: Act("shelve", {"alarm": row.alarm.id}, "shelve", strips.alarm(row)),
            lambda row: may_not_shelve(row.alarm),
            "alarm",
        )
        self.ask(present.shelve(bulk, [row for row in rows if row.alarm.id in bulk.acts]), bulk)
