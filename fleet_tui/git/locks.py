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


def clear_stale_locks(repository: Path) -> list[Path]:
    """Remove ``*.lock`` files that no process has open and that are older than ten seconds; what was removed.

    Where the system does not tell who has what open, they must be ten minutes old.
    """
    found = [path for path in repository.rglob("*.lock") if path.is_file() and not path.is_symlink()]
    if not found:
        return []
    opened = _open_files()
    limit_s = _UNKNOWN_S if opened is None else _UNOPENED_S
    stale = [path for path in found if _age_s(path) > limit_s and os.path.realpath(path) not in (opened or ())]
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _open_files() -> set[str] | None:
    """Every file that a process of ours has open; None where /proc is missing."""
    if not (_PROC / "self" / "fd").is_dir():
        return None
    opened: set[str] = set()
    for process in _PROC.iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                opened.update(_targets(process / "fd"))
    return opened


def _targets(directory: Path) -> list[str]:
    targets = []
    for handle in directory.iterdir():
        with contextlib.suppress(OSError):
            targets.append(str(handle.readlink()))
    return targets
