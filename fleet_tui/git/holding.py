"""A workspace held as it is: its gate takes nothing in, and nothing in it can be changed by an ordinary write.

For the same user this is no wall, only in the way; the processes that could take it down are frozen.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from itertools import chain
from pathlib import Path

from fleet_tui.beneath import Beneath
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
    modes = _writable(tree)
    draft = home.with_name(f".new-held-{home.name}")
    draft.unlink(missing_ok=True)
    write_new(draft, json.dumps(modes).encode())
    draft.replace(record_of(home))
    _set(tree, [(name, mode & ~_WRITE) for name, mode in modes.items()])
    return len(modes)


def let_go(home: Path, tree: Path) -> None:
    """Give back what :func:`hold` took. Idempotent."""
    try:
        modes = json.loads(read_regular(record_of(home), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        modes = {}
    # A folder before what is in it: in one that cannot be written, nothing can be changed either.
    given = sorted(modes.items()) if isinstance(modes, dict) else []
    _set(tree, [(name, stat.S_IMODE(mode)) for name, mode in given if isinstance(mode, int)])
    record_of(home).unlink(missing_ok=True)


def _writable(tree: Path) -> dict[str, int]:
    """The mode of everything that can be written, the tree itself (``.``) included, by its path in it."""
    try:
        top = Beneath(tree)
    except OSError:
        return {}
    modes = {}
    with top:
        for path, kind in chain([(b"", stat.S_IFDIR)], top.walk()):
            with contextlib.suppress(OSError):
                mode = top.stat(path).st_mode
                if kind != stat.S_IFLNK and mode & _WRITE:
                    modes[os.fsdecode(path) or "."] = stat.S_IMODE(mode)
    return modes


def _set(tree: Path, modes: list[tuple[str, int]]) -> None:
    """Through descriptors, and no link on the way: a name may be something else by now."""
    with contextlib.suppress(OSError), Beneath(tree) as top:
        for name, mode in modes:
            with contextlib.suppress(OSError):
                handle = top.handle(b"" if name == "." else os.fsencode(name))
                try:
                    os.fchmod(handle, mode)
                finally:
                    os.close(handle)
