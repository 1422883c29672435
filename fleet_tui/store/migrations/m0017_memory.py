"""Version 17: what a run may take of memory, and who holds it there."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "run" ADD COLUMN "memory_mb" INTEGER""")
    connection.execute("""ALTER TABLE "run" ADD COLUMN "memory_by" TEXT NOT NULL DEFAULT '' """)
