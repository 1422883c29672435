"""The control room in a pseudo-terminal of the test's own: every byte it writes is kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pyte

from tests.e2e.e2e_support import Place

_ALONE_S = 0.3
PASTE = (b"\x1b[200~", b"\x1b[201~")


class PtyRoom:
    """``written`` is the stream, ``screen()`` what a terminal makes of it."""

    def __init__(self, place: Place, columns: int, rows: int) -> None:
        self.written = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        try:
            self.process = subprocess.Popen(
                ["setsid", "--ctty", *place.argv()],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=place.repository,
                env=place.env,
            )
        finally:
            os.close(slave)

    def keys(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def paste(self, text: bytes) -> None:
        self.keys(PASTE[0] + text + PASTE[1])

    def escape(self) -> None:
        """The key alone: what follows at once would be taken as a key with Alt."""
        self.keys(b"\x1b")
        end = time.monotonic() + _ALONE_S
        while time.monotonic() < end:
            self.read(0.05)

    def screen(self) -> str:
        return "\n".join(self._screen.display)

    def read(self, limit_s: float) -> bool:
        """Take what is there, at most for ``limit_s``; False when nothing came."""
        if not select.select([self._master], [], [], limit_s)[0]:
            return False
        with contextlib.suppress(OSError):  # the room has gone
            data = os.read(self._master, 65536)
            self.written += data
            self._stream.feed(data)
            return bool(data)
        return False

    def until(self, *texts: str, without: str = "", limit_s: float = 60) -> str:
        """The first screen that shows all of ``texts``, and not ``without``."""
        deadline = time.monotonic() + limit_s
        while True:
            while self.read(0.02):
                pass
            screen = self.screen()
            if all(text in screen for text in texts) and (not without or without not in screen):
                return screen
            assert self.process.poll() is None, f"the room ended: {self.process.returncode}\n{screen}"
            assert time.monotonic() < deadline, f"not within {limit_s:g} s: {texts}\n--- the screen:\n{screen}"
            self.read(0.2)

    def until_gone(self, limit_s: float = 60) -> None:
        """The room leaves by itself, and all that it wrote is there."""
        deadline = time.monotonic() + limit_s
        while self.read(0.1) or self.process.poll() is None:
            assert time.monotonic() < deadline, f"it is still there:\n{self.screen()}"

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        os.close(self._master)


@contextlib.contextmanager
def pty_room(place: Place, columns: int = 160, rows: int = 48) -> Iterator[PtyRoom]:
    """``fleet`` in a pseudo-terminal, killed afterwards if it has not left by itself."""
    opened = PtyRoom(place, columns, rows)
    try:
        yield opened
    finally:
        opened.close()
