"""Is the log what was written? Verification, rebuilding, export and erasure, for people and scripts.

:func:`verify` and :func:`export` only read and may run beside a watcher. :func:`rebuild` and :func:`erase_body` take
the log over, so the caller must hold the watcher's lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet_tui.domain.events import Event
from fleet_tui.store import anchors, chain, erasures, events
from fleet_tui.store.anchors import Anchor
from fleet_tui.store.connection import open_reader, raw
from fleet_tui.store.differences import Difference, differences
from fleet_tui.store.erase import erase_body
from fleet_tui.store.errors import storage_error
from fleet_tui.store.export import export
from fleet_tui.store.migrations.run import STEPS
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.rebuild import RebuildReport, rebuild
from fleet_tui.store.tables import MemoryTables

__all__ = ["AuditReport", "Problem", "RebuildReport", "erase_body", "export", "rebuild", "verify"]

PROBLEM_LIMIT = 1000
"""A log that was rewritten has a problem in every event; the first ones tell enough."""
Observer = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """``seq`` is the event where it shows; None when it concerns the whole."""

    seq: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.seq is None else f"event {self.seq}: {self.what}"


@dataclass(slots=True)
class AuditReport:
    """What verification found. Events after ``anchored_seq`` have only the chain: a rewritten tail would pass."""

    events: int = 0
    last_seq: int = 0
    last_hash: str = chain.GENESIS.hex()
    kinds: Counter[str] = field(default_factory=Counter)
    anchors: int = 0
    anchored_seq: int = 0
    erased: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def unanchored(self) -> int:
        """How many of the newest events no anchor covers yet."""
        return self.last_seq - self.anchored_seq

    def __str__(self) -> str:
        anchored = "all anchored" if not self.unanchored else f"the last {self.unanchored} not anchored yet"
        erased = f", {len(self.erased)} erased" if self.erased else ""
        return f"{self.events} events up to {self.last_seq} ({self.last_hash[:12]}), {anchored}{erased}"

    def add(self, seq: int | None, what: str) -> None:
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append(Problem(seq, what))


def verify(database: Path, anchor_file: Path | None = None, observers: Sequence[Observer] = ()) -> AuditReport:
    """Recomputes the whole log and compares it with its head, its anchors and the state tables.

    ``anchor_file`` is ``anchors.log`` beside the database unless given, for instance a copy kept elsewhere. A copy may
    be old; the file beside the database must keep up with the log.
    ``observers`` see every event in order.

    Raises:
        FleetError: the database cannot be read at all.
    """
    db = open_reader(database)
    try:
        connection = raw(db)
        connection.execute("BEGIN DEFERRED")
        return _Audit(connection, anchors.anchor_file(database), anchor_file, observers).run()
    except sqlite3.Error as error:
        raise storage_error(error, database) from error
    finally:
        with contextlib.suppress(Exception):
            db.close()


class _Audit:
    """One walk over the log."""

    def __init__(
        self, connection: sqlite3.Connection, own: Path, copy: Path | None, observers: Sequence[Observer]
    ) -> None:
        self._connection = connection
        self._observers = observers
        self._report = AuditReport()
        self._tables = MemoryTables()
        self._anchors: dict[int, list[Anchor]] = {}
        self._unanchored: chain.EventRow | None = None
        """The first event since the last anchor."""
        self._overdue = 0
        """The last event that should have been anchored long before, in this gap."""
        self._own = own if copy is None else None
        self._read_anchors(copy or own)  # before the first look at the log, which a writer may be adding to
        self._erasures = erasures.read(connection)

    def run(self) -> AuditReport:
        report = self._report
        self._check_schema()
        previous = chain.GENESIS
        for row, salt, body in _rows(self._connection):
            if not _well_formed(row, salt, body):
                report.add(row.seq, "holds values of the wrong type")
                continue
            self._check_chain(row, previous)
            self._check_anchors(row)
            previous = row.hash
            report.events, report.last_seq, report.last_hash = report.events + 1, row.seq, row.hash.hex()
            report.kinds[row.kind] += 1
            if self._check_body(row, salt, body):
                self._fold(events.of_row(row, body))
        self._check_head(previous)
        self._check_tail()
        self._check_bodies()
        report.differences = differences(self._connection, self._tables)
        for difference in report.differences:
            report.add(None, str(difference))
        return report

    def _check_schema(self) -> None:
        """The schema is text in the file too, and SQLite is lenient: damage there need not show in any query."""
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            for step in STEPS:
                step(fresh)
            expected = _schema(fresh)
        if _schema(self._connection) != expected:
            self._report.add(None, "the schema of the database was altered")

    def _check_chain(self, row: chain.EventRow, previous: bytes) -> None:
        expected = self._report.last_seq + 1
        if row.seq != expected:
            missing = f"{expected}" if row.seq == expected + 1 else f"{expected} to {row.seq - 1}"
            self._report.add(row.seq, f"events are missing before it ({missing})")
        if row.prev != previous:
            self._report.add(row.seq, "does not follow the event before it")
        if chain.event_hash(row) != row.hash:
            self._report.add(row.seq, "was altered: its hash does not fit its content")

    def _check_body(self, row: chain.EventRow, salt: bytes | None, body: bytes | None) -> bool:
        """Whether the body is the recorded one, or the one that a recorded erasure put in its place."""
        if salt is None or body is None:
            self._report.add(row.seq, "its body is missing")
            return False
        found = chain.body_hash(salt, body)
        replacement = self._erasures.replaced.get(row.seq)
        if row.seq in self._erasures.problems:
            self._report.add(row.seq, self._erasures.problems[row.seq])
        if found == row.body_hash:
            if replacement is not None:
                self._report.add(row.seq, "was erased, but its text is back")
            return True
        if replacement == found.hex() and erasures.is_erased(row.kind, body):
            self._report.erased.append(row.seq)
            return True
        self._report.add(row.seq, "its body was altered")
        return False

    def _fold(self, event: Event) -> None:
        try:
            apply(self._tables, event)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._report.add(event.seq, f"cannot be applied: {error}")
        for observe in self._observers:
            observe(event)

    def _check_head(self, last: bytes) -> None:
        heads = self._connection.execute("SELECT seq, hash FROM head").fetchall()
        if heads != [(self._report.last_seq, last)]:
            named = ", ".join(str(seq) for seq, _hash in heads) or "none"
            self._report.add(None, f"the head names event {named}, the last event is {self._report.last_seq}")

    def _read_anchors(self, path: Path) -> None:
        found = anchors.read(path)
        self._report.anchors = len(found.anchors)
        for anchor in found.anchors:
            self._anchors.setdefault(anchor.seq, []).append(anchor)
        for line in found.bad:
            self._report.add(None, f"{path.name} line {line} is not an anchor")
        for line in found.loose:
            self._report.add(None, f"{path.name} line {line} does not follow the line before it")

    def _check_anchors(self, row: chain.EventRow) -> None:
        found = self._anchors.pop(row.seq, ())
        for anchor in found:
            self._report.anchored_seq = row.seq
            if anchor.hash != row.hash.hex() or anchor.count != row.seq:
                self._report.add(row.seq, "differs from its anchor: the log was rewritten")
        self._unanchored = self._unanchored or row
        if _is_overdue(self._unanchored, row):
            self._overdue = row.seq
        if found:
            self._end_gap("were taken out of the file")

    def _end_gap(self, why: str) -> None:
        if self._unanchored is not None and self._overdue:
            first = self._unanchored.seq
            self._report.add(first, f"has no anchor, nor has any up to event {self._overdue}: anchors {why}")
        self._unanchored, self._overdue = None, 0

    def _check_tail(self) -> None:
        """Anchors that no event answers to: what they vouched for is gone. And events that no anchor vouches for."""
        for seq in sorted(self._anchors):
            self._report.add(seq, "is anchored, but missing: the log was cut")
        if self._own is not None:
            there = self._own.exists()
            self._end_gap(f"were cut from {self._own.name}" if there else f"are missing, {self._own.name} is not there")

    def _check_bodies(self) -> None:
        extra = self._connection.execute(
            "SELECT seq FROM event_body WHERE seq NOT IN (SELECT seq FROM event) LIMIT 10"
        ).fetchall()
        for (seq,) in extra:
            self._report.add(seq, "has a body but no event")


def _is_overdue(first: chain.EventRow, row: chain.EventRow) -> bool:
    """Whether an anchor must have been written between the two, whatever delayed it."""
    clock = "mono_ns" if first.boot == row.boot else "at_ns"
    passed_s = (getattr(row, clock) - getattr(first, clock)) / 1e9
    events_long = row.seq - first.seq + 1
    return passed_s > anchors.OVERDUE * anchors.EVERY_S or events_long >= anchors.OVERDUE * anchors.EVERY_EVENTS


def _schema(connection: sqlite3.Connection) -> set[tuple[bytes, bytes]]:
    sql = "SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_master WHERE sql IS NOT NULL"
    return {(bytes(name), bytes(text)) for name, text in connection.execute(sql).fetchall()}


def _rows(
    connection: sqlite3.Connection, batch: int = 2000
) -> Iterator[tuple[chain.EventRow, bytes | None, bytes | None]]:
    """Every event with salt and body, in order, whatever the sequence numbers are."""
    columns = ", ".join(f"e.{name}" for name in chain.EventRow._fields)
    sql = (
        f"SELECT {columns}, b.salt, b.bytes FROM event e LEFT JOIN event_body b ON b.seq = e.seq "  # noqa: S608
        "WHERE e.seq > ? ORDER BY e.seq LIMIT ?"
    )
    after = -(2**63)
    while rows := connection.execute(sql, (after, batch)).fetchall():
        for *columns_of_event, salt, body in rows:
            yield chain.EventRow._make(columns_of_event), salt, body
        after = rows[-1][0]


_COLUMN_TYPES = tuple(typing.get_type_hints(chain.EventRow).values())


def _well_formed(row: chain.EventRow, salt: object, body: object) -> bool:
    """SQLite keeps any value in any column."""
    bodies = isinstance(salt, bytes | None) and isinstance(body, bytes | None)
    return bodies and all(isinstance(value, kind) for value, kind in zip(row, _COLUMN_TYPES, strict=True))
