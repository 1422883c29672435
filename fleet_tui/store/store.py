"""The writing side of the log, owned by the watcher."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from peewee import SqliteDatabase

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import Draft, Event
from fleet_tui.store import blobs, chain
from fleet_tui.store.append import Origin, Redact, prepare
from fleet_tui.store.connection import open_writer, raw
from fleet_tui.store.errors import storage_error
from fleet_tui.store.health import check_on_open
from fleet_tui.store.migrations.run import back_up, migrate
from fleet_tui.store.reader import Reader
from fleet_tui.store.writer import Call, Task, Writer


class Store:
    """Appends events and updates the tables; every method may be called from any thread."""

    def __init__(
        self, db: SqliteDatabase, database: Path, blob_directory: Path, origin: Origin, redact: Redact | None
    ) -> None:
        """Use :meth:`open`."""
        self.epoch = origin.epoch
        self.reader = Reader.open(database)
        self._db = db
        self._database = database
        self._blobs = blob_directory
        self._redact = redact
        self._writer = Writer(raw(db), database, origin)

    @classmethod
    def open(cls, database: Path, *, host: str, blobs: Path, redact: Redact | None = None) -> Store:
        """Opens or creates the log, migrates it, and takes it over: any older writer is fenced off by the new epoch.

        ``redact`` takes credentials out of every text of a payload before it is hashed and stored.

        The caller must hold the watcher's lock.

        Raises:
            FleetError: network file system, unwritable, newer schema, damaged, or not an event log.
        """
        db = open_writer(database)
        try:
            connection = raw(db)
            migrate(connection, database)
            check_on_open(connection, database)
            epoch = _take_over(connection, host)
            return cls(db, database, blobs, Origin(host, chain.boot_id(), epoch), redact)
        except sqlite3.Error as error:
            db.close()
            raise storage_error(error, database) from error
        except BaseException:
            db.close()
            raise

    @property
    def seq(self) -> int:
        """Number of the newest event, known without a query: nobody else writes."""
        return self._writer.seq

    def append(self, drafts: Sequence[Draft]) -> Future[list[Event]]:
        """Records ``drafts`` in one transaction with their effect on the tables.

        The future gives the events, durable, in the order of the drafts; in the place of a draft whose key exists
        already stands the event that has it. It fails with :class:`FleetError` when nothing was recorded.
        """
        try:
            call = Call([prepare(draft, self._redact) for draft in drafts])
        except FleetError as error:
            refused: Future[list[Event]] = Future()
            refused.set_exception(error)
            return refused
        self._writer.submit(call)
        return call.future

    async def record(self, *drafts: Draft) -> list[Event]:
        """:meth:`append`, awaited."""
        return await asyncio.wrap_future(self.append(drafts))

    def put_blob(self, text: str) -> str:
        """Stores a long text durably; returns the SHA-256 of its UTF-8 bytes in hex."""
        return blobs.put(self._blobs, text)

    def blob(self, sha: str) -> str:
        """The text of :meth:`put_blob`.

        Raises:
            FleetError: unknown or damaged.
        """
        return blobs.get(self._blobs, sha)

    def backup(self, destination: Path) -> None:
        """Writes a consistent copy while everything goes on; appends wait meanwhile."""
        task = Task(lambda connection: back_up(connection, destination))
        self._writer.submit(task)
        task.future.result()

    def close(self) -> None:
        """Records what is queued, empties the WAL into the database and closes. May be called twice."""
        if self._db.is_closed():
            return
        self._writer.close()
        self.reader.close()
        raw(self._db).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


def _take_over(connection: sqlite3.Connection, host: str) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("INSERT INTO head VALUES (1, ?, 0, ?, 0) ON CONFLICT DO NOTHING", (host, chain.GENESIS))
        connection.execute("UPDATE head SET epoch = epoch + 1, stream = ? WHERE id = 1", (host,))
        _seq, _hash, epoch = chain.head_of(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return epoch
