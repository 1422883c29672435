"""What a look costs of GitHub's budgets, in requests: what the table in docs/github.md is made of."""

from __future__ import annotations

import pytest

from benchmarks.poll_cost import SETTINGS, Naive, Scene, furnish, look, talk
from fleet_tui.forge.gh import Gh
from fleet_tui.forge.github import GitHubForge
from tests.github.fixture import Site

pytestmark = pytest.mark.slow
SCENE = Scene("three tickets, two pull requests", 3, 2)


async def points(github: Site, forge: GitHubForge, issues: list[int], pulls: list[int]) -> tuple[int, int]:
    """Of REST and of GraphQL, for one look."""
    budgets = github.server.budgets
    before = budgets["core"].used, budgets["graphql"].used
    await look(forge, issues, pulls, thoroughly=False)
    return budgets["core"].used - before[0], budgets["graphql"].used - before[1]


async def test_what_has_not_changed_costs_a_point_for_each_pull_request_and_nothing_else(github: Site) -> None:
    issues, pulls = furnish(github.repository, SCENE)
    forge = GitHubForge(Gh(), lambda: SETTINGS, SETTINGS.forge.repo)
    await look(forge, issues, pulls, thoroughly=True)
    assert await points(github, forge, issues, pulls) == (0, 2)
    assert await points(github, forge, issues, pulls) == (0, 2)


async def test_what_has_changed_costs_its_list_and_its_comments(github: Site) -> None:
    issues, pulls = furnish(github.repository, SCENE)
    forge, naive = (GitHubForge(kind(), lambda: SETTINGS, SETTINGS.forge.repo) for kind in (Gh, Naive))
    for one in (forge, naive):
        await look(one, issues, pulls, thoroughly=True)
    talk(github.repository, 0)
    assert await points(github, forge, issues, pulls) == (2, 2)
    assert (await points(github, naive, issues, pulls))[0] >= 5
