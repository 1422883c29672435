"""What lies beside the log: migrations, blobs, anchors, file systems."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import peewee
import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store import anchors, blobs, filesystem, models
from fleet_tui.store.audit import rebuild, verify
from fleet_tui.store.errors import Corrupt
from fleet_tui.store.migrations import run
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.store.store import Store

V1 = Path(__file__).parent / "fixtures" / "v1.sql"


@pytest.fixture
def version_1(database: Path) -> Path:
    """A log as version 1 of the schema left it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(V1.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = wal")
    return database


def test_an_old_log_is_migrated_with_a_copy_and_folds_to_the_same_state(version_1: Path) -> None:
    store = Store.open(version_1, host="new-host", blobs=version_1.parent)
    assert run.version_of(sqlite3.connect(version_1)) == run.VERSION
    ticket, agent = store.reader.ticket(1), store.reader.agent("ada")
    assert ticket is not None
    assert agent is not None
    assert (ticket.title, ticket.state, agent.charged_ms) == ("Fix the login page", "in_progress", 20_000)
    assert [event.seq for event in store.reader.events(EventFilter(text="übersicht"))] == [9]
    assert [event.kind for event in store.reader.events(EventFilter(until_ns=2**62), limit=1)] == ["from_the_future"]
    again = store.append([ev.draft(ev.TicketReady(1), "ticket:1", key="ticket:1:ready")]).result(timeout=10)
    assert again[0].seq == 4
    store.append([ev.draft(ev.Note("new"), "fleet")]).result(timeout=10)
    store.close()
    assert verify(version_1).problems == []
    assert rebuild(version_1).differences == ()
    with closing(sqlite3.connect(version_1.with_name("fleet.db.v1.backup"))) as backup:
        assert run.version_of(backup) == 1
        assert backup.execute("SELECT count(*) FROM event").fetchone() == (11,)


def test_a_failing_migration_changes_nothing(version_1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE ticket")
        raise sqlite3.OperationalError("no more space")

    monkeypatch.setattr(run, "STEPS", (run.STEPS[0], fail))
    with pytest.raises(FleetError, match="no more space"):
        Store.open(version_1, host="h", blobs=version_1.parent)
    with closing(sqlite3.connect(version_1)) as connection:
        assert run.version_of(connection) == 1
        assert connection.execute("SELECT count(*) FROM ticket").fetchone() == (1,)
    monkeypatch.undo()
    Store.open(version_1, host="h", blobs=version_1.parent).close()


def test_a_newer_log_is_refused_by_writer_and_reader(store: Store, database: Path) -> None:
    store.close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA user_version = {run.VERSION + 1}")
    with pytest.raises(FleetError, match="newer"):
        Store.open(database, host="h", blobs=database.parent)
    with pytest.raises(FleetError, match="newer"):
        Reader.open(database)


def test_models_and_schema_agree(store: Store, database: Path) -> None:
    """The models are for queries, the migrations make the tables: they must not drift apart."""
    tables = [model for model in vars(models).values() if isinstance(model, type) and issubclass(model, models.Base)]
    with closing(sqlite3.connect(database)) as connection:
        for model in tables:
            if model is models.Base:
                continue
            meta: Any = model._meta
            columns = connection.execute(f'PRAGMA table_info("{meta.table_name}")').fetchall()
            assert [column[1] for column in sorted(columns)] == list(meta.sorted_field_names), meta.table_name
            for _index, name, kind, not_null, _default, key in columns:
                field = meta.fields[name]
                expected = {"BIGINT": "INTEGER", "BOOL": "INTEGER", "TEXT": "TEXT", "BLOB": "BLOB"}[field.field_type]
                assert (kind, bool(not_null) or bool(key)) == (expected, not field.null), (meta.table_name, name)


def test_settings_of_the_writing_connection(store: Store) -> None:
    connection: Any = store._db.connection()  # type: ignore[no-untyped-call]
    settings = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _SETTINGS}
    assert settings == _SETTINGS
    assert isinstance(store._db, peewee.SqliteDatabase)


_SETTINGS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 30_000,
    "journal_size_limit": 64 * 1024 * 1024,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "mmap_size": 0,
    "application_id": 0x464C4554,
    "user_version": run.VERSION,
}


def test_the_database_is_private(store: Store, database: Path) -> None:
    assert database.stat().st_mode & 0o077 == 0


# -- blobs -----------------------------------------------------------------------------------------------------------


def test_a_blob_is_found_by_its_hash(store: Store, blob_directory: Path) -> None:
    sha = store.put_blob("Grüße\n")
    assert sha == hashlib.sha256("Grüße\n".encode()).hexdigest()
    assert store.blob(sha) == "Grüße\n"
    assert store.put_blob("Grüße\n") == sha
    assert [path.name for path in blob_directory.rglob("*") if path.is_file()] == [sha]


def test_a_damaged_missing_or_misnamed_blob_is_named(store: Store, blob_directory: Path) -> None:
    sha = store.put_blob("text")
    (blob_directory / sha[:2] / sha).write_text("xxxx")
    with pytest.raises(Corrupt, match="does not have the hash"):
        store.blob(sha)
    with pytest.raises(FleetError, match="missing text"):
        store.blob("0" * 64)
    for hostile in ("../../etc/passwd", "", "A" * 64, sha + "\n"):
        with pytest.raises(FleetError, match="not a blob"):
            store.blob(hostile)


