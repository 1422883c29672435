"""Version 3: the fleet's row says whether everything is stopped."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE fleet ADD COLUMN halted TEXT NOT NULL DEFAULT ''")
