"""Two repositories in one fleet: the second one beside the fleet's own, and work in either up to its landing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fleet_tui.domain.states import RunState
from tests.watcher.watcher_support import Fleet, agent, commit, git

TEAM = [agent("dev", "developer", max_concurrent=4), agent("lee", "tech-lead", max_concurrent=4)]
CHECKED = {"path": "../api", "gates": [{"name": "there", "run": "test -f server.py"}]}


@pytest.fixture
def api(place: Path) -> Path:
    """The second repository, beside the fleet's own."""
    repository = place / "api"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=trunk")
    commit(repository, {"server.py": "print('serve')\n"})
    return repository


async def written(fleet: Fleet, number: int, files: Mapping[str, str | None]) -> int:
    """The queued run of ticket ``number`` writes ``files`` and hands over; the pull request's number."""
    (run,) = [run for run in fleet.ctx.reader.runs(RunState.QUEUED, ticket=number) if run.agent == "dev"]
    begun = await fleet.begin(run)
    pull_request = await fleet.handed_over(begun, dict(files))
    await fleet.end(begun)
    return pull_request.number


async def reviewed(fleet: Fleet, number: int) -> None:
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED, pr=number)
    begun = await fleet.begin(run)
    await fleet.publish(begun, "pr_approved")
    await fleet.end(begun)


async def to_landing(fleet: Fleet, number: int, files: Mapping[str, str | None]) -> int:
    """Ticket ``number`` until a person has approved it."""
    pr = await written(fleet, number, files)
    await fleet.settle()
    await reviewed(fleet, pr)
    await fleet.settle()
    await fleet.approve(fleet.open_approval(pr))
    return pr
