"""Private tmux servers and run directories, all gone after the test."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fleet_tui.tmux import sandbox
from fleet_tui.tmux.frames import FrameSource, Rows
from fleet_tui.tmux.server import TmuxServer
from tests.tmux.frames_support import Watch, Watcher
from tests.tmux.tmux_support import CONFIG, PtyRun

_BWRAP = sandbox.bubblewrap()
_HERE = sandbox.View(Path("/"), (), (*map(Path, ("/usr", "/bin", "/lib", "/lib64", "/etc")), *sandbox.interpreter()))
# Where there is no bubblewrap there is no sandbox to look at; that fleet falls back to L0 then is tested everywhere.
collect_ignore = (
    [] if _BWRAP and not sandbox.try_out(_BWRAP, _HERE) else ["test_tmux_sandboxed_runs.py", "test_tmux_egress.py"]
)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A directory whose path is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def tmux_name() -> Iterator[str]:
    """The socket name of a private server, which is killed afterwards."""
    name = f"fleet-test-{secrets.token_hex(4)}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    directory = Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}"
    (directory / name).unlink(missing_ok=True)


@pytest.fixture
def cold(tmux_name: str) -> TmuxServer:
    """A private server that has not been started."""
    return TmuxServer(tmux_name, config=CONFIG)


@pytest.fixture
async def tmux(cold: TmuxServer) -> AsyncIterator[TmuxServer]:
    """A running private server."""
    await cold.ensure()
    yield cold
    await cold.stop()


@pytest.fixture
async def watch(tmux: TmuxServer) -> AsyncIterator[Watch]:
    """Start watching: panes and their rows."""
    watchers: list[Watcher] = []

    def start(visible: dict[str, Rows], **options: float) -> Watcher:
        source = FrameSource(tmux, **options)
        source.watch(visible)
        watchers.append(Watcher(source))
        return watchers[-1]

    yield start
    for watcher in watchers:
        await watcher.stop()


@pytest.fixture
def pty_run(short_dir: Path) -> Iterator[PtyRun]:
    """A runner in a pseudo-terminal; nothing of it survives the test."""
    run_dir = short_dir / f"run-{secrets.token_hex(6)}"
    run_dir.mkdir()
    run = PtyRun(run_dir)
    yield run
    run.clean_up()
