"""One watcher per fleet: an advisory file lock that the kernel drops with its holder, however that dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from fleet_tui.domain.errors import SetupError
from fleet_tui.tmux.proctree import identity

_PATIENCE_S, _LOOK_S = 0.3, 0.005


class AlreadyRunning(SetupError):
    """Another watcher holds the fleet's lock."""


class WatcherLock:
    """Holds ``flock`` on the lock file for the life of the process.

    The descriptor is close-on-exec, so no child keeps the lock alive. Who holds it is written into the file, with the
    life of the number that it has: a stale text after a crash, or a recycled pid, means nothing, and a holder that has
    only just come has not written itself down yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            AlreadyRunning: with pid, host and start time of the holder.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if not _lock_within(fd, _PATIENCE_S):
            holder = read_holder(self._path)
            os.close(fd)
            raise AlreadyRunning(
                "a watcher is already running",
                f"pid {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}",
                "use it as it is, or end it with `fleet watcher stop`",
            )
        os.ftruncate(fd, 0)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        me = {"pid": os.getpid(), "identity": identity(os.getpid()) or "", "host": socket.gethostname(), "since": since}
        os.write(fd, json.dumps(me).encode())
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> WatcherLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock now."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _lock_within(fd: int, patience_s: float) -> bool:
    """Whether the lock was got; whoever only looks whether it is free holds it for an instant as well."""
    deadline = time.monotonic() + patience_s
    while not _try_lock(fd, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def living_holder(path: Path) -> int | None:
    """The pid of who holds the lock now; None when nobody does, or it has not written itself down yet."""
    holder = read_holder(path)
    pid, life = holder.get("pid"), holder.get("identity")
    if not isinstance(pid, int) or not is_locked(path):
        return None
    # One of before wrote no life down.
    return pid if life is None or identity(pid) == life else None


def read_holder(path: Path) -> dict[str, object]:
    """What the holder wrote about itself; empty when unreadable."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
