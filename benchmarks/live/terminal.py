"""A terminal of fixed size around one program: counts its bytes, finds markers and echoes, types keys, read slowly."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_MARK = re.compile(rb"(\d{6})P(\d{3})")
KEYS = "äöüéèà"
"""Bound to nothing: the answer to each names it."""
_ECHO = re.compile(f"({'|'.join(KEYS)}): does nothing".encode())
ASKS_SYNC, HAS_SYNC = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_TICK_S = 0.02
_KEPT = 100_000


class Terminal:
    """Start with :meth:`open`; what is measured is kept from :meth:`measure` on."""

    def __init__(self, size: tuple[int, int], rate: int = 0) -> None:
        self.size, self.rate = size, rate
        self.bytes = 0
        self.written = b""
        """The last of it."""
        self.seen: list[tuple[int, int, int]] = []
        """When (monotonic ns) which pane's marker with which number arrived."""
        self.echoes: list[int] = []
        """Nanoseconds from a key to its echo."""
        self._typed: tuple[str, int] | None = None
        self._rest = b""
        self._since_ns = time.monotonic_ns()
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
        # The size is this terminal's, not that of the one in which all this was started.
        its_own = {name: value for name, value in env.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self._fd, other = pty.openpty()
        columns, rows = self.size
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # The shell's `exec` runs after setsid, so opening the terminal makes it the controlling one; tmux writes to its
        # standard input.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', os.ttyname(other), *argv],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=cwd,
            env={**its_own, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(other)
        os.set_blocking(self._fd, False)
        if self.rate:
            self._tasks.append(asyncio.create_task(self._read_slowly()))
        else:
            asyncio.get_running_loop().add_reader(self._fd, self._read, 1 << 20)

    def measure(self) -> None:
        """Forget what was measured so far."""
        self.bytes, self._since_ns = 0, time.monotonic_ns()
        self.echoes.clear()
        self.seen.clear()

    def type_keys(self, per_s: float) -> None:
        self._tasks.append(asyncio.create_task(self._type(per_s)))

    def press(self, key: str) -> None:
        self.send(key.encode())

    def send(self, data: bytes) -> None:
        """What a person or the terminal itself writes."""
        os.write(self._fd, data)

    @property
    def waiting(self) -> int:
        """Bytes that were written and not taken yet."""
        return int.from_bytes(fcntl.ioctl(self._fd, termios.FIONREAD, b"\0" * 4), sys.byteorder)

    @property
    def rate_seen(self) -> float:
        """Bytes a second since :meth:`measure`."""
        return self.bytes / max(1e-9, (time.monotonic_ns() - self._since_ns) / 1e9)

    def waiting_ns(self, now_ns: int) -> int:
        """How long the last key has been waiting for its echo; 0 when it has come."""
        return now_ns - self._typed[1] if self._typed is not None else 0

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._fd)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        os.close(self._fd)
        await asyncio.to_thread(self.process.wait)

    def _read(self, most: int) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self._fd, most)
            if data:
                self._took(data)

    async def _read_slowly(self) -> None:
        due_s = time.monotonic()
        while True:
            self._read(int(self.rate * _TICK_S))
            due_s = max(due_s + _TICK_S, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _type(self, per_s: float) -> None:
        count = 0
        while True:
            await asyncio.sleep(1.0 / per_s)
            if self._typed is not None:
                continue  # not yet answered: typing on would only measure the queue of keys
            key = KEYS[count % len(KEYS)]
            count += 1
            self._typed = (key, time.monotonic_ns())
            self.send(key.encode())

    def _took(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        self.bytes += len(data)
        self.written = (self.written + data)[-_KEPT:]
        text = self._rest + data
        if ASKS_SYNC in text:
            self.send(HAS_SYNC)
        for match in _MARK.finditer(text):
            if match.end() > len(self._rest):
                self.seen.append((now_ns, int(match[2]), int(match[1][::-1])))
        for match in _ECHO.finditer(text):
            if self._typed is not None and match[1].decode() == self._typed[0] and match.end() > len(self._rest):
                self.echoes.append(now_ns - self._typed[1])
                self._typed = None
        self._rest = text[-32:] if ASKS_SYNC not in text else b""
