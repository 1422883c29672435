"""Compares the state tables with what the log says they should hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from fleet_tui.store.tables import ALL, Key, MemoryTables, Row, Table, load

LIMIT = 200
"""Differences listed per table."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of ``table`` that is ``missing``, ``extra``, or whose ``columns`` differ from the log."""

    table: str
    key: Key
    what: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        key = "/".join(map(str, self.key))
        return f"table {self.table}, row {key}: {self.what} {', '.join(self.columns)}".rstrip()


def differences(connection: sqlite3.Connection, expected: MemoryTables) -> list[Difference]:
    """How the tables of the database differ from ``expected``."""
    found = []
    for table in ALL:
        actual = {table.key_of(row): row for row in load(connection, table)}
        for number, difference in enumerate(_compare(table, actual, expected.content[table.name])):
            if number == LIMIT:
                break
            found.append(difference)
    return found


def _compare(table: Table, actual: dict[Key, Row], expected: dict[Key, Row]) -> Iterator[Difference]:
    for key, row in expected.items():
        if key not in actual:
            yield Difference(table.name, key, "missing")
            continue
        columns = tuple(column for column in table.columns if actual[key][column] != row[column])
        if columns:
            yield Difference(table.name, key, "differs from the log in", columns)
    for key in actual.keys() - expected.keys():
        yield Difference(table.name, key, "extra")
