"""Version 5: alarms know which came first, and until when they are shelved."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE alarm ADD COLUMN first TEXT")
    connection.execute("ALTER TABLE alarm ADD COLUMN shelved_until_ns INTEGER")
    connection.execute("ALTER TABLE alarm ADD COLUMN shelved_reason TEXT NOT NULL DEFAULT ''")
