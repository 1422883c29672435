"""A workspace held as it is: its gate takes nothing in, and nothing in it can be changed by an ordinary write.

For the same user this is no wall, only in the way; the processes that could take it down are frozen.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_RECORD = "held.json"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def is_held(home: Path) -> bool:
    return (home / _RECORD).exists()


def hold(home: Path, tree: Path) -> int:
    """Take the right to write from everything below ``tree``; how many files and folders that were. Idempotent.

    What could be written is written down first, beside the tree, so that :func:`let_go` gives back just that.
    """
    if is_held(home):
        return 0
    modes = {os.path.relpath(path, tree): mode for path, mode in _writable(tree)}
    draft = home / f"{_RECORD}.new"
    draft.write_text(json.dumps(modes), encoding="utf-8")
    draft.replace(home / _RECORD)
    for path, mode in ((tree / name, mode) for name, mode in modes.items()):
        _set(path, mode & ~_WRITE)
    return len(modes)


def let_go(home: Path, tree: Path) -> None:
    """Give back what :func:`hold` took. Idempotent."""
    try:
        modes = json.loads((home / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        modes = {}
    # A folder before what is in it: in one that cannot be written, nothing can be changed either.
    for name, mode in sorted(modes.items()) if isinstance(modes, dict) else ():
        path = tree / name
        if isinstance(mode, int) and _is_below(path, tree):
            _set(path, stat.S_IMODE(mode))
    (home / _RECORD).unlink(missing_ok=True)


def _writable(tree: Path) -> Iterator[tuple[str, int]]:
    for folder, _folders, files in os.walk(tree, followlinks=False):
        for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118 - thousands of them
            info = os.lstat(path)
            if not stat.S_ISLNK(info.st_mode) and info.st_mode & _WRITE:
                yield path, stat.S_IMODE(info.st_mode)


def _is_below(path: Path, tree: Path) -> bool:
    normal = os.path.normpath(path)
    return normal == str(tree) or normal.startswith(f"{tree}{os.sep}")


def _set(path: Path, mode: int) -> None:
    """Through a descriptor that follows no link: the name may be something else by now."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fchmod(handle, mode)
    finally:
        os.close(handle)
