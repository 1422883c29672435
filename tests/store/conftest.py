"""A directory and a store of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_tui.store.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "fleet.db"


@pytest.fixture
def blob_directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def store(database: Path, blob_directory: Path) -> Iterator[Store]:
    opened = Store.open(database, host="host-a", blobs=blob_directory)
    yield opened
    opened.close()
