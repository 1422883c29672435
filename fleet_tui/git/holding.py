"""A workspace held as it is: its gate takes nothing in, and nothing in it can be changed by an ordinary write.

For the same user this is no wall, only in the way; the processes that could take it down are frozen.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fleet_tui.domain.untrusted import read_regular, write_new

_PREFIX = ".held-"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


_MOST_BYTES = 64 * 1024 * 1024


def record_of(home: Path) -> Path:
    """Where is written down what was taken: beside the workspace's home, out of the way of what happens in it."""
    return home.with_name(f"{_PREFIX}{home.name}.json")


def is_held(home: Path) -> bool:
    return os.path.lexists(record_of(home))


def held(root: Path) -> set[int]:
    """The workspaces of ``root`` that are held."""
    names = (path.stem.removeprefix(_PREFIX) for path in root.glob(f"{_PREFIX}*.json"))
    return {int(name) for name in names if name.isdecimal()}


def hold(home: Path, tree: Path) -> int:
    """Take the right to write from everything below ``tree``; how many files and folders that were. Idempotent.

    What could be written is written down first, beside the tree, so that :func:`let_go` gives back just that.
    """
    if is_held(home):
        return 0
    modes = {os.path.relpath(path, tree): mode for path, mode in _writable(tree)}
    draft = home.with_name(f".new-held-{home.name}")
    draft.unlink(missing_ok=True)
    write_new(draft, json.dumps(modes).encode())
    draft.replace(record_of(home))
    for path, mode in ((tree / name, mode) for name, mode in modes.items()):
        _set(path, mode & ~_WRITE)
    return len(modes)


def let_go(home: Path, tree: Path) -> None:
    """Give back what :func:`hold` took. Idempotent."""
    try:
        modes = json.loads(read_regular(record_of(home), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        modes = {}
    # A folder before what is in it: in one that cannot be written, nothing can be changed either.
    for name, mode in sorted(modes.items()) if isinstance(modes, dict) else ():
        path = tree / name
        if isinstance(mode, int) and _is_below(path, tree):
            _set(path, stat.S_IMODE(mode))
    record_of(home).unlink(missing_ok=True)


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
