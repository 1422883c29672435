"""What files of a repository may say to a vendor's program. A branch is an agent's work: what its files start, or what
they put into the environment of our hooks, would speak and act as whoever looks at it, a reviewer too."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.vendors import records

_REMOVE = "take that out on the target branch, or give the work to another vendor"


def refuse(what: str, why: str) -> FleetError:
    """The error for a workspace in which the program shall not be started."""
    return FleetError("unsafe settings", f"{what} of the repository: {why}", _REMOVE)


def refuse_files(workspace: Path, names: Iterable[str], why: str) -> None:
    """
    Raises:
        FleetError: the workspace has one of ``names``, whatever it is.
    """
    found = [name for name in names if os.path.lexists(workspace / name)]
    if found:
        raise refuse(", ".join(found), why)


def refuse_others(workspace: Path, folder: str, known: Collection[str], why: str) -> None:
    """
    Raises:
        FleetError: ``folder`` of the workspace holds anything but ``known``, or is a link.
    """
    try:
        with Beneath(workspace) as top:
            names = [os.fsdecode(name) for name, _ in top.entries(folder.encode())]
    except FileNotFoundError:
        return
    except OSError as error:
        raise refuse(folder, f"it cannot be looked at: {error.strerror}") from error
    others = sorted(one_line(name, 60) for name in names if name not in known)
    if others:
        raise refuse(", ".join(f"{folder}/{name}" for name in others[:5]), why)


def settings_of(workspace: Path, name: str, parse: Callable[[str], Any]) -> Mapping[str, Any]:
    """What stands in the settings file ``name`` as ``parse`` reads it; nothing where there is none.

    Raises:
        FleetError: it cannot be read, or is no plain object: the program might read more in it than we do.
    """
    try:
        with Beneath(workspace) as top, top.open(name.encode()) as file:
            settings = parse(file.read(records.MOST_BYTES).decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise refuse(name, f"it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise refuse(name, "it is no plain object (comments are none)")
    return settings


def refuse_keys(name: str, found: Iterable[str], why: str) -> None:
    """
    Raises:
        FleetError: any key was ``found`` in the settings file ``name`` that it may not have.
    """
    keys = sorted(one_line(key, 60) for key in found)
    if keys:
        raise refuse(name, f"it sets {', '.join(keys[:5])}; {why}")
