"""The indexes that are kept beside the log: words and tags, and spans of instants."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from fleet_tui.domain.events import Event
from fleet_tui.store import events, search, spans


def add(connection: sqlite3.Connection, recorded: Sequence[Event]) -> None:
    """Indexes events, within the caller's transaction."""
    search.add(connection, recorded)
    spans.add(connection, recorded)


def refill(connection: sqlite3.Connection) -> None:
    """Makes the indexes again from the log, in portions, within the caller's transaction."""
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    connection.execute("DELETE FROM event_span")
    after = 0
    while portion := events.portion(connection, after):
        add(connection, portion)
        after = portion[-1].seq
