"""``fleet ticket`` where tickets are issues on GitHub."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError, UsageError
from tests.cli.conftest import Shop
from tests.github.fixture import Site, github

__all__ = ["github"]


def ticket(*words: str) -> Result:
    return CliRunner().invoke(fleet, ["ticket", *words])


def test_tickets_are_made_listed_and_labelled_there(shop: Shop, github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure("version: 1\nforge: {kind: github, repo: acme/shop}\n")
    monkeypatch.chdir(shop.repository)
    github.repository.issue("Not the fleet's")
    assert "ticket #2: Say two" in ticket("new", "Say two", "--body", "Print two.", "--priority", "1", "--ready").output
    issue = github.repository.item(2)
    assert (issue.title, issue.body, sorted(issue.labels)) == ("Say two", "Print two.", ["P1", "ready"])
    (row,) = json.loads(ticket("list", "--json").output)
    assert (row["number"], row["state"], row["pending"]) == (2, "draft", "ready")
    assert "Print two." in ticket("show", "2").output
    ticket("hold", "2")
    assert issue.labels == ["P1"]
    assert "is ready" in ticket("ready", "2").output
    assert sorted(issue.labels) == ["P1", "ready"]
    assert isinstance(ticket("ready", "77").exception, UsageError)
    assert not shop.paths.tickets.exists()


def test_who_is_logged_out_is_told_so(shop: Shop, github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure("version: 1\nforge: {kind: github, repo: acme/shop}\n")
    monkeypatch.chdir(shop.repository)
    monkeypatch.setenv("GH_TOKEN", "wrong")
    error = ticket("list").exception
    assert isinstance(error, FleetError)
    assert "gh auth login" in error.hint
