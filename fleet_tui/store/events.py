"""Rows of the log as events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.store import canonical
from fleet_tui.store.chain import EventRow
from fleet_tui.store.errors import Corrupt

SELECT = (
    "SELECT e.seq, e.eid, e.at_ns, e.stream, e.kind, e.actor, e.subject, e.cause, e.key, e.epoch, "
    "b.bytes, e.prev, e.hash "
    "FROM event e LEFT JOIN event_body b ON b.seq = e.seq"
)


def of_row(row: EventRow, body: bytes | None) -> Event:
    """The event of a just written row."""
    names = (row.seq, row.eid, row.at_ns, row.stream, row.kind, row.actor, row.subject, row.cause, row.key)
    return event((*names, row.epoch, body, row.prev, row.hash))


def event(row: tuple[Any, ...]) -> Event:
    """The event of a row of :data:`SELECT`; without a body its payload is empty.

    Raises:
        Corrupt: the row holds what no writer wrote.
    """
    seq, event_id, at_ns, host, kind, actor, subject, cause, key, epoch, body, previous, hash_ = row
    known = (seq, event_id, at_ns, host, kind, actor, subject, cause, key, epoch)
    try:
        payload = {} if body is None else canonical.decode(body)
        return Event(*known, payload, previous.hex(), hash_.hex())
    except (ValueError, AttributeError, TypeError) as error:
        raise Corrupt("the event log is damaged", f"event {seq}: {error}", "run: fleet audit verify") from error


def events(rows: Iterable[tuple[Any, ...]]) -> list[Event]:
    return [event(row) for row in rows]


def by_key(connection: sqlite3.Connection, key: str) -> Event | None:
    """The event that has the idempotency key, if any."""
    row = connection.execute(f"{SELECT} WHERE e.key = ?", (key,)).fetchone()
    return None if row is None else event(row)


def portion(connection: sqlite3.Connection, after: int, count: int = 2000) -> list[Event]:
    """The first ``count`` events after ``after``."""
    return events(connection.execute(f"{SELECT} WHERE e.seq > ? ORDER BY e.seq LIMIT ?", (after, count)).fetchall())


def stream(connection: sqlite3.Connection) -> Iterator[Event]:
    """Every event in order, read in portions so that no cursor stays open."""
    after = 0
    while found := portion(connection, after):
        yield from found
        after = found[-1].seq
