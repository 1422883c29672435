"""Waiting until a log may have grown, without asking it again and again.

On Linux the kernel tells of writes to the write-ahead log (inotify); where it does not, whoever waits must look by
itself. What is told is that something is being written: the commit may be complete only a moment later.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import sys
import time
from pathlib import Path

_MODIFY, _ATTRIB, _MOVE_SELF, _DELETE_SELF = 0x2, 0x4, 0x800, 0x400
_READ = 65_536


class Changes:
    """For one waiting thread; :meth:`poke` may be called from any."""

    def __init__(self, database: Path) -> None:
        self._log = os.fsencode(database.with_name(database.name + "-wal"))
        self._poked, self._poker = socket.socketpair()
        self._poked.setblocking(False)
        self._poker.setblocking(False)
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._inotify = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC) if self._libc is not None else -1

    def poke(self) -> None:
        """End the present wait, or the next one."""
        with contextlib.suppress(OSError):  # full: it is poked already; closed: nobody waits any more
            self._poker.send(b"!")

    def watch(self) -> bool:
        """Hear of writes from now on; False when nobody would tell. Call it before you look, so that none is missed."""
        if self._libc is None or self._inotify < 0:
            return False
        # Again each time: another file may stand there by now. For the same one it changes nothing.
        mask = _MODIFY | _ATTRIB | _MOVE_SELF | _DELETE_SELF
        return bool(self._libc.inotify_add_watch(self._inotify, self._log, mask) >= 0)

    def wait(self, limit_s: float, rest_s: float = 0.0) -> bool:
        """Return at the first write or poke, or after ``limit_s`` seconds; whether it was a write.

        Writes within the first ``rest_s`` seconds are heard at their end.
        """
        began_s = time.monotonic()
        if self._listen(rest_s, for_writes=False):
            return False
        self._listen(limit_s - (time.monotonic() - began_s), for_writes=True)
        with contextlib.suppress(OSError):
            return self._inotify >= 0 and bool(os.read(self._inotify, _READ))
        return False

    def _listen(self, limit_s: float, *, for_writes: bool) -> bool:
        """Wait; whether somebody poked."""
        if limit_s <= 0 and not for_writes:
            return False
        poll = select.poll()
        poll.register(self._poked, select.POLLIN)
        if for_writes and self._inotify >= 0:
            poll.register(self._inotify, select.POLLIN)
        poll.poll(max(0.0, limit_s) * 1000)
        with contextlib.suppress(BlockingIOError):
            return bool(self._poked.recv(_READ))
        return False

    def close(self) -> None:
        if self._inotify >= 0:
            os.close(self._inotify)
            self._inotify = -1
        self._poked.close()
        self._poker.close()
