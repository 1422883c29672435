"""``fleet doctor`` where the forge is GitHub: the real gh is asked whether all is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from tests.cli.conftest import Shop
from tests.github.fixture import Site, github

__all__ = ["github"]

CONFIG = """version: 1
agents:
  - {name: dev, role: developer, prompt: Do it.}
forge: {kind: github, repo: acme/shop}
merge: {method: squash}
"""


@pytest.fixture
def on_github(shop: Shop, github: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    shop.configure(CONFIG)
    monkeypatch.chdir(shop.repository)
    return github


def found() -> tuple[str, str, str]:
    """State, detail and fix of what is said of GitHub."""
    done = CliRunner().invoke(fleet, ["doctor", "--json"], catch_exceptions=False)
    (finding,) = [finding for finding in json.loads(done.stdout) if finding["name"] == "github"]
    assert (finding["state"] == "missing") <= (done.exit_code == 1)
    return finding["state"], finding["detail"], finding["fix"]


def test_all_is_there(on_github: Site) -> None:
    state, detail, _ = found()
    assert (state, detail.startswith("acme/shop as fleet-bot, gh 2.")) == ("ok", True)


def test_gh_is_missing(on_github: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    state, detail, fix = found()
    assert (state, "gh is missing" in detail, "install" in fix) == ("missing", True, True)


def test_logged_out(on_github: Site) -> None:
    on_github.hub.token = "revoked"
    state, _, fix = found()
    assert (state, "gh auth login" in fix) == ("missing", True)


def test_what_passes_by_itself_is_a_note(on_github: Site) -> None:
    on_github.server.fail("GET /user", 503)
    assert found()[0] == "note"


def test_the_repository_is_not_there_or_may_not_be_written_to(on_github: Site) -> None:
    on_github.repository.permission = "READ"
    state, detail, _ = found()
    assert (state, detail.endswith("fleet-bot may not push there")) == ("missing", True)
    on_github.hub.delete(on_github.repository)
    assert found()[0] == "missing"


def test_it_has_been_renamed_or_allows_another_merge_only(on_github: Site) -> None:
    on_github.hub.rename(on_github.repository, "store")
    state, _, fix = found()
    assert (state, fix) == ("note", "set forge.repo to acme/store")
    on_github.repository.methods = {"REBASE"}
    state, _, fix = found()
    assert (state, fix) == ("missing", "set merge.method to: rebase")
