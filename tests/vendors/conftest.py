"""Players in a short directory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fleet_tui.bus.identity import Origin
from fleet_tui.bus.server import BusServer
from tests.vendors.players import World


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)  # what still ends there may write


@pytest.fixture
async def world(home: Path) -> AsyncIterator[World]:
    made = World(home)
    server = BusServer(made.handle, lambda _pid: Origin("run run-1", "run:run-1", "run-1"))
    await server.listen_run("run-1", made.run_dir / "bus.sock", lambda token: token == "token")
    yield made
    for pane in made.panes:
        pane.close()
    await server.close()
