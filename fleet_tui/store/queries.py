"""Queries over the log by filter. Newest pages come from an index; see benchmarks/store.py for what they cost."""

from __future__ import annotations

import sqlite3
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.store import events
from fleet_tui.store.filters import EventFilter

Clause = tuple[str, list[Any]]


def page(
    connection: sqlite3.Connection, wanted: EventFilter, before: int | None, after: int | None, limit: int
) -> list[Event]:
    """At most ``limit`` events, ascending: the first ones after ``after`` when that is given, else the newest."""
    ascending = after is not None
    where, arguments = _where(wanted, before, after)
    order = "ASC" if ascending else "DESC"
    sql = f"{events.SELECT} WHERE {where} ORDER BY e.seq {order} LIMIT ?"
    found = connection.execute(sql, [*arguments, limit]).fetchall()
    return events.events(found if ascending else reversed(found))


def _where(wanted: EventFilter, before: int | None, after: int | None) -> Clause:
    conditions = ["1"]
    arguments: list[Any] = []
    for column, names in (("kind", wanted.kinds), ("subject", wanted.subjects), ("actor", wanted.actors)):
        if names:
            conditions.append(f"e.{column} IN ({', '.join('?' * len(names))})")
            arguments += names
    for condition, value in (
        ("e.seq < ?", before),
        ("e.seq > ?", after),
        ("e.at_ns >= ?", wanted.since_ns),
        ("e.at_ns <= ?", wanted.until_ns),
    ):
        if value is not None:
            conditions.append(condition)
            arguments.append(value)
    for word in (wanted.text or "").split():
        conditions.append("instr(lower(e.kind || ' ' || e.subject || ' ' || CAST(b.bytes AS TEXT)), lower(?))")
        arguments.append(word)
    return " AND ".join(conditions), arguments
