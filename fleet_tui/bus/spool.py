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

MAX_REQUESTS = 1000
"""Requests returned by one :func:`drain`; the rest comes with the next."""
SPOOLABLE = frozenset({"publish", "hook"})
"""What may wait on disk: sayings that must not be lost. A question has nobody left to answer it to."""
_MAX_BYTES = 16 * 1024 * 1024
_MAX_SET_ASIDE = 100
_NAME = re.compile(r"[0-9]{12}-[A-Za-z0-9._:-]{1,100}\.json\Z")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

log = logging.getLogger(__name__)


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
    """
    with _opened(spool_dir, "new") as new:
        if new is None:
            return []
        with os.scandir(new) as entries:
            names = heapq.nsmallest(MAX_REQUESTS, (entry.name for entry in entries if _NAME.match(entry.name)))
        return list(_read_all(spool_dir, new, names))


def done(request: SpooledRequest) -> None:
    """Forget ``request``: it is recorded."""
    with _opened(request.spool, "new") as new, contextlib.suppress(FileNotFoundError):
        if new is not None:
            os.unlink(request.name, dir_fd=new)


def _read_all(spool_dir: Path, new: int, names: list[str]) -> Iterator[SpooledRequest]:
    total = 0
    for name in names:
        try:
            body, queued_ns = _read(new, name)
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


def _read(new: int, name: str) -> tuple[bytes, int]:
    # Without O_NONBLOCK the open of a FIFO would wait for its writer for ever.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=new)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid():
            raise BadFrame("odd entry", "not a regular file of ours")
        if info.st_size > protocol.MAX_FRAME:
            raise BadFrame("too large", f"{info.st_size} bytes")
        return os.read(descriptor, protocol.MAX_FRAME + 1), info.st_mtime_ns
    finally:
        os.close(descriptor)


def _set_aside(spool_dir: Path, new: int, name: str) -> None:
    with contextlib.suppress(FileExistsError, OSError):
        (spool_dir / "bad").mkdir(mode=0o700)
    with _opened(spool_dir, "bad") as bad:
        try:
            if bad is None or sum(1 for _ in os.scandir(bad)) >= _MAX_SET_ASIDE:
                os.unlink(name, dir_fd=new)
            else:
                os.rename(name, name, src_dir_fd=new, dst_dir_fd=bad)
        except OSError as error:
            # For example a directory with a request's name: it stays, and is passed over each time.
            log.warning("spool %s: %s cannot be set aside: %s", spool_dir, name, error)


@contextlib.contextmanager
def _opened(spool_dir: Path, name: str) -> Iterator[int | None]:
    """A descriptor of the spool's sub-directory, reached without following a link; None if it is not there."""
    try:
        outer = os.open(spool_dir, _DIRECTORY)
    except OSError:
        yield None
        return
    try:
        inner = os.open(name, _DIRECTORY, dir_fd=outer)
    except OSError:
        yield None
        return
    finally:
        os.close(outer)
    try:
        yield inner
    finally:
        os.close(inner)
