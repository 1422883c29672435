"""Kills, full disks, locked and read-only databases: what was acknowledged is there, the rest is refused in words."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store import connection
from fleet_tui.store.audit import verify
from fleet_tui.store.deep import check
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store
from tests.store import histories

ROOT = Path(__file__).resolve().parents[2]
BIG = ev.Draft("odd", {"text": "x" * 20_000}, "fleet")

WRITER = """
import sys
from pathlib import Path
from fleet_tui.domain import events as ev
from fleet_tui.store.store import Store

directory = Path(sys.argv[1])
store = Store.open(directory / "fleet.db", host="h", blobs=directory / "blobs")
start = store.reader.last_seq()
print("ready", flush=True)
number = start
while True:
    number += 1
    run = f"run-{start}-{number}"
    future = store.append([
        ev.draft(ev.RunQueued(run, "ada", "developer", "v", None, "t"), f"run:{run}", key=run),
        ev.draft(ev.EffectPlanned(f"eff-{run}", "spawn", "once", run), f"run:{run}"),
        ev.draft(ev.RunMetered(run, "ada", 10_000), f"run:{run}"),
    ])
    print(future.result()[-1].id, flush=True)
"""


def python(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    chance = random.Random(20)
    for _ in range(10):
        writer = python(WRITER, tmp_path)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        acknowledged += [writer.stdout.readline().strip() for _ in range(chance.randrange(1, 60))]
        writer.send_signal(signal.SIGKILL)
        rest, _errors = writer.communicate()
        acknowledged += [line for line in rest.split("\n")[:-1] if line]
        report = verify(tmp_path / "fleet.db")
        assert report.problems == []
        assert report.events % 3 == 0
    with closing(Reader.open(tmp_path / "fleet.db")) as reader:
        recorded = {event.id for event in reader.events(limit=10**6)}
    assert len(acknowledged) > 100
    assert set(acknowledged) <= recorded
    assert len(recorded) // 3 - len(acknowledged) <= 10
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path)
    assert store.epoch == 11
    store.close()
    assert check(tmp_path / "fleet.db", tmp_path / "blobs") == []


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_may_not_grow_refuses_appends_and_goes_on_reading(store: Store, database: Path) -> None:
    kept = store.append([BIG]).result(timeout=10)[0]
    wal = database.with_name("fleet.db-wal")
    with file_limit(wal.stat().st_size + 10_000):
        with pytest.raises(FleetError, match="disk"):
            store.append([BIG]).result(timeout=10)
        assert store.reader.events() == [kept]
        assert store.reader.tickets() == []
    (after,) = store.append([BIG]).result(timeout=10)
    assert (after.seq, after.previous) == (2, kept.hash)
    store.close()
    assert verify(database).problems == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount")
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_refuses_appends_and_recording_resumes_when_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_500_000)
    store = Store.open(small_disk / "fleet.db", host="h", blobs=small_disk / "blobs")
    acknowledged, refusal = _fill(store)
    assert (refusal.title, acknowledged > 10) == ("the disk is full", True)
    assert "free some space" in refusal.hint
    assert store.reader.last_seq() == acknowledged
    assert len(store.reader.events(limit=5)) == 5
    with pytest.raises(FleetError, match="cannot store a text"):
        store.put_blob("y" * 4_000_000)
    ballast.unlink()
    assert store.append([BIG]).result(timeout=10)[0].seq == acknowledged + 1
    store.close()
    report = verify(small_disk / "fleet.db")
    assert (report.problems, report.last_seq) == ([], acknowledged + 1)


def _fill(store: Store) -> tuple[int, FleetError]:
    """Appends until that is refused; the last acknowledged number and the refusal."""
    acknowledged = 0
    for _ in range(500):
        try:
            acknowledged = store.append([BIG]).result(timeout=10)[0].seq
        except FleetError as error:
            return acknowledged, error
    raise AssertionError("the disk never filled up")


def test_a_stranger_holding_the_lock_is_waited_for_then_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_BUSY_S", 0.2)
    store = Store.open(database, host="h", blobs=database.parent)
    note = ev.draft(ev.Note("x"), "fleet")
    with closing(sqlite3.connect(database, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(FleetError, match="locked by another process"):
            store.append([note]).result(timeout=10)
        assert store.reader.last_seq() == 0
        waiting = store.append([note])
        stranger.execute("ROLLBACK")
        assert waiting.result(timeout=10)[0].seq == 1
    store.close()


OPEN_AND_READ = """
import os, sys
from pathlib import Path
from fleet_tui.domain.errors import FleetError
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store

os.seteuid(int(sys.argv[2]))
database = Path(sys.argv[1])
print(Reader.open(database).last_seq())
try:
    Store.open(database, host="h", blobs=database.parent)
except FleetError as error:
    print(error.title)
"""


def test_a_read_only_archive_can_be_read_and_is_not_opened_for_writing() -> None:
    somebody = os.geteuid() or 65534
    with histories.directory() as archive:
        store = Store.open(archive / "fleet.db", host="h", blobs=archive)
        store.append([BIG]).result(timeout=10)
        store.close()
        (archive / "fleet.db").chmod(0o444)
        archive.chmod(0o555)
        output, errors = python(OPEN_AND_READ, archive / "fleet.db", str(somebody)).communicate(timeout=30)
        archive.chmod(0o755)
    assert (output.splitlines(), errors) == (["1", "the event log is read-only"], "")


def test_a_reader_keeps_reading_while_the_writer_dies(tmp_path: Path) -> None:
    writer = python(WRITER, tmp_path)
    assert writer.stdout is not None
    for _ in range(4):
        writer.stdout.readline()
    with closing(Reader.open(tmp_path / "fleet.db")) as reader:
        before = reader.data_version()
        writer.kill()
        writer.communicate()
        assert reader.last_seq() >= 9
        assert len(reader.runs()) == reader.last_seq() // 3
        assert reader.data_version() >= before
