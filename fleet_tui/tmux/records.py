"""The small files through which a runner and the watcher know of each other. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SPEC, RUNNER, EXIT, METER, SOCKET = "spec.json", "runner.json", "exit.json", "meter.json", "runner.sock"
_MOST_BYTES = 16 * 1024 * 1024
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that say nothing of what was looked at: whoever looks is short of something."""
MARKER = "FLEET_RUN"
"""The environment variable that tells which run a process belongs to."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a runner is to start. ``env`` is the complete environment; ``grace_s`` lies between TERM and KILL.

    ``sandboxed``: the child and its own child are a sandbox's, whose end takes everything inside along. ``proxy``: the
    command that is its way to the network, see :mod:`fleet_tui.tmux.egress`. ``limit_ms``: the run time at which it is
    stopped unless more is granted meanwhile; None: it has no limit. ``memory_mb``: the same for its memory.
    """

    run: str
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    stdin_file: str | None = None
    grace_s: float = 5.0
    sandboxed: bool = False
    proxy: tuple[str, ...] = ()
    limit_ms: int | None = None
    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class RunnerRecord:
    """The runner of a run. ``identity`` tells this life of ``pid`` from a later process with the same number."""

    pid: int
    create_time: float
    child_pid: int | None
    started_ns: int
    identity: str


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """How the child ended. ``reason``: exited, signalled, stopped, hangup, terminated, or ``start failed: …``.

    ``exit_code`` is None when a signal ended it; ``survivors`` counts processes that even SIGKILL did not end.
    """

    exit_code: int | None
    signal: int | None
    active_ms: int
    reason: str
    ended_ns: int
    survivors: int = 0


def write_spec(run_dir: Path, spec: RunSpec) -> None:
    """Put ``spec`` where the runner looks for it."""
    write_json(run_dir / SPEC, asdict(spec))


def read_spec(run_dir: Path) -> RunSpec:
    """The run's specification.

    Raises:
        ValueError: missing, unreadable, or not of the expected shape.
    """
    data = read_json(run_dir / SPEC)
    try:
        return RunSpec(
            run=str(data["run"]),
            argv=tuple(str(word) for word in data["argv"]),
            cwd=str(data["cwd"]),
            env={str(name): str(value) for name, value in data["env"].items()},
            stdin_file=data.get("stdin_file"),
            grace_s=float(data.get("grace_s", 5.0)),
            sandboxed=bool(data.get("sandboxed", False)),
            proxy=tuple(str(word) for word in data.get("proxy", ())),
            limit_ms=None if data.get("limit_ms") is None else int(data["limit_ms"]),
            memory_mb=None if data.get("memory_mb") is None else int(data["memory_mb"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{run_dir / SPEC}: {error!r}") from error


def read_runner(run_dir: Path) -> RunnerRecord | None:
    """The runner's record; None when it has not written one (or it is not understood)."""
    try:
        return RunnerRecord(**read_json(run_dir / RUNNER))
    except (ValueError, TypeError):
        return None


def read_exit(run_dir: Path) -> ExitRecord | None:
    """How the run ended; None while it has not, or when its runner was killed before it could say."""
    try:
        return ExitRecord(**read_json(run_dir / EXIT))
    except (ValueError, TypeError):
        return None


def write_exit(run_dir: Path, record: ExitRecord) -> None:
    """Say how the run ended."""
    write_json(run_dir / EXIT, asdict(record))


def read_meter_ms(run_dir: Path) -> int:
    """The last persisted run time in milliseconds, at most five seconds old while the runner lives; 0 when unknown."""
    try:
        return int(read_json(run_dir / METER)["active_ms"])
    except (ValueError, KeyError, TypeError):
        return 0


def read_json(path: Path) -> dict[str, Any]:
    """The object in ``path``.

    Raises:
        ValueError: missing, unreadable, or not a JSON object.
        OSError: nothing can be opened at all now. Nobody is dead for that.
    """
    # The directory is the agent's: a pipe there must not be waited for, and depth must not be what ends the watcher.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError(f"{path}: not a regular file")
            data = json.loads(file.read(_MOST_BYTES))
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        raise ValueError(f"{path}: {error.strerror}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not an object")  # noqa: TRY004 - one error for every bad file
    return data


def write_json(path: Path, data: dict[str, Any], *, durable: bool = True) -> None:
    """Replace ``path`` in one step, readable by its owner only; ``durable`` waits for the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if durable:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
