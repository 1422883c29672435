"""What vendors' programs leave in their own files, read as something that an agent may have written."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from typing import Any

from fleet_tui.beneath import Beneath

MOST_BYTES = 4_000_000
_MOST_NAMES = 2_000


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
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def files(top: Beneath, folder: bytes, suffix: bytes) -> list[bytes]:
    """The regular files in ``folder`` that end with ``suffix``; none when it is missing."""
    return [
        folder + b"/" + name for name, kind in _entries(top, folder) if kind == stat.S_IFREG and name.endswith(suffix)
    ]


def folders(top: Beneath, folder: bytes) -> list[bytes]:
    """The folders in ``folder``; none when it is missing."""
    return [folder + b"/" + name for name, kind in _entries(top, folder) if kind == stat.S_IFDIR]


def _entries(top: Beneath, folder: bytes) -> list[tuple[bytes, int]]:
    try:
        return top.entries(folder, most=_MOST_NAMES)
    except OSError:
        return []


def count(value: object) -> int:
    """A number of tokens; what is none counts nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12 else 0


def text(value: object, most: int = 4_000) -> str:
    """A text of somebody else's; what is none is empty."""
    return value[:most] if isinstance(value, str) else ""
