"""What is checked whenever the log is opened: bounded, so that a million events open as fast as none."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fleet_tui.store import chain
from fleet_tui.store.errors import Corrupt

QUICK_CHECK_BYTES = 2 * 1024 * 1024
"""SQLite's own check reads the whole file, so larger files get it only from ``fleet audit verify``."""
TAIL_EVENTS = 32
"""This many of the newest events are recomputed: a torn or edited tail is what a crash or a careless hand leaves."""

_HINT = "run: fleet audit verify; then restore the newest backup"


def check_on_open(connection: sqlite3.Connection, database: Path) -> None:
    """Raises :class:`Corrupt` when the database cannot be trusted."""
    if database.stat().st_size <= QUICK_CHECK_BYTES:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise Corrupt("the event log is damaged", f"{database}: {verdict}", _HINT)
    head = connection.execute("SELECT seq, hash FROM head WHERE id = 1").fetchone()
    rows = connection.execute(
        f"SELECT {chain.COLUMNS} FROM event ORDER BY seq DESC LIMIT {TAIL_EVENTS}"  # noqa: S608 - constants
    ).fetchall()
    newest = (rows[0][0], rows[0][-1]) if rows else (0, chain.GENESIS)
    if newest != (head or (0, chain.GENESIS)):
        raise Corrupt("the event log is damaged", f"{database}: its last event is not the recorded head", _HINT)
    for row in rows:
        if chain.event_hash(row) != row[-1]:
            raise Corrupt("the event log is damaged", f"{database}: event {row[0]} was altered", _HINT)
