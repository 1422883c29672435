"""Requests that clients wrote to disk while the watcher was away.

``<spool>/new/<sequence>-<name>.json`` holds one request without token: whose directory it lies in says who sent it. The
directory belongs to an agent, so nothing in it is trusted: no link is followed, only small regular files are read.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_tui.bus import protocol
from fleet_tui.bus.protocol import BadFrame
from fleet_tui.domain.errors import FleetError

MAX_REQUESTS = 1000
"""Requests returned by one :func:`drain`; the rest comes with the next."""
SPOOLABLE = frozenset({"publish", "hook"})
"""What may wait on disk: sayings that must not be lost. A question has nobody left to answer it to."""
_MAX_BYTES = 16 * 1024 * 1024
_MAX_SET_ASIDE = 100
_NAME = re.compile(r"[0-9]{12}-[A-Za-z0-9._:-]{1,100}\.json\Z")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

log = logging.getLogger(__name__)


class BadSpool(FleetError):
    """The agent, or an accident, made of its spool what nothing can be taken from or removed from."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "the spool cannot be used", f"{path}: {problem}", "make it a directory of yours with mode 0700 again"
        )


@dataclass(frozen=True, slots=True)
class SpooledRequest:
    """One request in the order of the spool; ``queued_ns`` is the file's time and only informs."""

    id: str
    op: str
    args: dict[str, Any]
    queued_ns: int
    spool: Path
    name: str


def drain(spool_dir: Path) -> list[SpooledRequest]:
    """What waits in the spool, oldest first; call :func:`done` for each after it is recorded.

    Until then it is returned again, so the request id must be used as the idempotency key. Corrupt and odd entries are
    set aside in ``<spool>/bad`` and logged. Reads files: call it in a thread.

    Raises:
        BadSpool: it is there, and is a link, no directory, or closed to us.
    """
    try:
        with _opened(spool_dir, "new") as new, os.scandir(new) as entries:
            names = heapq.nsmallest(MAX_REQUESTS, (entry.name for entry in entries if _NAME.match(entry.name)))
            return list(_read_all(spool_dir, new, names, spool_dir.lstat().st_uid))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadSpool(spool_dir, str(error.strerror)) from error


def done(request: SpooledRequest) -> None:
    """Forget ``request``: it is recorded.

    Raises:
        BadSpool: it cannot be removed, and comes again with the next :func:`drain`.
    """
    try:
        with _opened(request.spool, "new") as new:
            os.unlink(request.name, dir_fd=new)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BadSpool(request.spool, f"{request.name} cannot be removed: {error.strerror}") from error


def _read_all(spool_dir: Path, new: int, names: list[str], owner: int) -> Iterator[SpooledRequest]:
    total = 0
    for name in names:
        try:
            body, queued_ns = _read(new, name, owner)
            parsed = _spoolable(protocol.parse_request(body))
        except FileNotFoundError:
            continue
        except (OSError, BadFrame) as error:
            log.warning("spool %s: %s set aside: %s", spool_dir, name, error)
            _set_aside(spool_dir, new, name)
            continue
        total += len(body)
        if total > _MAX_BYTES:
            return
        yield SpooledRequest(parsed.id, parsed.op, parsed.args, queued_ns, spool_dir, name)


def _spoolable(request: protocol.Request) -> protocol.Request:
    if request.op not in SPOOLABLE:
        raise BadFrame("odd entry", f"`{request.op}` cannot wait")
    return request


def _read(new: int, name: str, owner: int) -> tuple[bytes, int]:
    # Without O_NONBLOCK the open of a FIFO would wait for its writer for ever.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=new)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != owner:
            raise BadFrame("odd entry", "not a regular file of the spool's owner")
        if info.st_size > protocol.MAX_FRAME:
            raise BadFrame("too large", f"{info.st_size} bytes")
        return os.read(descriptor, protocol.MAX_FRAME + 1), info.st_mtime_ns
    finally:
        os.close(descriptor)


def _set_aside(spool_dir: Path, new: int, name: str) -> None:
    with contextlib.suppress(OSError):
        (spool_dir / "bad").mkdir(mode=0o700)
    try:
        if not _kept(spool_dir, new, name):
            os.unlink(name, dir_fd=new)
    except OSError as error:
        # For example a directory with a request's name: it stays, and is passed over each time.
        log.warning("spool %s: %s cannot be set aside: %s", spool_dir, name, error)


def _kept(spool_dir: Path, new: int, name: str) -> bool:
    """Whether the entry could be moved to ``bad``: there may be no room, or no such directory."""
    try:
        with _opened(spool_dir, "bad") as bad:
            if sum(1 for _ in os.scandir(bad)) >= _MAX_SET_ASIDE:
                return False
            os.rename(name, name, src_dir_fd=new, dst_dir_fd=bad)
            return True
    except OSError:
        return False


@contextlib.contextmanager
def _opened(spool_dir: Path, name: str) -> Iterator[int]:
    """A descriptor of the spool's sub-directory, reached without following a link.

    Raises:
        OSError: it is not there, or not a directory that we may open.
    """
    outer = os.open(spool_dir, _DIRECTORY)
    try:
        inner = os.open(name, _DIRECTORY, dir_fd=outer)
    finally:
        os.close(outer)
    try:
        yield inner
    finally:
        os.close(inner)
