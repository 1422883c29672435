"""Version 9: the conditions on which agents were released from quarantine."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("""ALTER TABLE "agent" ADD COLUMN "run_budgets" TEXT NOT NULL DEFAULT '[]'""")
    connection.execute("""ALTER TABLE "agent" ADD COLUMN "risk_floor" INTEGER NOT NULL DEFAULT 0""")
