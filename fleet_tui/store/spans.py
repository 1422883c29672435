"""From instants to sequence numbers: for every block of 1024 events the earliest and the latest clock reading.

Clocks may jump, so the order of events is not that of their instants, and an index by instant could not be combined
with the others. A million events have a thousand blocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from fleet_tui.domain.events import Event

BLOCK_BITS = 10
Spans = dict[int, tuple[int, int]]
_UPSERT = (
    "INSERT INTO event_span VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE SET "
    "min_at_ns = min(min_at_ns, excluded.min_at_ns), max_at_ns = max(max_at_ns, excluded.max_at_ns)"
)


def widen(spans: Spans, event: Event) -> None:
    """Notes ``event`` in ``spans``."""
    block = event.seq >> BLOCK_BITS
    low, high = spans.get(block, (event.at_ns, event.at_ns))
    spans[block] = (min(low, event.at_ns), max(high, event.at_ns))


def add(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Notes ``events``, within the caller's transaction."""
    spans: Spans = {}
    for event in events:
        widen(spans, event)
    connection.executemany(_UPSERT, [(block, low, high) for block, (low, high) in spans.items()])


def load(connection: sqlite3.Connection) -> Spans:
    """The recorded spans."""
    rows = connection.execute("SELECT block, min_at_ns, max_at_ns FROM event_span").fetchall()
    return {block: (low, high) for block, low, high in rows}


def bounds(connection: sqlite3.Connection, since_ns: int | None, until_ns: int | None) -> tuple[int, int]:
    """Events between the instants have sequence numbers between these two, exclusive; ``(0, 0)``: there are none."""
    low, high = 0, 2**62
    if since_ns is not None:
        block = connection.execute("SELECT min(block) FROM event_span WHERE max_at_ns >= ?", (since_ns,)).fetchone()[0]
        if block is None:
            return 0, 0
        low = (block << BLOCK_BITS) - 1
    if until_ns is not None:
        block = connection.execute("SELECT max(block) FROM event_span WHERE min_at_ns <= ?", (until_ns,)).fetchone()[0]
        if block is None:
            return 0, 0
        high = (block + 1) << BLOCK_BITS
    return low, high
