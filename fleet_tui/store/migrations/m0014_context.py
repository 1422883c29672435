"""Version 14: how full the context of a run's session is."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "run" ADD COLUMN "context_used" INTEGER""")
    connection.execute("""ALTER TABLE "run" ADD COLUMN "context_window" INTEGER""")
    connection.execute("""ALTER TABLE "run" ADD COLUMN "context_source" TEXT NOT NULL DEFAULT '' """)
