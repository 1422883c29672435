"""Version 6: where the work on a ticket is expected to stay."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "ticket" ADD COLUMN "scope" TEXT NOT NULL DEFAULT '[]'""")