def test_a_torn_blob_is_written_again(store: Store, blob_directory: Path) -> None:
    sha = store.put_blob("a longer text")
    (blob_directory / sha[:2] / sha).write_text("a lon")
    assert store.put_blob("a longer text") == sha
    assert store.blob(sha) == "a longer text"


def test_a_text_that_has_no_bytes_is_refused(blob_directory: Path) -> None:
    with pytest.raises(FleetError, match="surrogate"):
        blobs.put(blob_directory, "a\ud800")


# -- anchors ---------------------------------------------------------------------------------------------------------


def test_the_head_is_anchored_every_thousand_events_and_at_the_end(store: Store, database: Path) -> None:
    drafts = [ev.draft(ev.Note(str(number)), "fleet") for number in range(250)]
    for _ in range(10):
        store.append(drafts).result(timeout=10)
    store.close()
    found = anchors.read(anchors.anchor_file(database))
    written, bad = found.anchors, found.bad
    assert ([anchor.seq for anchor in written], bad) == ([1000, 2000, 2500], [])
    assert verify(database).unanchored == 0
    assert anchors.anchor_file(database).stat().st_mode & 0o077 == 0


def test_a_quiet_log_is_anchored_after_a_while(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "EVERY_S", 0.05)
    written = _Signal(monkeypatch)
    store = Store.open(database, host="h", blobs=database.parent)
    store.append([ev.draft(ev.Note("x"), "fleet")]).result(timeout=10)
    assert written.event.wait(timeout=10)
    assert [anchor.seq for anchor in anchors.read(anchors.anchor_file(database)).anchors] == [1]
    store.close()
    assert len(anchors.read(anchors.anchor_file(database)).anchors) == 1


def test_an_anchor_that_cannot_be_written_does_not_stop_the_log(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors.anchor_file(database).mkdir()
    store = Store.open(database, host="h", blobs=database.parent)
    drafts = [ev.draft(ev.Note("x"), "fleet")] * 500
    for _ in range(3):
        store.append(drafts).result(timeout=10)
    assert isinstance(store._writer._anchoring.error, OSError)
    anchors.anchor_file(database).rmdir()
    store.close()
    assert [anchor.seq for anchor in anchors.read(anchors.anchor_file(database)).anchors] == [1500]


def test_an_unanchored_head_of_a_crashed_writer_is_anchored_by_the_next(database: Path) -> None:
    store = Store.open(database, host="h", blobs=database.parent)
    store.append([ev.draft(ev.Note("x"), "fleet")]).result(timeout=10)
    store.close()
    path = anchors.anchor_file(database)
    path.write_text('{"seq": 1, torn')
    Store.open(database, host="h", blobs=database.parent).close()
    assert (anchors.last_seq(path), anchors.read(path).bad) == (1, [1])
    Store.open(database, host="h", blobs=database.parent).close()
    assert len(anchors.read(path).anchors) == 1


class _Signal:
    """Tells when an anchor has been written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.event = threading.Event()
        original = anchors.append

        def append(path: Path, anchor: anchors.Anchor) -> None:
            original(path, anchor)
            self.event.set()

        monkeypatch.setattr(anchors, "append", append)


# -- file systems ----------------------------------------------------------------------------------------------------

_MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / {nfs} rw shared:2 master:3 - nfs4 server:/export rw
31 30 0:41 / {local} rw - tmpfs tmpfs rw
"""


def test_network_file_systems_are_refused(tmp_path: Path) -> None:
    nfs, local, spaced = tmp_path / "net", tmp_path / "net" / "local", tmp_path / "network"
    for directory in (nfs, local, spaced):
        directory.mkdir()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(_MOUNTS.format(nfs=nfs, local=local))
    assert filesystem.filesystem_type(nfs, mounts) == "nfs4"
    assert filesystem.filesystem_type(local, mounts) == "tmpfs"
    assert filesystem.filesystem_type(spaced, mounts) == "ext4"
    with pytest.raises(FleetError, match="network file system"):
        filesystem.refuse_network(nfs, mounts)
    filesystem.refuse_network(local, mounts)


def test_a_mount_point_with_a_space_is_understood(tmp_path: Path) -> None:
    share = tmp_path / "my share"
    share.mkdir()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(_MOUNTS.format(nfs=str(share).replace(" ", r"\040"), local="/nowhere"))
    assert filesystem.filesystem_type(share, mounts) == "nfs4"


def test_the_store_refuses_a_network_file_system(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "filesystem_type", lambda *_: "cifs")
    with pytest.raises(FleetError, match="network file system"):
        Store.open(database, host="h", blobs=database.parent)
    assert not database.exists()


def test_a_missing_state_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="is not a directory"):
        Store.open(tmp_path / "missing" / "fleet.db", host="h", blobs=tmp_path)


def test_this_machines_file_system_is_known() -> None:
    assert filesystem.filesystem_type(Path(__file__).parent)
