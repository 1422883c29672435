"""Names in the control repository, and the checks that stand before every name that came from elsewhere."""

from __future__ import annotations

import re

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean
from fleet_tui.git.command import git

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*\Z")

PINS = "refs/fleet/pins"
"""The latest head that was fetched under a pin."""
HEADS = "refs/fleet/heads"
"""Every head that was ever fetched, so that a force push loses nothing: ``<pin>/<sha>``."""
BACKUPS = "refs/fleet/backup"
TEMPORARY = "refs/fleet/tmp"
REMOTE = "refs/fleet/remote"
"""What the forge's branches were when last looked at."""
USER = "refs/fleet/user"
"""What the user's branches were when last looked at."""


def head_ref(branch: str) -> str:
    return f"refs/heads/{branch}"


def tag_ref(tag: str) -> str:
    return f"refs/tags/{tag}"


def own_ref(namespace: str, name: str) -> str:
    """A ref of ours; ``name`` is of letters, digits, ``-``, ``_``, in components parted by ``/``.

    Raises:
        FleetError: anything else in it.
    """
    if not _SAFE_NAME.match(name) or len(name) > 200:
        raise FleetError("unsafe ref name", clean(repr(name), 100), "use letters, digits, - and _")
    return f"{namespace}/{name}"


async def valid_branch(name: str) -> str:
    """``name`` when git accepts it as the name of a branch.

    Raises:
        FleetError: it does not.
    """
    well_formed = bool(name) and not name.startswith("-") and "\0" not in name and name != "HEAD" and len(name) <= 200
    # The full ref is checked: `check-ref-format --branch` would expand `@{-1}` to another branch's name.
    if not well_formed or (await git("check-ref-format", head_ref(name), ok=(0, 1))).code != 0:
        raise FleetError(
            "not a branch name", clean(repr(name), 100), "use letters, digits, - and /, as in agent/12-add-search"
        )
    return name
