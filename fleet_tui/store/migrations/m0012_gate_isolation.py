"""Version 12: the isolation level that a gate ran at."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "gate" ADD COLUMN "isolation" TEXT NOT NULL DEFAULT '' """)
