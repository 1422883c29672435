"""Version 11: how many persons must approve, who has, and up to which risk."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    for column in (
        """"risk_band" TEXT NOT NULL DEFAULT 'low'""",
        '"quorum" INTEGER NOT NULL DEFAULT 1',
        """"votes" TEXT NOT NULL DEFAULT '[]'""",
    ):
        connection.execute(f'ALTER TABLE "approval" ADD COLUMN {column}')
    # Who had approved by then: a log is replayed to the same.
    connection.execute("""UPDATE "approval" SET "votes" = json_array("decided_by")
        WHERE "decided_by" IS NOT NULL AND "state" IN ('held', 'used') """)
