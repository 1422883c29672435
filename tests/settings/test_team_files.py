"""Teams in files of their own: behind those of the project's file, each problem in its own file, taken over at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_tui.settings.load import load_settings
from tests.settings.test_hot_reload import watched

if TYPE_CHECKING:
    from tests.settings.conftest import Repository


def place(repository: Repository, name: str, text: str) -> None:
    directory = repository.root / ".fleet" / "teams"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)


def test_the_name_is_that_of_the_file(repository: Repository) -> None:
    place(repository, "web.yaml", "agents: [dev]\n")
    loaded = repository.load()
    settings = loaded.require()
    assert [(team.name, team.agents) for team in settings.teams] == [("web", ("dev",))]
    assert (settings.teams_of("dev"), settings.teams_of("rev")) == (("web",), ())
    assert str(loaded.origins["teams.0.agents"]) == ".fleet/teams/web.yaml:1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agents: [dev, nobody]\n", "web.yaml:1:15: teams.0.agents.1: there is no agent `nobody`"),
        ("agent: [dev]\n", "web.yaml:1:1: unknown key `agent`"),
        ("- dev\n", "web.yaml:1:1: expected a map: the settings of one team"),
        ("", "web.yaml:1:1: the file is empty"),
        ("name: shop\nagents: [dev]\n", "web.yaml:1:7: the name of its file is the team's: `web`"),
    ],
)
def test_a_problem_stands_in_its_own_file(repository: Repository, text: str, says: str) -> None:
    place(repository, "web.yaml", text)
    loaded = repository.load()
    assert loaded.settings is None
    assert [says in str(problem) for problem in loaded.errors] == [True], [str(problem) for problem in loaded.errors]


def test_a_name_stands_once_and_drafts_count(repository: Repository) -> None:
    place(repository, "web.yaml", "agents: [dev]\n")
    drafts = {"web": "agents: [rev]\n", "night": "agents: [dev]\n"}
    loaded = load_settings(repository.root, user_file=repository.user, environ={}, team_drafts=drafts)
    assert [(team.name, team.agents) for team in loaded.require().teams] == [("night", ("dev",)), ("web", ("rev",))]


async def test_a_new_file_is_taken_over_while_the_watcher_runs(repository: Repository) -> None:
    async with watched(repository) as fleet:
        place(repository, "web.yaml", "agents: [dev]\n")
        await fleet.until(lambda: [team.name for team in fleet.settings.teams] == ["web"])
