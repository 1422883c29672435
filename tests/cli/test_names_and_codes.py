"""One mistake, one exit code: a name or number that does not exist is a wrong call (2), whatever the command."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from tests.cli.conftest import Shop

UNKNOWN: list[tuple[str, ...]] = [
    ("agent", "attach", "nobody"),
    ("agent", "explain", "nobody"),
    ("agent", "list", "--team", "nobody"),
    ("agent", "logs", "nobody"),
    ("agent", "logs", "dev", "--run", "run-0"),
    ("agent", "output", "nobody"),
    ("agent", "remove", "nobody"),
    ("agent", "start", "nobody"),
    ("agent", "stop", "nob*"),
    ("approval", "show", "9"),
    ("approval", "show", "apr-9"),
    ("config", "explain", "agents.nobody"),
    ("log", "--agent", "nobody"),
    ("pr", "gate-log", "9"),
    ("pr", "show", "9"),
    ("prompt", "show", "nobody"),
    ("release", "check", "9"),
    ("ticket", "hold", "9"),
    ("ticket", "list", "--state", "sleepy"),
    ("ticket", "ready", "9"),
    ("ticket", "show", "#9"),
]


@pytest.fixture
def known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    agent: dict[str, Any] = {"name": "dev", "role": "developer", "vendor": "v", "model": None, "enabled": True}
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", [agent]), "fleet"))
    monkeypatch.chdir(shop.repository)
    return shop


def code(*words: str) -> int:
    done = CliRunner().invoke(fleet, words)
    return done.exception.exit_code if isinstance(done.exception, FleetError) else done.exit_code


@pytest.mark.parametrize("words", UNKNOWN, ids=" ".join)
def test_what_does_not_exist_is_a_wrong_call(known: Shop, words: tuple[str, ...]) -> None:
    assert code(*words) == 2


@pytest.mark.parametrize("words", [("agent", "attach", "dev"), ("agent", "logs", "dev")], ids=" ".join)
def test_what_exists_and_cannot_be_done_now_is_none(known: Shop, words: tuple[str, ...]) -> None:
    assert code(*words) == 1


def test_a_ticket_marked_ready_while_no_watcher_runs(known: Shop) -> None:
    known.paths.tickets.mkdir()
    (known.paths.tickets / "0001-a.md").write_text("---\ntitle: A\nlabels: []\n---\n")

    def run(*words: str) -> str:
        done = CliRunner().invoke(fleet, words, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert run("ticket", "ready", "#1") == "ticket #1 is ready\ntakes effect when the watcher runs: fleet up\n"
    listed = run("ticket", "list").splitlines()
    assert listed[1].split()[:4] == ["#1", "draft", "→", "ready"]
    assert listed[-1] == "→ takes effect when the watcher runs: fleet up"
