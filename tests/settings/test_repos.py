"""The ``repos`` section: what it says, what is wrong with it, and what counts in each repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_tui.settings.load import policy_version

if TYPE_CHECKING:
    from tests.settings.conftest import Repository

TEAM = "agents:\n  - {name: dev, role: developer}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("repos: {api: {path: ../api, github: A/B}}\nforge: {kind: github, repo: a/b}\n", "that is `home`"),
        ("repos: {api: {path: ../api, github: api}}\n", "write it as `owner/name`"),
        ("repos: {api: {path: ../api, github: a/b, remote: 'ext::sh -c x'}}\n", "not an address of a repository"),
        (
            f"repos: {{{'a' * 60}: {{path: ../api}}}}\nforge: {{kind: github, repo: a/b}}\n",
            "which is too long for GitHub",
        ),
        ("repos: {home: {path: ../api}}\n", "`home` is the fleet's own repository"),
        ("repos: {api: {path: .}}\n", "that is where `home` is"),
        ("repos: {api: {path: ../api}, web: {path: ../web/../api}}\n", "that is where `api` is"),
        ("repos: {Api: {path: ../api}}\n", "not a usable name"),
        ("repos: {api: {}}\n", "path"),
        ("repos: {api: {path: ../api, gates: [{name: t, run: x}, {name: t, run: y}]}}\n", "two gates are called `t`"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(repository: Repository, text: str, told: str) -> None:
    errors = [str(problem) for problem in repository.load(f"version: 1\n{TEAM}{text}").errors]
    assert any(told in error for error in errors), errors


def test_a_place_on_github_means_nothing_to_the_local_forge(repository: Repository) -> None:
    loaded = repository.load(f"version: 1\n{TEAM}repos: {{api: {{path: ../api, github: a/b}}}}\n")
    assert loaded.require().repos["api"].address == "https://github.com/a/b.git"
    assert any("the forge is local" in str(warning) for warning in loaded.warnings)


def test_what_is_said_of_no_place_on_github_is_told(repository: Repository) -> None:
    loaded = repository.load(f"version: 1\n{TEAM}repos: {{api: {{path: ../api, poll_s: 60}}}}\n")
    assert any("none is named" in str(warning) for warning in loaded.warnings)


def test_agents_are_bound_to_known_ones(repository: Repository) -> None:
    text = "version: 1\nagents:\n  - {name: dev, role: developer, repos: [home, apo]}\nrepos: {api: {path: ../api}}\n"
    (error,) = repository.load(text).errors
    assert "there is no repository `apo`" in str(error)
    assert "`api`" in str(error)


def test_one_that_is_not_there_now_is_no_error(repository: Repository) -> None:
    loaded = repository.load(f"version: 1\n{TEAM}repos: {{api: {{path: ../api}}}}\n")
    settings = loaded.require()
    assert any("no git repository" in str(warning) for warning in loaded.warnings)
    assert settings.repos["api"].place(repository.root) == repository.root.resolve().parent / "api"


def test_what_a_repository_says_goes_before_the_fleets_own(repository: Repository) -> None:
    own = "workspace: {setup: [make], teardown: [make clean]}\ngates: [{name: test, run: make test}]\n"
    there = "repos: {api: {path: ../api, setup: [npm ci], gates: [{name: test, run: npm test}]}}\n"
    settings = repository.load(f"version: 1\n{TEAM}{own}{there}").require()
    api = settings.for_repository("api")
    assert (api.workspace.setup, api.workspace.teardown) == (("npm ci",), ("make clean",))
    assert [gate.run for gate in api.gates] == ["npm test"]
    assert settings.for_repository("") is settings


def test_gates_there_are_policy_and_without_any_policy_is_what_it_was(repository: Repository) -> None:
    alone = repository.load(f"version: 1\n{TEAM}").require()
    plain = repository.load(f"version: 1\n{TEAM}repos: {{api: {{path: ../api}}}}\n").require()
    gated = repository.load(
        f"version: 1\n{TEAM}repos: {{api: {{path: ../api, gates: [{{name: t, run: x}}]}}}}\n"
    ).require()
    assert len({policy_version(one) for one in (alone, plain, gated)}) == 3
    assert policy_version(alone) == policy_version(alone.model_copy(update={"repos": {}}))
