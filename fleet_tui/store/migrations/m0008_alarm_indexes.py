"""Version 8: alarms are found by what they are about, and the latest ones without reading the others."""

from __future__ import annotations

import sqlite3


def up(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE INDEX alarm_about ON alarm (rule, about)")
    connection.execute("CREATE INDEX alarm_raised ON alarm (raised_ns)")
    connection.execute("CREATE INDEX alarm_cleared ON alarm (cleared_ns)")
