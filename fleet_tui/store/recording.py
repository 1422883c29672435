"""A recorded log, and a database that holds as much of it as has been played: for looking back, never for going on."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fleet_tui.domain.errors import FleetError
from fleet_tui.store import canonical, chain, indexes
from fleet_tui.store.events import of_row
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.store import Store
from fleet_tui.store.tables import ALL, SqlTables

_SQLITE = b"SQLite format 3\0"


class Recorded(NamedTuple):
    """An event as it was written; without ``body`` its text was erased."""

    row: chain.EventRow
    salt: bytes | None
    body: bytes | None


def load(path: Path) -> list[Recorded]:
    """The events of a database, or of the JSON lines that ``fleet audit export`` writes, in order.

    Raises:
        FleetError: it is neither, it holds nothing, or an event is not what was recorded.
    """
    try:
        with path.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
        found = _of_database(path) if is_database else _of_lines(path.read_text(encoding="utf-8"))
    except (OSError, sqlite3.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FleetError("this is no recording", f"{path}: {error}", "fleet audit export > events.jsonl") from error
    return checked(found, str(path))


def checked(found: Sequence[Recorded], where: str) -> list[Recorded]:
    """The events in order.

    Raises:
        FleetError: there is none, or one differs from what was sealed.
    """
    if not found:
        raise FleetError("the recording is empty", where, "fleet audit export > events.jsonl")
    for one in found:
        body_is_right = one.body is None or (
            one.salt is not None and chain.body_hash(one.salt, one.body) == one.row.body_hash
        )
        if chain.event_hash(one.row) != one.row.hash or not body_is_right:
            raise FleetError("the recording was changed", f"{where}: event {one.row.seq} is not what was recorded")
    return sorted(found, key=lambda one: one.row.seq)


def sealed_anew(facts: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> list[Recorded]:
    """Events of which only columns and payloads were kept, in a chain of their own."""
    previous, found = chain.GENESIS, []
    for columns, payload in facts:
        body, salt = canonical.dumps(payload).encode(), bytes(chain.SALT_BYTES)
        known = {**columns, "body_hash": chain.body_hash(salt, body), "prev": previous}
        row = chain.seal(tuple(known[name] for name in chain.EventRow._fields[:-1]))
        found.append(Recorded(row, salt, body))
        previous = row.hash
    return found


def _of_database(path: Path) -> list[Recorded]:
    columns = ", ".join(f"e.{name}" for name in chain.EventRow._fields)
    sql = f"SELECT {columns}, b.salt, b.bytes FROM event e LEFT JOIN event_body b USING (seq) ORDER BY e.seq"  # noqa: S608
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        return [Recorded(chain.EventRow._make(row[:-2]), row[-2], row[-1]) for row in database.execute(sql)]


def _of_lines(text: str) -> list[Recorded]:
    return [_of_line(json.loads(line)) for line in text.splitlines() if line.strip()]


def _of_line(facts: dict[str, Any]) -> Recorded:
    named = {**facts, "stream": facts["host"], "eid": facts["id"], "prev": bytes.fromhex(facts["previous"])}
    named |= {name: bytes.fromhex(facts[name]) for name in ("body_hash", "hash")}
    row = chain.EventRow._make(named[name] for name in chain.EventRow._fields)
    if facts["salt"] is None:
        return Recorded(row, None, None)
    return Recorded(row, bytes.fromhex(facts["salt"]), canonical.dumps(facts["payload"]).encode())


class Playback:
    """Fills ``database``, which must not exist yet, up to an instant, forwards and backwards. One thread only."""

    def __init__(self, recorded: Sequence[Recorded], database: Path) -> None:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Store.open(database, host="recording", blobs=database.parent / "blobs").close()
        self._recorded = recorded
        self._instants = [one.row.at_ns for one in recorded]
        self._connection = sqlite3.connect(database, isolation_level=None)
        self.played = 0

    @property
    def first_ns(self) -> int:
        return min(self._instants)

    @property
    def last_ns(self) -> int:
        return max(self._instants)

    def go_to(self, at_ns: int) -> bool:
        """Hold what had happened until ``at_ns``; whether that differs from before."""
        wanted = bisect_right(self._instants, at_ns)
        if wanted == self.played:
            return False
        self._connection.execute("BEGIN IMMEDIATE")
        if wanted < self.played:
            self._forget()
        self._play(self._recorded[self.played : wanted])
        self._connection.execute("COMMIT")
        self.played = wanted
        return True

    def close(self) -> None:
        self._connection.close()

    def _play(self, part: Sequence[Recorded]) -> None:
        tables, events = SqlTables(self._connection), []
        for row, salt, body in part:
            self._connection.execute(chain.INSERT, row)
            if body is not None:
                self._connection.execute("INSERT INTO event_body VALUES (?, ?, ?)", (row.seq, salt, body))
                events.append(of_row(row, body))
                # Of a filtered export some events have no table to speak about.
                with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                    apply(tables, events[-1])
        tables.flush()
        indexes.add(self._connection, events)
        if part:
            head = (part[-1].row.seq, part[-1].row.hash)
            self._connection.execute("UPDATE head SET seq = ?, hash = ? WHERE id = 1", head)

    def _forget(self) -> None:
        """Back to the beginning: what follows is played again."""
        for table in ("event_body", "event", *(table.name for table in ALL)):
            self._connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our tables
        indexes.refill(self._connection)
        self._connection.execute("UPDATE head SET seq = 0, hash = ? WHERE id = 1", (chain.GENESIS,))
        self.played = 0
