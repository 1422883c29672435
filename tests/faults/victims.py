"""Who can be killed, and how each is found. Every kill is SIGKILL: nobody gets to clean up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import psutil

from fleet_tui.domain.states import RunState
from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import Reader
from fleet_tui.tmux.records import read_runner
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher import spawn
from fleet_tui.watcher.lock import is_locked, read_holder

Kill = Callable[[FleetPaths, random.Random], str | None]
"""Kills one victim and says whom; None when there is nobody to kill just now."""


def watcher(paths: FleetPaths, chance: random.Random) -> str | None:
    """The watcher alone: its supervisor starts it again."""
    pid = read_holder(paths.lock).get("pid") if is_locked(paths.lock) else None
    if not isinstance(pid, int) or not _kill(pid):
        return None
    _wait_gone(pid)  # or the next kill would hit the same one again
    return f"watcher {pid}"


def supervisor(paths: FleetPaths, chance: random.Random) -> str | None:
    """Supervisor and watcher; then somebody starts the watcher again."""
    child = read_holder(paths.lock).get("pid") if is_locked(paths.lock) else None
    if not isinstance(child, int):
        return None
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(child).parent()
        if parent is not None and "--supervised" in parent.cmdline():
            parent.kill()
            parent.wait(60)
    _kill(child)
    _wait_gone(child)
    spawn.start(paths)
    return f"supervisor of watcher {child}"


def agent(paths: FleetPaths, chance: random.Random) -> str | None:
    """The agent's own program, below its runner."""
    return _of_a_run(paths, chance, runner=False)


def runner(paths: FleetPaths, chance: random.Random) -> str | None:
    """The runner: the first process of the pane, which nobody can survive for long."""
    return _of_a_run(paths, chance, runner=True)


def tmux(paths: FleetPaths, chance: random.Random) -> str | None:
    """The tmux server with every pane."""
    info = asyncio.run(TmuxServer(paths.tmux_socket_name).alive())
    return f"tmux server {info.pid}" if info is not None and _kill(info.pid) else None


class Room:
    """A control room in a terminal of its own, open from the start of the trial until it is killed."""

    def __init__(self, paths: FleetPaths) -> None:
        self._master, slave = os.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        try:
            self._process = subprocess.Popen(
                ["setsid", "--ctty", sys.executable, "-m", "fleet_tui", "--repo", str(paths.repository)],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environment,
            )
        finally:
            os.close(slave)
        self.drawn = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self, paths: FleetPaths, chance: random.Random) -> str | None:
        """Kill it without warning; None when it has not drawn anything yet, or has left by itself."""
        if not self.drawn or self._process.poll() is not None:
            return None
        self._process.kill()
        self._process.wait(60)
        return f"room {self._process.pid} after {self.drawn} bytes"

    def close(self) -> None:
        """End it, whatever became of the trial."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait(60)
        self._reader.join(60)
        os.close(self._master)

    def _read(self) -> None:
        # A terminal that nobody reads would block the room.
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 65536):
                self.drawn += len(data)


VICTIMS: dict[str, Kill] = {
    "watcher": watcher,
    "boundary": watcher,
    "supervisor": supervisor,
    "agent": agent,
    "runner": runner,
    "tmux": tmux,
}


def _of_a_run(paths: FleetPaths, chance: random.Random, *, runner: bool) -> str | None:
    reader = Reader.open(paths.database)
    try:
        runs = sorted(reader.runs(RunState.STARTING, RunState.RUNNING, RunState.WAITING), key=lambda run: run.id)
    finally:
        reader.close()
    chance.shuffle(runs)
    for run in runs:
        record = read_runner(paths.run_dir(run.id))
        pid = (record.pid if runner else record.child_pid) if record is not None else None
        if pid is not None and _kill(pid):
            return f"{run.agent} ({run.id}, {run.state.value}, #{run.ticket}) pid {pid}"
    return None


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _wait_gone(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(60)
