"""Files that anybody may have written, read and replaced without surprises."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from fleet_tui.domain.errors import FleetError

MAX_BYTES = 4 * 1024 * 1024


def read_regular(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a regular file; a link is not followed, a FIFO does not block.

    Raises:
        FleetError: a link, not a regular file, too large.
        FileNotFoundError: it is gone.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = "a symbolic link" if error.errno == errno.ELOOP else os.strerror(error.errno or 0)
        raise FleetError("cannot read the file", f"{path.name}: {what}", "replace it with a regular file") from error
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
        content = _read(handle, max_bytes + 1) if regular else b""
    finally:
        os.close(handle)
    if not regular:
        raise FleetError("cannot read the file", f"{path.name}: not a regular file", "replace it with a regular file")
    if len(content) > max_bytes:
        raise FleetError("file too large", f"{path.name}: more than {max_bytes} bytes", "make it shorter")
    return content


def _read(handle: int, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0 and (part := os.read(handle, limit)):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def create_exclusively(path: Path, content: bytes) -> bool:
    """Write a new file in one step; False when the name is taken (even by a dangling link)."""
    fresh = _written(path.parent, content)
    try:
        os.link(fresh, path, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def replace(path: Path, content: bytes) -> None:
    """Replace a file in one step, keeping its permissions: a reader sees the old content or the new."""
    fresh = _written(path.parent, content)
    try:
        with contextlib.suppress(OSError):
            fresh.chmod(stat.S_IMODE(path.lstat().st_mode))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_directory(path.parent)


def _written(directory: Path, content: bytes) -> Path:
    path = directory / f".{secrets.token_hex(8)}.tmp"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def sync_directory(path: Path) -> None:
    """Make names in ``path`` durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
