"""Opens databases: settings of the one writer and of readers, and the places where SQLite must not be used."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import SqliteDatabase

from fleet_tui.domain.errors import FleetError
from fleet_tui.store.errors import storage_error
from fleet_tui.store.filesystem import refuse_network
from fleet_tui.store.migrations.run import refuse_newer, version_of

APPLICATION_ID = 0x464C4554
"""``FLET`` in the file's header."""
_BUSY_S = 30
_COMMON = [("trusted_schema", "off"), ("cell_size_check", "on"), ("mmap_size", 0), ("temp_store", "memory")]
_WRITER = [
    *_COMMON,
    ("journal_mode", "wal"),
    ("synchronous", "full"),
    ("fullfsync", "on"),  # macOS: fsync alone leaves data in the disk's cache; ignored elsewhere
    ("foreign_keys", "on"),
    ("journal_size_limit", 64 * 1024 * 1024),
    ("wal_autocheckpoint", 1000),
]
_READER = [*_COMMON, ("query_only", "on"), ("wal_autocheckpoint", 0), ("cache_size", -16_000)]


def open_writer(database: Path) -> SqliteDatabase:
    """The writing connection, for one thread at a time. Creates the file with mode 0600.

    Raises:
        FleetError: no such directory, not writable, on a network file system, or not an event log.
    """
    refuse_network(database.parent)
    db = _database(str(database), _WRITER, uri=False)
    try:
        db.connect()
        connection = raw(db)
        _claim_file(connection, database)
        database.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except FleetError:
        db.close()
        raise
    except Exception as error:  # peewee wraps the driver's errors in classes of its own
        db.close()
        raise storage_error(_driver_error(error), database) from error
    return db


def open_reader(database: Path) -> SqliteDatabase:
    """A connection that cannot write, for one thread at a time.

    Raises:
        FleetError: missing, not an event log, older or newer than this program.
    """
    if not database.is_file():
        raise FleetError("no event log", f"{database} does not exist", "start the fleet once: fleet up")
    try:
        db = _connect_reader(database)
    except Exception as error:
        raise storage_error(_driver_error(error), database) from error
    try:
        _check_readable(raw(db), database)
    except sqlite3.Error as error:
        db.close()
        raise storage_error(error, database) from error
    except FleetError:
        db.close()
        raise
    return db


def raw(db: SqliteDatabase) -> sqlite3.Connection:
    """The driver's connection, for hot paths."""
    connection = db.connection()  # type: ignore[no-untyped-call]
    assert isinstance(connection, sqlite3.Connection)
    return connection


def _database(name: str, pragmas: list[tuple[str, object]], *, uri: bool) -> SqliteDatabase:
    return SqliteDatabase(
        name,
        pragmas=pragmas,
        timeout=_BUSY_S,
        lock_type="immediate",
        thread_safe=False,
        autoconnect=False,
        check_same_thread=False,
        uri=uri,
    )


def _connect_reader(database: Path) -> SqliteDatabase:
    """Opens for reading and writing (a WAL reader needs the shared memory file), else as an archived copy."""
    uri = database.absolute().as_uri()
    db = _database(f"{uri}?mode=rw", _READER, uri=True)
    try:
        db.connect()
        raw(db).execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except Exception:
        db.close()
        if database.with_name(database.name + "-wal").exists():
            raise
        db = _database(f"{uri}?mode=ro&immutable=1", _READER, uri=True)
        db.connect()
    return db


def _claim_file(connection: sqlite3.Connection, database: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application == 0 and empty:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    elif application != APPLICATION_ID:
        raise FleetError("not an event log", f"{database} belongs to another program", "move it away")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        raise FleetError("cannot use the state directory", f"{database}: no WAL here ({mode})", "use a local disk")


def _check_readable(connection: sqlite3.Connection, database: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise FleetError("not an event log", f"{database} belongs to another program", "name another database")
    version = version_of(connection)
    refuse_newer(version, database)
    if version == 0:
        raise FleetError("no event log", f"{database} is empty", "start the fleet once: fleet up")


def _driver_error(error: Exception) -> BaseException:
    return error.__cause__ or error.__context__ or error


@contextmanager
def exclusive(database: Path) -> Iterator[sqlite3.Connection]:
    """One transaction that takes the log over (a running writer is fenced off), for repairs.

    Raises:
        FleetError: missing, locked, or unwritable; whatever fails inside leaves the database as it was.
    """
    open_reader(database).close()
    db = open_writer(database)
    connection = raw(db)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE head SET epoch = epoch + 1 WHERE id = 1")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise storage_error(error, database) from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        db.close()
