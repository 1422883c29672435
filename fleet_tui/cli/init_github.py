"""``fleet init`` where the repository is on GitHub: what it is called there, and the labels that the fleet needs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_tui.cli.common import say
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.repositories import label_of
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.settings.schema import Settings

_ADDRESS = re.compile(
    r"(?:https://(?:[^/@]*@)?github\.com/|ssh://git@github\.com(?::22)?/|git@github\.com:)"
    r"([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}?)(?:\.git)?/?\Z"
)
_FIRST = ("origin", "upstream")
_COLOURS = {
    "ready": "0e8a16",
    "in_progress": "fbca04",
    "blocked": "b60205",
    "in_review": "1d76db",
    "changes_requested": "d93f0b",
    "approved": "0e8a16",
    "shipped": "5319e7",
}
_GREY = "ededed"


def name_in(address: str) -> str | None:
    """OWNER/NAME of a repository on GitHub by the address of a remote; None when it is elsewhere."""
    found = _ADDRESS.match(address)
    return found[1] if found else None


def name_of(repository: Path, *, wanted: bool) -> str | None:
    """What the repository is called on GitHub, by its remote ``origin``, ``upstream`` or any other; None: it is not.

    Raises:
        UsageError: it is not, and that it is was ``wanted``.
    """
    from fleet_tui.git.user import UserRepository

    addresses = asyncio.run(UserRepository(repository).remote_addresses())
    order = [*_FIRST, *sorted(addresses.keys() - set(_FIRST))]
    found = next(filter(None, (name_in(addresses[remote]) for remote in order if remote in addresses)), None)
    if found is None and wanted:
        raise UsageError("not on GitHub", "no remote of this repository is there", "git remote add origin ADDRESS")
    return found


def make_labels(repository: Path) -> None:
    """Make the labels of the configuration that the repository on GitHub lacks; those that are there stay as they are.

    Raises:
        UsageError: the configuration is not for GitHub.
        ForgeTrouble: GitHub cannot be asked, or refuses.
    """
    from fleet_tui.settings.load import load_settings

    settings = load_settings(repository, with_files=False).require()
    if settings.forge.kind != "github" or settings.forge.repo is None:
        hint = "fleet init --github   (or set forge in .fleet/config.yaml: docs/github.md)"
        raise UsageError("tickets are not on GitHub", "labels of local tickets need not be made", hint)
    made = asyncio.run(_make(settings, settings.forge.repo))
    where = one_line(settings.forge.repo)
    say(f"labels made on {where}: {', '.join(map(one_line, made))}" if made else f"{where} has all the labels")


async def _make(settings: Settings, name: str) -> list[str]:
    from fleet_tui.forge.gh import Gh
    from fleet_tui.forge.gh_issues import Issues

    issues = Issues(Gh(), name)
    known = {label.lower() for label in await issues.known_labels()}
    wanted = {
        str(getattr(settings.labels, key)): (_COLOURS.get(key, _GREY), field.description or "")
        for key, field in type(settings.labels).model_fields.items()
    }
    wanted |= {label_of(repo): (_GREY, f"Its work lands in {repo}.") for repo in settings.repos}
    made = []
    for label, (colour, meaning) in wanted.items():
        if label.lower() not in known and await issues.create_label(label, colour, meaning[:100]):
            made.append(label)
    return made
