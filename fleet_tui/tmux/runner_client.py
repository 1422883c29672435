"""The watcher's side of a runner: ask, freeze, thaw, stop, read its records, find whose process one is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.tmux import proctree, records
from fleet_tui.tmux.records import ExitRecord, RunnerRecord, RunSpec, read_exit, read_meter_ms, read_runner, write_spec

__all__ = [
    "ExitRecord",
    "RunSpec",
    "RunnerRecord",
    "RunnerStatus",
    "find_run",
    "freeze",
    "is_of_another_boot",
    "kill_leftovers",
    "kill_marked",
    "limit_memory",
    "meter",
    "read_exit",
    "read_meter_ms",
    "read_runner",
    "runner_alive",
    "runner_argv",
    "status",
    "stop",
    "thaw",
    "write_spec",
]

LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class RunnerStatus:
    """What a runner says of its run. ``complete`` is about the last freeze: nothing was found running any more.

    ``state``: running, stopping (asked to end), draining (the child is gone, the rest is being ended).
    """

    state: str
    active_ms: int
    frozen: bool
    child_pid: int | None
    processes: int
    complete: bool = True
    spent: bool = False
    """It stopped by itself at ``limit_ms`` of run time."""
    idle: bool = False
    """It waits for a person, which is not counted."""
    limit_ms: int | None = None
    cpu_s: float | None = None
    """The processor's time that its processes have used, in seconds; falls when one of them ends unseen. None: of a
    runner that was just told to freeze, or of an older version."""
    full: bool = False
    """It stopped by itself at ``memory_limit_mb``."""
    memory_mb: int | None = None
    """What its processes took together when that was last looked at; None where there is no ceiling."""
    memory_limit_mb: int | None = None
    kills: int = 0
    """How many of its processes the kernel ended for their memory."""


def runner_argv(run_dir: Path) -> list[str]:
    """The command for the pane: this interpreter, isolated, on the runner's own file; works from a checkout too."""
    return [sys.executable, "-I", str(Path(__file__).with_name("runner.py")), str(run_dir)]


async def status(run_dir: Path) -> RunnerStatus:
    """The run's state, run time and number of processes.

    Raises:
        FleetError: the runner is gone or does not answer (of this and the next three).
    """
    return _status(await _ask(run_dir, {"op": "status"}))


async def freeze(run_dir: Path) -> RunnerStatus:
    """Stop every process of the run at once; run time stands still. Idempotent."""
    return _status(await _ask(run_dir, {"op": "freeze"}))


async def thaw(run_dir: Path) -> RunnerStatus:
    """Let a frozen run go on. Idempotent."""
    return _status(await _ask(run_dir, {"op": "thaw"}))


async def meter(run_dir: Path, *, limit_ms: int | None, idle: bool) -> RunnerStatus:
    """How to count: at ``limit_ms`` of run time the run stops by itself; ``idle`` time is not counted. Idempotent."""
    return _status(await _ask(run_dir, {"op": "meter", "limit_ms": limit_ms, "idle": idle}))


async def limit_memory(run_dir: Path, memory_mb: int | None) -> RunnerStatus:
    """At which ceiling the run stops by itself; None: at none. Idempotent.

    Raises:
        FleetError: the runner is gone or does not answer.
    """
    return _status(await _ask(run_dir, {"op": "memory", "memory_mb": memory_mb}))


async def stop(run_dir: Path, *, grace_s: float = 5.0) -> ExitRecord | None:
    """End the run: TERM to all its processes, after ``grace_s`` seconds KILL; waits for the end. Idempotent.

    None when the runner ended without leaving a record.

    Raises:
        FleetError: the runner still lives well after the grace time.
    """
    request = {"op": "stop", "grace_s": grace_s}
    try:
        await _ask(run_dir, request, until_closed_s=grace_s + LIMIT_S + 5.0)
    except RunnerGone:
        record = read_runner(run_dir)
        if not await _dies(run_dir) and record is not None:
            # It lives and its socket is gone: whoever took that away gets no time to end in order.
            await asyncio.to_thread(kill_tree, record.pid)
            if not await _dies(run_dir):
                raise
    await _dies(run_dir)
    return read_exit(run_dir)


class RunnerGone(FleetError):
    """Nobody listens on the runner's socket."""


def runner_alive(run_dir: Path) -> bool:
    """Whether the recorded runner still lives: same pid and same life of it; a zombie is dead."""
    record = read_runner(run_dir)
    return record is not None and _lives(record)


def is_of_another_boot(run_dir: Path) -> bool:
    """Whether the recorded runner lived before the host was restarted."""
    record, boot = read_runner(run_dir), proctree.boot_id()
    return record is not None and bool(boot) and not record.identity.startswith(f"{boot}:")


