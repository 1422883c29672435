"""What the tmux tests share: waiting for a condition, and a run's directory with a runner in a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fleet_tui.tmux import records, runner_client

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config" / "tmux.conf"


async def until(condition: Callable[[], Any], limit_s: float = 40.0) -> Any:
    """The first true value of ``condition``; fails after ``limit_s``."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        value = await value if isinstance(value, Awaitable) else value
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {limit_s} s; last value {value!r}"
        await asyncio.sleep(0.01)


def python(code: str) -> tuple[str, ...]:
    """The argv of a small Python program."""
    return (sys.executable, "-I", "-c", code)


class PtyRun:
    """A runner in a pseudo-terminal of its own, without tmux."""

    def __init__(self, run_dir: Path) -> None:
        self.dir = run_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.terminal = -1

    def start(
        self,
        *argv: str,
        grace_s: float = 5.0,
        env: dict[str, str] | None = None,
        stdin: str | None = None,
        limit_ms: int | None = None,
        memory_mb: int | None = None,
    ) -> None:
        complete = {"PATH": os.environ["PATH"], **(env or {})}
        spec = records.RunSpec(
            self.dir.name, argv, str(self.dir), complete, stdin, grace_s, limit_ms=limit_ms, memory_mb=memory_mb
        )
        runner_client.write_spec(self.dir, spec)
        self.launch()

    def launch(self) -> None:
        """Start the runner on whatever specification there is."""
        self.terminal, other = pty.openpty()
        # The shell's `exec` runs after setsid, so opening the terminal makes it the controlling one, as in a pane.
        command = 'exec "$@" <"$0" >"$0" 2>&1'
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", command, os.ttyname(other), *runner_client.runner_argv(self.dir)],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        os.close(other)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def up(self) -> records.RunnerRecord:
        """Wait until the child runs; the runner's record."""

        def started() -> records.RunnerRecord | None:
            record = records.read_runner(self.dir)
            return record if record is not None and record.child_pid is not None else None

        record: records.RunnerRecord = await until(started)
        return record

    async def ended(self) -> int:
        """Wait for the runner's end; its exit code (negative: signal)."""
        process = self.process
        assert process is not None

        await until(lambda: process.poll() is not None)
        return process.returncode

    def type(self, data: bytes) -> None:
        os.write(self.terminal, data)

    def close_terminal(self) -> None:
        os.close(self.terminal)
        self.terminal = -1

    def clean_up(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.terminal >= 0:
            os.close(self.terminal)
        asyncio.run(runner_client.kill_leftovers(self.dir))
