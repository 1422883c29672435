"""Version 13: the ledger of costs, made from the log that is there."""

from __future__ import annotations

import sqlite3

from fleet_tui.store import events
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.tables import COST, MemoryTables, store

_COUNTS = ("requests", "input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning_tokens", "reasoned")
_TABLE = (
    'CREATE TABLE "cost" ("run" TEXT NOT NULL, "model" TEXT NOT NULL, "source" TEXT NOT NULL, '
    '"hour_ns" INTEGER NOT NULL, "agent" TEXT NOT NULL, "ticket" INTEGER, '
    + "".join(f'"{name}" INTEGER NOT NULL, ' for name in _COUNTS)
    + '"microusd" INTEGER NOT NULL, PRIMARY KEY ("run", "model", "source", "hour_ns"))'
)


def up(connection: sqlite3.Connection) -> None:
    connection.execute(_TABLE)
    connection.execute('CREATE INDEX "cost_hour_ns" ON "cost" ("hour_ns")')
    tables = MemoryTables()
    for event in events.stream(connection):
        apply(tables, event)
    store(connection, COST, tables.content[COST.name].values())
