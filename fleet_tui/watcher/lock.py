"""One watcher per fleet: an advisory file lock that the kernel drops with its holder, however that dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from fleet_tui.domain.errors import FleetError


class AlreadyRunning(FleetError):
    """Another watcher holds the fleet's lock."""

    exit_code = 1


class WatcherLock:
    """Holds ``flock`` on the lock file for the life of the process.

    The descriptor is close-on-exec, so no child keeps the lock alive. Who holds it is written into the file for
    people; it is never trusted: a stale text after a crash, or a recycled pid, means nothing while the lock is free.
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
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read_holder(self._path)
            os.close(fd)
            raise AlreadyRunning(
                "a watcher is already running",
                f"pid {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}",
                "use it as it is, or end it with `fleet watcher stop`",
            ) from None
        os.ftruncate(fd, 0)
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        os.write(fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": f"{since} UTC"}).encode())
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
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def read_holder(path: Path) -> dict[str, object]:
    """What the holder wrote about itself; empty when unreadable."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
