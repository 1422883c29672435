"""A place for a fleet, a person's git settings, and fleets that are closed after the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.paths import FleetPaths
from fleet_tui.watcher.desks import permission_desk
from tests.github.fixture import github
from tests.watcher.watcher_support import Fleet, agent, configuration, make_repository

__all__ = ["github"]

MEMORY = Path("/dev/shm")
"""Where there is one, the disk's pace does not count: every event is flushed."""
MakeFleet = Callable[..., Awaitable[Fleet]]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short private directory: home, state and runtime directories lie in it."""
    path = Path(tempfile.mkdtemp(prefix="flw", dir=MEMORY if MEMORY.is_dir() else "/tmp")).resolve()
    home = path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Pat\n\temail = pat@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    for name in [name for name in os.environ if name.startswith(("GIT_", "FLEET_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("FLEET_STATE_HOME", str(path / "state"))
    monkeypatch.setenv("FLEET_RUNTIME_DIR", str(path / "run"))
    yield path
    repository = path / "shop"
    if repository.is_dir():
        name = FleetPaths.of(repository).tmux_socket_name
        subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def make_fleet(place: Path) -> AsyncIterator[MakeFleet]:
    """Makes the test's fleet; ``sections`` go into its configuration."""
    made: list[Fleet] = []

    async def make(agents: list[dict[str, Any]] | None = None, **sections: Any) -> Fleet:
        team = agents if agents is not None else [agent("dev", "developer"), agent("lee", "tech-lead")]
        made.append(await Fleet.open(make_repository(place, configuration(team, **sections))))
        return made[-1]

    yield make
    for fleet in made:
        await fleet.close()


@pytest.fixture
async def fleet(make_fleet: MakeFleet) -> Fleet:
    """One developer ``dev``, one reviewer ``lee``, no gates, every merge approved by a person."""
    return await make_fleet()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions of programs are waited for less long, and looked at more often."""
    monkeypatch.setattr(permission_desk, "WAIT_S", 5.0)
    monkeypatch.setattr(permission_desk, "_LOOK_S", 0.01)
