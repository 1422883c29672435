"""Waiting for writes to a log: told by the kernel, poked, or out of time."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fleet_tui.store.changes import Changes

LIMIT_S = 40.0
IS_LINUX = sys.platform == "linux"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "fleet.db", check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table told (what)")
    connection.commit()
    yield connection
    connection.close()


def write(connection: sqlite3.Connection) -> None:
    connection.execute("insert into told values ('x')")
    connection.commit()


def test_a_write_ends_the_wait(writer: sqlite3.Connection, tmp_path: Path) -> None:
    with closing(Changes(tmp_path / "fleet.db")) as changes:
        assert changes.watch() is IS_LINUX
        later = threading.Timer(0.05, write, (writer,))
        later.start()
        assert changes.wait(LIMIT_S if IS_LINUX else 0.2) is IS_LINUX
        later.join()
        write(writer)  # while nobody waits
        assert changes.wait(0) is IS_LINUX


def test_a_write_while_it_rests_is_heard_afterwards(writer: sqlite3.Connection, tmp_path: Path) -> None:
    with closing(Changes(tmp_path / "fleet.db")) as changes:
        changes.watch()
        write(writer)
        assert changes.wait(LIMIT_S if IS_LINUX else 0.2, 0.05) is IS_LINUX


def test_a_poke_ends_the_wait_and_its_rest(writer: sqlite3.Connection, tmp_path: Path) -> None:
    with closing(Changes(tmp_path / "fleet.db")) as changes:
        changes.watch()
        changes.poke()
        changes.poke()
        assert changes.wait(LIMIT_S) is False
        threading.Timer(0.05, changes.poke).start()
        assert changes.wait(LIMIT_S, LIMIT_S) is False
    changes.poke()  # nobody waits any more


@pytest.mark.skipif(not IS_LINUX, reason="nobody tells of writes elsewhere")
def test_another_log_in_its_place_is_watched_too(writer: sqlite3.Connection, tmp_path: Path) -> None:
    with closing(Changes(tmp_path / "fleet.db")) as changes:
        assert changes.watch()
        log = tmp_path / "fleet.db-wal"
        log.rename(tmp_path / "away")
        assert changes.wait(LIMIT_S)
        assert not changes.watch()
        log.write_bytes(b"")
        assert changes.watch()
        changes.wait(0)
        log.write_bytes(b"more")
        assert changes.wait(LIMIT_S)
