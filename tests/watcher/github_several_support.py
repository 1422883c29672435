"""A small fleet with two repositories on the stand-in GitHub, and a ticket of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github.fixture import Site
from tests.github.state import Repository
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import on_github
from tests.watcher.several_support import CHECKED, TEAM
from tests.watcher.watcher_support import Fleet, git

SERVES, SAYS = {"server.py": "print('serve twice')\n"}, {"app.py": "print('two')\n"}


@pytest.fixture
def there(github: Site, api: Path) -> Repository:
    """What the second repository is on GitHub; pull requests begin with the number that those of the home have."""
    made = github.hub.create("acme/api")
    made.default_branch = "trunk"
    git(api, "push", "--quiet", str(made.git_dir), "trunk")
    for title in ("Old", "Older"):
        made.issue(title, "", [])
    return made


@pytest.fixture
async def fleet(make_fleet: MakeFleet, github: Site, there: Repository) -> Fleet:
    elsewhere = CHECKED | {"github": "acme/api", "remote": str(there.git_dir)}
    made = await on_github(make_fleet, github, TEAM, repos={"api": elsewhere})
    github.repository.issue("Serve twice", "Serve it two times.", ["ready", "Repo:api"])
    github.repository.issue("Say two", "Print two.", ["ready"])
    await made.settle()
    return made
