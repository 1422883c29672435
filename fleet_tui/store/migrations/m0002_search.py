"""Version 2: the search index and the spans of instants, made from the log that is there."""

from __future__ import annotations

import sqlite3

from fleet_tui.store import indexes

_SEARCH = (
    "CREATE VIRTUAL TABLE search USING fts5("
    "words, content='', columnsize=0, detail=none, tokenize='ascii', prefix='1 2 3 4 5 6 7 8 9')"
)
_SPANS = "CREATE TABLE event_span (block INTEGER PRIMARY KEY, min_at_ns INTEGER NOT NULL, max_at_ns INTEGER NOT NULL)"


def up(connection: sqlite3.Connection) -> None:
    connection.execute(_SEARCH)
    connection.execute(_SPANS)
    indexes.refill(connection)
