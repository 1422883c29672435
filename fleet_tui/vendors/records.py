"""What vendors' programs leave in their own files, read as something that an agent may have written."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from fleet_tui.beneath import Beneath

MOST_BYTES = 4_000_000
MOST_FOLDERS = 300
_MOST_NAMES = 2_000
_MOST_COUNTED = 10**12
_MOST_NAMES_IN_ALL = 20_000


def read_object(top: Beneath, path: bytes, most: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in a file; empty when there is none, or none that can be read."""
    try:
        with top.open(path) as file:
            value = json.loads(file.read(most))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects among ``lines``, one a line; what is none is passed over."""
    for line in lines:
        if line[:1] != b"{":
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def only(home: Path, path: bytes) -> tuple[bytes, ...]:
    """``path`` below ``home``, where it is a regular file: a session of one transcript. May block."""
    try:
        with Beneath(home) as top:
            return (path,) if Search(top).has(path) else ()
    except OSError:
        return ()


class Search:
    """Looks through folders that an agent fills: no more than :data:`MOST_FOLDERS` of them, and not at more names than
    can be seen in an instant. The last names come first."""

    def __init__(self, top: Beneath) -> None:
        self._top = top
        self._left = MOST_FOLDERS
        self._names_left = _MOST_NAMES_IN_ALL

    def has(self, path: bytes) -> bool:
        """Whether there is this regular file, among however many others."""
        try:
            return stat.S_ISREG(self._top.stat(path).st_mode)
        except OSError:
            return False

    def files(self, folder: bytes, suffix: bytes, most: int = _MOST_NAMES) -> list[bytes]:
        """The regular files in ``folder`` that end with ``suffix``; none when it is missing."""
        return self._of_kind(folder, stat.S_IFREG, suffix)[:most]

    def folders(self, folder: bytes) -> list[bytes]:
        """The folders in ``folder``; none when it is missing."""
        return self._of_kind(folder, stat.S_IFDIR)

    def _of_kind(self, folder: bytes, wanted: int, suffix: bytes = b"") -> list[bytes]:
        if self._left <= 0 or self._names_left <= 0:
            return []
        self._left -= 1
        try:
            entries = self._top.entries(folder, most=min(_MOST_NAMES, self._names_left))
        except OSError:
            return []
        self._names_left -= len(entries)
        names = sorted((name for name, kind in entries if kind == wanted and name.endswith(suffix)), reverse=True)
        return [folder + b"/" + name for name in names]


def count(value: object) -> int:
    """A number of tokens; what is none counts nothing. One that is too large stays so, for whoever is to be told."""
    return count_or_none(value) or 0


def count_or_none(value: object) -> int | None:
    """A number of tokens, 0 too; None for what is none."""
    return min(value, _MOST_COUNTED) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def instant_ns(value: object) -> int:
    """An instant in the words of ISO 8601, as ns UTC; 0 for what is none."""
    try:
        at = datetime.fromisoformat(text(value, 40))
        return int(at.timestamp() * 1_000) * 1_000_000 if at.tzinfo is not None else 0
    except (ValueError, OverflowError):
        return 0


def text(value: object, most: int = 4_000) -> str:
    """A text of somebody else's; what is none is empty."""
    return value[:most] if isinstance(value, str) else ""


def texts(content: object) -> str:
    """The text of a message, a line for each of its blocks that has one; it may be a plain text."""
    blocks = (
        [block.get("text") for block in content if isinstance(block, dict)] if isinstance(content, list) else [content]
    )
    return "\n".join(filter(None, (text(block, MOST_BYTES) for block in blocks)))
