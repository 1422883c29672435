"""Lock files that a killed git left behind in a repository of ours."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

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
    if repository.is_symlink():
        return []
    found = [path for path in repository.rglob("*.lock") if path.is_file() and not path.is_symlink()]
    if not found:
        return []
    in_use = _in_use()
    limit_s = _UNKNOWN_S if in_use is None else _UNOPENED_S
    if in_use is not None and home is not None and not _is_visited(home, in_use):
        limit_s = 0.0
    stale = [path for path in found if _age_s(path) >= limit_s and os.path.realpath(path) not in (in_use or ())]
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
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
                found.update(_targets(process / "fd"))
    return found


def _targets(directory: Path) -> list[str]:
    targets = []
    for handle in directory.iterdir():
        with contextlib.suppress(OSError):
            targets.append(str(handle.readlink()))
    return targets
