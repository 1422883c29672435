"""What of a person's own vendor settings an agent gets a copy of: memory files, skills."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import FleetError

_MOST_BYTES = 20_000_000
_MOST_FILES = 5_000


def carry(source: Path, names: Sequence[str], target: Beneath, below: bytes) -> None:
    """Copy ``names`` from ``source`` to the folder ``below`` of ``target``, where a copy of before is replaced.

    What is missing is passed over; a name may be a folder. The person's links are followed, since they are the
    person's; in ``target`` none is.

    Raises:
        FleetError: it is more than an agent's start should copy.
    """
    files, size = 0, 0
    for name in names:
        for path in _files(source / name):
            files, size = files + 1, size + path.stat().st_size
            if files > _MOST_FILES or size > _MOST_BYTES:
                raise FleetError(
                    "too much to carry over",
                    f"{source / name} is more than {_MOST_FILES} files or {_MOST_BYTES // 1_000_000} MB",
                    "name less in vendors.<name>.carry",
                )
            place = below + b"/" + os.fsencode(path.relative_to(source))
            target.folder(place.rpartition(b"/")[0])
            target.write(place, path.read_bytes(), 0o700 if os.access(path, os.X_OK) else 0o600)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(found for found in path.rglob("*") if found.is_file() and stat.S_ISREG(found.stat().st_mode))
