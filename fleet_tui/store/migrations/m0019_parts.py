"""Version 19: the tickets that a ticket was divided into."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "ticket" ADD COLUMN "parts" TEXT NOT NULL DEFAULT '[]'""")
