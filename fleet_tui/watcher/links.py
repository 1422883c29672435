"""What a path leads to on the disk: through symbolic links, and through the names that a glob stands for."""

from __future__ import annotations

import glob
import os
from itertools import islice

from fleet_tui.governance.guard.acts import OnDisk
from fleet_tui.governance.guard.text import GLOB, OPAQUE

_MOST_NAMES = 200
_MOST_GLOBS = 2
"""More of them in one path could make looking slower than the act."""
_MOST_PATTERNS = 32
_MOST_PATHS = 4_000


def lookup() -> OnDisk:
    """:func:`leads_to` for one decision: a line of ten thousand words is not to keep the watcher busy, so what comes
    after the bounds is judged as it is written."""
    seen: dict[str, tuple[str, ...]] = {}
    patterns = 0

    def look(path: str) -> tuple[str, ...]:
        nonlocal patterns
        if path not in seen:
            patterns += GLOB in path
            if len(seen) >= _MOST_PATHS or (GLOB in path and patterns > _MOST_PATTERNS):
                return ()
            seen[path] = leads_to(path)
        return seen[path]

    return look


def leads_to(path: str) -> tuple[str, ...]:
    """The real places behind the absolute ``path`` that it does not name itself; none when they cannot be known."""
    if OPAQUE in path:
        return ()
    names = [path]
    if GLOB in path:
        if path.count(GLOB) > _MOST_GLOBS:
            return ()
        pattern = "*".join(glob.escape(part) for part in path.split(GLOB))
        # A pattern from the root: Path.glob would want it relative.
        names = list(islice(glob.iglob(pattern, include_hidden=True), _MOST_NAMES))  # noqa: PTH207
    try:
        ends = (end for name in names for end in (name, os.path.realpath(name)))
        return tuple(dict.fromkeys(end for end in ends if end != path))
    except (OSError, ValueError):
        return ()
