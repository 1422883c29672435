"""Version 4: the risk of runs and pull requests."""

from __future__ import annotations

import sqlite3

_COLUMNS = (
    ("risk", "INTEGER NOT NULL DEFAULT 0"),
    ("risk_band", "TEXT NOT NULL DEFAULT 'low'"),
    ("risk_reasons", "TEXT NOT NULL DEFAULT '[]'"),
)


def up(connection: sqlite3.Connection) -> None:
    for table in ("run", "pull_request"):
        for name, kind in _COLUMNS:
            connection.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}" {kind}')
    connection.execute('ALTER TABLE "pull_request" ADD COLUMN "risk_head" TEXT NOT NULL DEFAULT \'\'')
