"""Version 21: further repositories: which one a ticket is of, and where their target branches stand."""

from __future__ import annotations

import sqlite3

_TABLE = """
CREATE TABLE "repository" (
    "name" TEXT NOT NULL PRIMARY KEY, "target" TEXT NOT NULL, "target_sha" TEXT NOT NULL, "published_sha" TEXT NOT NULL)
"""


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "ticket" ADD COLUMN "repo" TEXT NOT NULL DEFAULT ''""")
    connection.execute(_TABLE)
