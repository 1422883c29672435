"""Pages of the log by filter.

What a page costs must depend on the page, not on the log: one kind, subject or actor is read backwards from its index,
several conditions together from the search index, and instants are first turned into a range of sequence numbers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator

from fleet_tui.domain.events import Event
from fleet_tui.store import events, search, spans
from fleet_tui.store.filters import EventFilter

Candidates = Callable[[int, int, int], list[int]]
"""At most so many sequence numbers between two others, exclusive, from the end that is asked for."""
_CHUNK = 200


def page(
    connection: sqlite3.Connection, wanted: EventFilter, before: int | None, after: int | None, limit: int
) -> list[Event]:
    """At most ``limit`` events, ascending: the first ones after ``after`` when that is given, else the newest."""
    ascending = after is not None
    low, high = spans.bounds(connection, wanted.since_ns, wanted.until_ns)
    low = low if after is None else max(low, after)
    high = high if before is None else min(high, before)
    found: list[Event] = []
    for event in _matching(connection, wanted, low, high, max(_CHUNK, min(limit, 5 * _CHUNK)), ascending):
        if len(found) >= limit:
            break
        found.append(event)
    return found if ascending else found[::-1]


def _matching(
    connection: sqlite3.Connection, wanted: EventFilter, low: int, high: int, chunk: int, ascending: bool
) -> Iterator[Event]:
    candidates = _candidates(connection, wanted, ascending)
    long_words = search.needs_comparison(wanted)
    while high - low > 1:
        numbers = candidates(low, high, chunk)
        for event in _load(connection, numbers, wanted, ascending):
            if all(any(word.startswith(long) for word in search.content(event)) for long in long_words):
                yield event
        if len(numbers) < chunk:
            return
        low, high = (numbers[-1], high) if ascending else (low, numbers[-1])


def _load(connection: sqlite3.Connection, numbers: list[int], wanted: EventFilter, ascending: bool) -> list[Event]:
    """The events of ``numbers`` within the filter's instants."""
    sql = (
        f"{events.SELECT} JOIN json_each(?) wanted ON wanted.value = e.seq "
        f"WHERE e.at_ns >= ? AND e.at_ns <= ? ORDER BY e.seq {_order(ascending)}"
    )
    since_ns = -(2**63) if wanted.since_ns is None else wanted.since_ns
    until_ns = 2**63 - 1 if wanted.until_ns is None else wanted.until_ns
    return events.events(connection.execute(sql, (json.dumps(numbers), since_ns, until_ns)).fetchall())


def _candidates(connection: sqlite3.Connection, wanted: EventFilter, ascending: bool) -> Candidates:
    question = search.question(wanted)
    if question is not None:
        return _searched(connection, question, ascending)
    for column, names in (("kind", wanted.kinds), ("subject", wanted.subjects), ("actor", wanted.actors)):
        if names:
            return _indexed(connection, column, names, ascending)
    return _all(connection, ascending)


def _searched(connection: sqlite3.Connection, question: str, ascending: bool) -> Candidates:
    sql = (
        "SELECT rowid FROM search WHERE search MATCH ? AND rowid > ? AND rowid < ? "  # noqa: S608 - a constant
        f"ORDER BY rowid {_order(ascending)} LIMIT ?"
    )
    return lambda low, high, count: _numbers(connection, sql, question, low, high, count)


def _indexed(connection: sqlite3.Connection, column: str, names: tuple[str, ...], ascending: bool) -> Candidates:
    """One walk over the index per name: ``IN`` with ``ORDER BY seq`` would sort everything that matches."""
    sql = (
        f"SELECT seq FROM event WHERE {column} = ? AND seq > ? AND seq < ? "  # noqa: S608 - a constant
        f"ORDER BY seq {_order(ascending)} LIMIT ?"
    )

    def between(low: int, high: int, count: int) -> list[int]:
        found = [number for name in set(names) for number in _numbers(connection, sql, name, low, high, count)]
        return sorted(found, reverse=not ascending)[:count]

    return between


def _all(connection: sqlite3.Connection, ascending: bool) -> Candidates:
    sql = f"SELECT seq FROM event WHERE seq > ? AND seq < ? ORDER BY seq {_order(ascending)} LIMIT ?"  # noqa: S608
    return lambda low, high, count: _numbers(connection, sql, low, high, count)


def _numbers(connection: sqlite3.Connection, sql: str, *arguments: str | int) -> list[int]:
    return [row[0] for row in connection.execute(sql, arguments).fetchall()]


def _order(ascending: bool) -> str:
    return "ASC" if ascending else "DESC"
