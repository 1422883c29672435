"""Replays the log into empty tables: the tables are the log's shadow and can always be made again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.store import events, indexes
from fleet_tui.store.connection import exclusive
from fleet_tui.store.differences import Difference, differences
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.tables import ALL, MemoryTables, store


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """How many events were replayed, and in what the old tables differed from the log; none is the normal case."""

    events: int
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        found = "\n".join(map(str, self.differences)) or "the tables were what the log says"
        return f"{self.events} events replayed\n{found}"


def rebuild(database: Path) -> RebuildReport:
    """Replaces all state tables and indexes by what the log says, in one transaction.

    The caller must hold the watcher's lock.

    Raises:
        FleetError: the database cannot be written, or an event cannot be applied; then nothing has changed.
    """
    with exclusive(database) as connection:
        tables, count = fold(connection)
        found = tuple(differences(connection, tables))
        replace(connection, tables)
        indexes.refill(connection)
    return RebuildReport(count, found)


def fold(connection: sqlite3.Connection) -> tuple[MemoryTables, int]:
    """The tables that the log determines, and how many events it has."""
    tables, count = MemoryTables(), 0
    for event in events.stream(connection):
        apply(tables, event)
        count += 1
    return tables, count


def replace(connection: sqlite3.Connection, tables: MemoryTables) -> None:
    """Writes ``tables`` in place of the present ones, within the caller's transaction."""
    for table in ALL:
        connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - names of our models
        store(connection, table, tables.content[table.name].values())
