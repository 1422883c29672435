"""A diff as an answer of the bus: names revealed, and as much of it as one frame holds."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.bus.protocol import MAX_FRAME
from fleet_tui.domain.text import reveal_name
from fleet_tui.git.values import FileDiff, Hunk

_ROOM = MAX_FRAME - 2_000
"""Bytes for the files; the rest is for what stands around them."""


def answer(files: list[FileDiff], wanted: object = None) -> list[dict[str, Any]]:
    """The files, or the one called ``wanted``; what does not fit keeps its head line and says so."""
    shown = [_file(file) for file in files if wanted is None or reveal_name(file.change.path) == wanted]
    return _fit(shown)


def _file(file: FileDiff) -> dict[str, Any]:
    change = file.change
    return {
        "path": reveal_name(change.path),
        "old_path": reveal_name(change.old_path) if change.old_path else None,
        "status": change.status,
        "added": change.added,
        "deleted": change.deleted,
        "binary": change.binary,
        "truncated": file.truncated,
        "hunks": [
            {"header": _header(hunk), "lines": [[line.kind, line.old, line.new, line.text] for line in hunk.lines]}
            for hunk in file.hunks
        ],
    }


def _header(hunk: Hunk) -> str:
    return f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@ {hunk.heading}".rstrip()


def _fit(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As much of the diff as one frame of the bus holds; a file that does not fit keeps its head line and says so."""
    room = _ROOM - sum(_size({**file, "hunks": []}) for file in files)
    for file in files:
        size = _size(file["hunks"])
        if size > room:
            file["hunks"], file["truncated"] = [], True
        else:
            room -= size
    return files


def _size(value: object) -> int:
    """Bytes on the bus, where a character outside of ASCII takes six or twelve."""
    return len(json.dumps(value)) + 1
