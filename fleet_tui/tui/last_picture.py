"""What the wall last showed, kept for the next start: on the terminal at once, while everything else is being loaded.

It is text for eyes only: dimmed, under a line that says what it is and how old. Nothing can be done in it, and the room
knows nothing of it. Imports nothing of Textual, which takes longer to load than this takes to be seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from fleet_tui.domain.text import clean

MOST_BYTES = 1_000_000
OLDEST_NS = 24 * 3_600_000_000_000
"""What is older says nothing about now."""
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J", "\x1b[?25h\x1b[?1049l"

Size = tuple[int, int]
"""Columns and rows."""


class LastPicture:
    """The picture in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_shown = False

    def keep(self, rows: Sequence[str], size: Size, at_ns: int) -> None:
        """Save what is shown now. A picture that cannot be saved is none the next time."""
        text = json.dumps({"at_ns": at_ns, "size": size, "rows": list(rows)})
        partly = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            with os.fdopen(os.open(partly, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            partly.replace(self._path)

    def rows(self, size: Size, now_ns: int) -> list[str]:
        """The saved rows with their first one replaced; empty when there is no picture of this size, or it is too
        old."""
        found = self._read()
        at_ns, saved, rows = found.get("at_ns"), found.get("size"), found.get("rows")
        if not isinstance(at_ns, int) or not isinstance(rows, list) or saved != list(size):
            return []
        if not 0 <= now_ns - at_ns <= OLDEST_NS or len(rows) != size[1]:
            return []
        # An agent without a sandbox can write what this user can.
        safe = [" ".join(clean(str(row)).split("\n")).replace("\t", " ")[: size[0]] for row in rows]
        return [_heading(at_ns, now_ns)[: size[0]], *safe[1:]]

    @contextlib.contextmanager
    def on(self, out: TextIO | None, now_ns: int | None = None) -> Iterator[None]:
        """Show it on the terminal ``out`` while something else is being loaded, or nothing when there is none or
        ``out`` is no terminal. It goes at the end, unless somebody has taken the screen over."""
        self._show(out, time.time_ns() if now_ns is None else now_ns)
        try:
            yield
        finally:
            if self._is_shown and out is not None:
                self._is_shown = False
                out.write(_LEAVE)
                out.flush()

    def taken_over(self) -> None:
        """The screen belongs to a program that will restore it."""
        self._is_shown = False

    def _show(self, out: TextIO | None, now_ns: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            if out is None or not out.isatty():
                return
            columns, lines = os.get_terminal_size(out.fileno())
            rows = self.rows((columns, lines), now_ns)
            if rows:
                body = "".join(f"\x1b[{y};1H{row}" for y, row in enumerate(rows[1:], start=2))
                out.write(f"{_ENTER}\x1b[1;1H{rows[0]}\x1b[2m{body}\x1b[0m")
                out.flush()
                self._is_shown = True

    def _read(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError):
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                known = os.fstat(descriptor)
                if stat.S_ISREG(known.st_mode) and known.st_uid == os.getuid() and known.st_size <= MOST_BYTES:
                    found = json.loads(file.read(MOST_BYTES))
                    return found if isinstance(found, dict) else {}
        return {}


def _heading(at_ns: int, now_ns: int) -> str:
    """``loading: this is what the wall showed at 13:20:05, 4 min ago``; UTC."""
    seconds = (now_ns - at_ns) // 1_000_000_000
    age = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"
    at = time.strftime("%H:%M:%S", time.gmtime(at_ns // 1_000_000_000))
    return f" loading: this is what the wall showed at {at}, {age} ago"
