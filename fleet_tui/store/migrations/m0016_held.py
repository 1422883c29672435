"""Version 16: whether a queued run waits for a person who restores what was lost."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "run" ADD COLUMN "held" INTEGER NOT NULL DEFAULT 0""")
