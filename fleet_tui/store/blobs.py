"""Content-addressed texts that are too large for an event: ``blobs/ab/abcdef…``."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.store.errors import Corrupt, storage_error

_SHA = re.compile(r"[0-9a-f]{64}\Z")


def put(directory: Path, text: str) -> str:
    """Stores ``text`` durably; returns the SHA-256 of its UTF-8 bytes in hex. Storing it again costs nothing."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FleetError("cannot store a text", "it contains a lone surrogate", "clean the text first") from error
    sha = hashlib.sha256(data).hexdigest()
    target = _path(directory, sha)
    if target.is_file() and target.stat().st_size == len(data):
        return sha
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(target, data)
    except OSError as error:
        raise FleetError(
            "cannot store a text", f"{target}: {error.strerror}", "free some space and try again"
        ) from error
    return sha


def get(directory: Path, sha: str) -> str:
    """The text whose hash is ``sha``.

    Raises:
        FleetError: unknown, or not what was stored.
    """
    if not _SHA.match(sha):
        raise FleetError("not a blob", f"{sha[:80]!r} is not a SHA-256 in hex", "copy it from the event")
    path = _path(directory, sha)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FleetError("missing text", f"blob {sha} is not in {directory}", "restore it from a backup") from None
    except OSError as error:
        raise storage_error(error, path) from error
    if hashlib.sha256(data).hexdigest() != sha:
        raise Corrupt("damaged text", f"{path} does not have the hash it is named by", "restore it from a backup")
    return data.decode("utf-8")


def _path(directory: Path, sha: str) -> Path:
    return directory / sha[:2] / sha


def _write(target: Path, data: bytes) -> None:
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    for directory in (target.parent, target.parent.parent):
        sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Makes a rename or creation in ``directory`` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
