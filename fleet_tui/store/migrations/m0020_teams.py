"""Version 20: the teams that an agent is in."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "agent" ADD COLUMN "teams" TEXT NOT NULL DEFAULT '[]'""")
