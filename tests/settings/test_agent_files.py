"""Agents in files of their own: merged behind those of the project's file, each problem in its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_tui.domain.spending import Rule
from fleet_tui.settings.load import load_settings
from tests.settings.test_hot_reload import watched

if TYPE_CHECKING:
    from tests.settings.conftest import Repository


def place(repository: Repository, name: str, text: str) -> None:
    directory = repository.root / ".fleet" / "agents"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)


def test_files_come_behind_the_list_and_say_where_they_are(repository: Repository) -> None:
    place(
        repository,
        "zoe.yaml",
        "role: developer\nprompt: Do it.\nbudgets:\n  - {unit: seconds, ceiling: 2h, window: day}\n",
    )
    place(repository, "amy.yaml", "name: amy\nagent_type: tech-lead\nprompt: Do it.\ntickets: [7]\n")
    loaded = repository.load()
    settings = loaded.require()
    assert [agent.name for agent in settings.agents] == ["dev", "rev", "amy", "zoe"]
    assert settings.agent("amy").tickets == (7,)
    assert settings.agent("amy").role == "tech-lead"
    assert Rule("agent", "zoe", "seconds", 7200, "day") in settings.budget_rules
    assert str(loaded.origins["agents.3.role"]) == ".fleet/agents/zoe.yaml:1"
    assert ".fleet/agents/zoe.yaml" in loaded.sources


def test_without_a_list_the_files_are_the_agents(repository: Repository) -> None:
    place(repository, "solo.yaml", "role: developer\nprompt: Do it.\n")
    assert [agent.name for agent in repository.load("version: 1\n").require().agents] == ["solo"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("role: developer\nprompt: x\nbudet: 3\n", "a.yaml:3:1: unknown key `budet`"),
        ("prompt: x\n", "a.yaml:1:1: agents.2: `role` is missing"),
        ("- role: developer\n", "a.yaml:1:1: expected a map: the settings of one agent"),
        ("", "a.yaml:1:1: the file is empty"),
        ("role: [\n", "a.yaml:1:7: a list or map is opened here and never closed"),
        ("name: b\nrole: developer\nprompt: x\n", "a.yaml:1:7: the name of its file is the agent's: `a`"),
        ("role: developer\nprompt: x\nvendor: nobody\n", "a.yaml:3:9: agents.2.vendor: there is no vendor `nobody`"),
        ("role: developer\n", "prompt file .fleet/prompts/a.md is missing"),
        ("role: developer\nprompt: x\ntickets: [0]\n", "a.yaml:3:11: agents.2.tickets.0: must be at least 1"),
    ],
)
def test_a_problem_stands_in_its_own_file(repository: Repository, text: str, says: str) -> None:
    place(repository, "a.yaml", text)
    loaded = repository.load()
    assert loaded.settings is None
    assert any(says in str(problem) for problem in loaded.errors), [str(problem) for problem in loaded.errors]
    assert {problem.file for problem in loaded.errors} == {".fleet/agents/a.yaml"}


def test_a_name_stands_once(repository: Repository) -> None:
    place(repository, "dev.yaml", "role: developer\nprompt: x\n")
    (problem,) = repository.load().errors
    assert (problem.file, problem.message) == (".fleet/agents/dev.yaml", "agents.2.name: two agents are called `dev`")


def test_other_files_are_named_and_not_read(repository: Repository) -> None:
    place(repository, "a.yml", "role: developer\n")
    place(repository, ".b.yaml.swp", "x")
    loaded = repository.load()
    assert [agent.name for agent in loaded.require().agents] == ["dev", "rev"]
    assert [problem.file for problem in loaded.warnings] == [".fleet/agents/a.yml"]


def test_a_link_out_of_the_repository_is_refused(repository: Repository) -> None:
    outside = repository.root.parent / "outside.yaml"
    outside.write_text("role: developer\nprompt: x\n")
    (repository.root / ".fleet" / "agents").mkdir()
    (repository.root / ".fleet" / "agents" / "a.yaml").symlink_to(outside)
    assert "is a link that leads outside the repository" in str(repository.load().errors[0])


def test_a_draft_is_loaded_as_if_it_were_there(repository: Repository) -> None:
    drafts = {"new": "role: developer\nprompt: x\nvendor: nobody\n"}
    loaded = load_settings(repository.root, user_file=repository.user, environ={}, drafts=drafts)
    assert [problem.file for problem in loaded.errors] == [".fleet/agents/new.yaml"]
    assert repository.load().settings is not None


async def test_a_new_file_is_taken_over_while_the_watcher_runs(repository: Repository) -> None:
    async with watched(repository) as fleet:
        place(repository, "new.yaml", "role: developer\nprompt: x\n")
        await fleet.until(lambda: [agent.name for agent in fleet.settings.agents][-1] == "new")
        (repository.root / ".fleet" / "agents" / "new.yaml").unlink()
        await fleet.until(lambda: [agent.name for agent in fleet.settings.agents][-1] == "rev")
