"""``fleet init`` where the repository is on GitHub: it is offered, never done unasked; labels only when asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.init_github import name_in
from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.settings.load import load_settings
from tests.cli.conftest import Shop
from tests.github.fixture import Site, github

__all__ = ["github"]

LABELS = {"ready", "in-progress", "blocked", "needs-review", "changes-requested", "approved", "shipped"}


@pytest.fixture
def repository(shop: Shop, github: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A real repository without a fleet, whose remote is on GitHub."""
    monkeypatch.chdir(shop.repository)
    (shop.repository / ".fleet" / "config.yaml").unlink()
    (shop.repository / ".git").rmdir()
    for words in (
        ["init", "-q", "-b", "main"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
        ["remote", "add", "mirror", "https://example.org/acme/shop.git"],
        ["remote", "add", "origin", "git@github.com:acme/shop.git"],
    ):
        subprocess.run(["git", *words], cwd=shop.repository, check=True)
    return shop.repository


def init(*words: str) -> Result:
    return CliRunner().invoke(fleet, ["init", *words])


def test_unasked_it_is_told_and_not_done(repository: Path, github: Site) -> None:
    done = init("--yes")
    assert done.exit_code == 0, done.output
    assert "acme/shop is on GitHub; its issues can be the tickets: fleet init --force --github" in done.output
    assert load_settings(repository).require().forge.kind == "local"
    assert github.server.seen == [], "nothing is asked of GitHub for that"


def test_asked_for_it_is_written_and_no_label_made(repository: Path, github: Site) -> None:
    done = init("--yes", "--github")
    assert done.exit_code == 0, done.output
    forge = load_settings(repository).require().forge
    assert (forge.kind, forge.repo) == ("github", "acme/shop")
    assert github.server.seen == []
    assert "label an issue of acme/shop `ready`" in done.output


def test_labels_are_made_when_asked_for_and_those_that_are_there_stay(repository: Path, github: Site) -> None:
    github.repository.label("Ready").color = "abcdef"
    assert init("--yes", "--github", "--labels").exit_code == 0
    assert set(github.repository.labels) == LABELS
    assert github.repository.labels["ready"].color == "abcdef"
    assert github.repository.labels["blocked"].description == "Waits for a person."
    again = init("--labels")
    assert (again.exit_code, again.output) == (0, "acme/shop has all the labels\n")


def test_each_further_repository_has_a_label(repository: Path, github: Site) -> None:
    assert init("--yes", "--github").exit_code == 0
    config = repository / ".fleet" / "config.yaml"
    config.write_text(f"{config.read_text()}\nrepos: {{api: {{path: ../api}}}}\n")
    assert init("--labels").exit_code == 0
    assert set(github.repository.labels) == LABELS | {"repo:api"}


def test_a_person_is_asked(repository: Path, github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[str] = []

    def yes(question: str, *, default: bool) -> bool:
        questions.append(question)
        assert default is False or "acme/shop" not in question
        return "acme/shop" in question or question == "Write it"

    monkeypatch.setattr("fleet_tui.cli.init._is_a_terminal", lambda: True)
    monkeypatch.setattr("fleet_tui.cli.init.confirm", yes)
    monkeypatch.setattr("fleet_tui.cli.init.ask", lambda question, default=None, kind=None: default or "x")
    assert init().exit_code == 0
    assert [question for question in questions if "acme/shop" in question] == [
        "Take the issues of acme/shop as tickets",
        "Make its labels on acme/shop",
    ]
    assert load_settings(repository).require().forge.repo == "acme/shop"
    assert set(github.repository.labels) == LABELS


def test_where_there_is_no_such_remote_or_no_such_fleet(repository: Path) -> None:
    subprocess.run(["git", "remote", "remove", "origin"], cwd=repository, check=True)
    with pytest.raises(UsageError, match="not on GitHub"):
        CliRunner().invoke(fleet, ["init", "--yes", "--github"], catch_exceptions=False)
    with pytest.raises(FleetError):
        CliRunner().invoke(fleet, ["init", "--yes", "--labels"], catch_exceptions=False)
    assert not (repository / ".fleet" / "config.yaml").exists()
    done = init("--yes")
    assert "GitHub" not in done.output
    with pytest.raises(UsageError, match="not on GitHub"):
        CliRunner().invoke(fleet, ["init", "--labels"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://github.com/acme/shop", "acme/shop"),
        ("https://token@github.com/acme/shop.js/", "acme/shop.js"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com/acme/shop.git", "acme/shop"),
        ("https://github.com.evil.org/acme/shop", None),
        ("https://evil.org/github.com/acme/shop", None),
        ("https://gitlab.com/acme/shop", None),
        ("/srv/github.com/acme/shop", None),
        ("git@github.com:acme/shop/more", None),
        ("git@github.com:acme/shop\n", None),
    ],
)
def test_the_name_in_an_address(address: str, name: str | None) -> None:
    assert name_in(address) == name
