"""Version 10: what a reviewer was asked to look for, and which lens its verdict was given through."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    for table in ("run", "review"):
        connection.execute(f"""ALTER TABLE "{table}" ADD COLUMN "lens" TEXT NOT NULL DEFAULT ''""")
