"""Version 18: until when the stop of a run that a person asked for can be taken back."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "run" ADD COLUMN "stop_until_ns" INTEGER""")
    connection.execute("""ALTER TABLE "run" ADD COLUMN "stop_again" INTEGER NOT NULL DEFAULT 0""")
