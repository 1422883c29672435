"""Where workspaces lie: a directory for each ticket and each reviewer, with a record of what it was made for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.domain.text import clean
from fleet_tui.domain.untrusted import read_regular
from fleet_tui.git.command import object_id
from fleet_tui.git.values import WorkspacePaths

TREE = "tree"
GATE = "gate.git"
_RECORD = "workspace.json"
_MOST_RECORD_BYTES = 64 * 1024


def gate_beside(tree: Path) -> Path:
    """The gate repository that belongs to the working tree of a workspace or of a reviewer."""
    return tree.parent / GATE


def read_home(home: Path) -> WorkspacePaths | None:
    """What was made in ``home``; None when that is nothing, or nothing that its record tells."""
    try:
        record = json.loads(read_regular(home / _RECORD, _MOST_RECORD_BYTES))
        return WorkspacePaths(home / TREE, home / GATE, record["branch"], object_id(record["base"]))
    except (OSError, ValueError, KeyError, TypeError, FleetError):
        return None


def write_record(home: Path, record: Mapping[str, object]) -> None:
    """Say what ``home`` was made for; it survives a loss of power."""
    with (home / _RECORD).open("w", encoding="utf-8") as file:
        json.dump(dict(record), file)
        file.flush()
        os.fsync(file.fileno())


class Homes:
    """The directories below ``root``: ``<ticket>`` and ``review-<name>``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def of(self, ticket: int) -> Path:
        return self.root.absolute() / str(int(ticket))

    def of_review(self, name: str) -> Path:
        if not is_safe_id(name):
            raise FleetError("unsafe name", clean(repr(name), 100), "use a generated id")
        return self.root.absolute() / f"review-{name}"

    def find(self, ticket: int) -> WorkspacePaths | None:
        """The paths of a ticket's workspace, if there is one."""
        return read_home(self.of(ticket))

    def tickets(self) -> list[int]:
        """Those that have a directory, whatever is in it."""
        return [int(home.name) for home in self.root.iterdir() if home.name.isdecimal()] if self.root.is_dir() else []

    def all(self) -> list[tuple[int, WorkspacePaths]]:
        """The workspaces of tickets, with their tickets."""
        return [(ticket, paths) for ticket in self.tickets() if (paths := self.find(ticket)) is not None]
