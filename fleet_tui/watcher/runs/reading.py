"""What agents that see the whole fleet may read: the other repositories' files, as they were when the run began."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Run
from fleet_tui.git.trees import remove_tree
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.watcher.context import Context

log = logging.getLogger(__name__)


async def prepare(ctx: Context, run: Run, agent: AgentSettings) -> None:
    """Have the files of the other repositories' target branches for ``run``, where its agent is to see them.

    A repository that cannot be worked in now is left out: it keeps nobody from beginning elsewhere.
    """
    if agent.reads != "all":
        return
    own = ctx.repository_of(run)
    for repository in ctx.repositories:
        if repository is own or repository.trouble:
            continue
        place = ctx.paths.reading(run.id) / repository.called
        try:
            await repository.control.checkout(await repository.base(), place)
        except FleetError as error:
            log.warning("%s cannot read %s: %s", run.id, repository.called, error)


def places(paths: FleetPaths, run: str) -> dict[str, Path]:
    """Where the files of which repository are, for ``run``."""
    top = paths.reading(run)
    return {place.name: place for place in sorted(top.iterdir()) if place.name[:1] != "."} if top.is_dir() else {}


async def forget(paths: FleetPaths, run: str) -> None:
    """Delete them; they were copies."""
    await remove_tree(paths.reading(run))


async def keep_only(paths: FleetPaths, runs: Collection[str]) -> None:
    """Delete those of all other runs."""
    top = paths.reading("any").parent
    for place in top.iterdir() if top.is_dir() else ():
        if place.name not in runs:
            await remove_tree(place)