async def kill_leftovers(run_dir: Path) -> int:
    """Kill what a dead runner left behind, found by the run's mark in the environment; how many processes.

    A process that dropped its environment *and* lost its marked parent is not found: only a pid namespace holds that.

    Raises:
        Conflict: the runner is alive; stop the run instead.
    """
    if runner_alive(run_dir):
        raise Conflict("the run is alive", str(run_dir), "stop it instead")
    with contextlib.suppress(ValueError):
        run = records.read_spec(run_dir).run
        return await asyncio.to_thread(kill_marked, run)
    return 0


def find_run(lineage: Iterable[psutil.Process], runners: Mapping[str, RunnerRecord]) -> str | None:
    """The run whose runner is in the :func:`proctree.lineage` of a process; None when no living one is."""
    by_pid = {record.pid: (run, record) for run, record in runners.items()}
    for process in lineage:
        run, record = by_pid.get(process.pid, (None, None))
        if run is not None and record is not None and _lives(record):
            return run
    return None


async def _dies(run_dir: Path, limit_s: float = 2.0) -> bool:
    # The socket closes a moment before the process is gone.
    deadline = time.monotonic() + limit_s
    while runner_alive(run_dir):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _lives(record: RunnerRecord) -> bool:
    return bool(record.identity) and proctree.identity(record.pid) == record.identity


def kill_marked(run: str) -> int:
    """Kill every process that carries this mark in its environment; how many. Blocks for up to some seconds."""
    killed: set[int] = set()
    for _ in range(5):  # a process may fork between the look and the kill
        members = proctree.marked(records.MARKER, run)
        if not members:
            break
        proctree.send(members, signal.SIGKILL)
        killed.update(process.pid for process in members)
        proctree.wait(members, limit_s=1.0)
    return len(killed)


async def _ask(run_dir: Path, request: dict[str, Any], *, until_closed_s: float | None = None) -> dict[str, Any]:
    try:
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await asyncio.open_unix_connection(str(run_dir / records.SOCKET))
    except (OSError, TimeoutError) as error:
        raise RunnerGone("the runner is gone", f"{run_dir}: {error}", "the run has ended or crashed") from error
    try:
        async with asyncio.timeout(LIMIT_S):
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            line = await _line(reader, run_dir)
        if until_closed_s is not None:
            async with asyncio.timeout(until_closed_s):
                await reader.read()
    except TimeoutError:
        raise FleetError("the runner does not answer", str(run_dir), "see `fleet doctor`") from None
    except OSError as error:
        raise RunnerGone("the runner is gone", f"{run_dir}: {error}", "the run has ended or crashed") from error
    finally:
        writer.close()
    return _reply(run_dir, line)


async def _line(reader: asyncio.StreamReader, run_dir: Path) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any answer of ours
        raise _odd(run_dir) from None


def _odd(run_dir: Path) -> FleetError:
    return FleetError("the runner answers oddly", str(run_dir), "something else listens on its socket")


def _reply(run_dir: Path, line: bytes) -> dict[str, Any]:
    if not line:
        raise RunnerGone("the runner is gone", str(run_dir), "the run has ended or crashed")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise _odd(run_dir) from None
    if not isinstance(data, dict) or "error" in data:
        raise FleetError("the runner refused", str(data), "see the run's state")
    return data


def _status(data: dict[str, Any]) -> RunnerStatus:
    try:
        return RunnerStatus(
            state=str(data["state"]),
            active_ms=int(data["active_ms"]),
            frozen=bool(data["frozen"]),
            child_pid=data["child_pid"],
            processes=int(data["processes"]),
            complete=bool(data.get("complete", True)),
            spent=bool(data.get("spent", False)),
            idle=bool(data.get("idle", False)),
            limit_ms=data.get("limit_ms"),
            cpu_s=float(data["cpu_s"]) if "cpu_s" in data else None,
            full=bool(data.get("full", False)),
            memory_mb=data.get("memory_mb"),
            memory_limit_mb=data.get("memory_limit_mb"),
            kills=int(data.get("kills", 0)),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FleetError("the runner answers oddly", repr(error), "something else listens on its socket") from error


def restless(runner_pids: Iterable[int]) -> set[int]:
    """The runners below which anything still runs, by the kernel's word: one look for all. Blocks for milliseconds."""
    return proctree.restless_below(runner_pids)


def freeze_tree(runner_pid: int) -> bool:
    """Stop everything below the runner without its help; whether nothing was left running. Blocks up to a second.

    The runner is told first, for it continues a child that somebody else stops.
    """
    with contextlib.suppress(psutil.Error):
        psutil.Process(runner_pid).send_signal(proctree.HOLD_STILL)
    return proctree.Tree(runner_pid, adopts=True).freeze().complete


def kill_tree(runner_pid: int) -> None:
    """End everything below the runner and the runner itself, without asking it."""
    tree = proctree.Tree(runner_pid, adopts=True)
    for _ in range(5):  # a process may fork between the look and the kill
        if not tree.signal(signal.SIGKILL):
            break
    with contextlib.suppress(psutil.Error):
        psutil.Process(runner_pid).kill()
