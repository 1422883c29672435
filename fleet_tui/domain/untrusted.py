"""Reading files that lie where an agent can write: nothing there is waited for, followed or read without end."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: Path, limit: int) -> bytes:
    """At most ``limit`` bytes of a regular file.

    Raises:
        OSError: it is missing, unreadable, or no regular file (a link, a pipe, a device).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        return file.read(limit)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        OSError: something of that name is there, whatever it is.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
