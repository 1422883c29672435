"""A small fleet whose forge is the stand-in GitHub, reached through the real gh."""

from __future__ import annotations

from typing import Any

from tests.github.fixture import Site
from tests.github.state import Pull
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, git


async def on_github(
    make_fleet: MakeFleet, github: Site, agents: list[dict[str, Any]] | None = None, **more: Any
) -> Fleet:
    """The fleet, whose main branch is on GitHub; it has not looked there yet."""
    forge = {"kind": "github", "repo": "acme/shop", "remote": str(github.repository.git_dir), **more.pop("forge", {})}
    fleet = await make_fleet(agents, forge=forge, **more)
    git(fleet.ctx.paths.repository, "push", "--quiet", "--force", str(github.repository.git_dir), "main")
    return fleet


async def offered(fleet: Fleet, github: Site) -> Pull:
    """An issue, worked on, and its pull request there."""
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    return github.repository.pulls()[-1]


async def approved(fleet: Fleet) -> None:
    """By its reviewer, and by a person for the merge."""
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()


async def look(fleet: Fleet) -> None:
    """The next look at the forge, and all that follows from it."""
    fleet.later(fleet.ctx.settings.forge.poll_s * 1.2)
    await fleet.settle()
