"""Version 7: the ledger of what was spent, made from the log that is there, and the budgets in force."""

from __future__ import annotations

import sqlite3

from fleet_tui.store import events
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.tables import SPENDING, MemoryTables, store

_AMOUNTS = (
    *("run_ms", "input_tokens", "output_tokens", "cache_read", "cache_write", "microusd", "turns"),
    *("estimated", "unpriced", "more_seconds", "more_tokens", "more_money", "more_turns"),
)
_TABLE = (
    'CREATE TABLE "spending" ("scope" TEXT NOT NULL, "name" TEXT NOT NULL, "window" TEXT NOT NULL, '
    '"start_ns" INTEGER NOT NULL, "first_ns" INTEGER NOT NULL, '
    + "".join(f'"{name}" INTEGER NOT NULL, ' for name in _AMOUNTS)
    + 'PRIMARY KEY ("scope", "name", "window", "start_ns"))'
)


def up(connection: sqlite3.Connection) -> None:
    connection.execute(_TABLE)
    connection.execute("""ALTER TABLE "fleet" ADD COLUMN "budgets" TEXT NOT NULL DEFAULT '[]'""")
    tables = MemoryTables()
    for event in events.stream(connection):
        apply(tables, event)
    store(connection, SPENDING, tables.content[SPENDING.name].values())
