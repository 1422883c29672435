"""Lock files that a killed git left behind in a repository of ours."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

from fleet_tui.beneath import Beneath

# Git closes a lock just before the rename that ends it, so "nobody has it open" alone is true for a moment of every
# healthy one; where open files cannot be listed, only age tells.
_UNOPENED_S = 10.0
_UNKNOWN_S = 600.0
_PROC = Path("/proc")


def clear_stale_locks(repository: Path, *, home: Path | None = None) -> list[Path]:
    """Remove ``*.lock`` files that no process has open and that are older than ten seconds; what was removed.

    With ``home``, the directory in which every git of this repository works, their age does not count while no process
    is in there: whoever made them is gone. Where the system does not tell who has what open, they must be ten minutes
    old. A ``repository`` that is a link is left alone: it may lead anywhere.
    """
    try:
        top = Beneath(repository)
    except OSError:
        return []
    with top:
        locks = [path for path, kind in top.walk() if path.endswith(b".lock") and kind == stat.S_IFREG]
        in_use = _in_use() if locks else None
        limit_s = _UNKNOWN_S if in_use is None else _UNOPENED_S
        if in_use is not None and home is not None and not _is_visited(home, in_use):
            limit_s = 0.0
        place = os.path.realpath(repository)
        removed = []
        for path in locks:
            name = os.fsdecode(path)
            if _age_s(top, path) >= limit_s and f"{place}{os.sep}{name}" not in (in_use or ()):
                with contextlib.suppress(OSError):
                    top.unlink(path)
                    removed.append(repository / name)
        return removed


def _age_s(top: Beneath, path: bytes) -> float:
    try:
        return time.time() - top.stat(path).st_mtime
    except OSError:
        return 0.0


def _is_visited(home: Path, in_use: set[str]) -> bool:
    place = os.path.realpath(home)
    return any(path == place or path.startswith(place + os.sep) for path in in_use)


def _in_use() -> set[str] | None:
    """Every file that a process of ours has open or is in; None where /proc is missing."""
    if not (_PROC / "self" / "fd").is_dir():
        return None
    found: set[str] = set()
    for process in _PROC.iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                found.add(str((process / "cwd").readlink()))
                targets = _targets(process / "fd")
                # This process reads workspaces beside this (risk does), and is nobody's git there.
                ours = int(process.name) == os.getpid()
                found.update(target for target in targets if not ours or target.endswith(".lock"))
    return found


def _targets(directory: Path) -> list[str]:
    targets = []
    for handle in directory.iterdir():
        with contextlib.suppress(OSError):
            targets.append(str(handle.readlink()))
    return targets
