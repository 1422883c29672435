"""Real sockets in a short directory, and who belongs to which run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fleet_tui.bus.server import BusServer
from tests.bus.bus_helpers import Agent, Family, Handler


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def family() -> Family:
    return Family()


@pytest.fixture
async def bus(handler: Handler, family: Family) -> AsyncIterator[BusServer]:
    server = BusServer(handler, family)
    yield server
    await server.close()


@pytest.fixture
def agent(home: Path) -> Agent:
    return Agent(home)


@pytest.fixture
async def served(bus: BusServer, family: Family, home: Path) -> BusServer:
    """The bus with run-a's and the operator's sockets; every process of this test belongs to run-a."""
    family.runs[os.getpid()] = "run-a"
    await bus.listen_run("run-a", home / "run-a" / "bus.sock", lambda token: token == "token-a")
    return bus


@pytest.fixture
async def two_runs(bus: BusServer, home: Path) -> dict[str, Path]:
    """Sockets of run-a, run-b and the operator."""
    paths = {name: home / name / "bus.sock" for name in ("run-a", "run-b")}
    for run, path in paths.items():
        await bus.listen_run(run, path, lambda token, run=run: token == f"token-of-{run}")  # type: ignore[misc]
    paths["operator"] = home / "operator" / "operator.sock"
    await bus.listen_operator(paths["operator"])
    return paths


# -- what the handler does ---------------------------------------------------------------------------------------------
