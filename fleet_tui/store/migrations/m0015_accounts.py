"""Version 15: accounts at vendors whose usage limit was met."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute(
        'CREATE TABLE "account" ("id" TEXT NOT NULL PRIMARY KEY, "vendor" TEXT NOT NULL, "agent" TEXT NOT NULL, '
        '"reason" TEXT NOT NULL, "limited" INTEGER NOT NULL, "limited_ns" INTEGER NOT NULL, "reset_ns" INTEGER, '
        '"opened_ns" INTEGER, "released_ns" INTEGER, "released" INTEGER NOT NULL, "limits" INTEGER NOT NULL)'
    )
