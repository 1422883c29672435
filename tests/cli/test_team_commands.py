"""`fleet team` without a watcher: it reads and writes the files itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from fleet_tui.cli import team_make
from fleet_tui.cli.main import _in_words, fleet
from fleet_tui.domain.errors import FleetError
from tests.cli.conftest import Shop


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]
WANTED = ("--from", "back=backend-developer:2", "--agents", "dev")


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(shop.repository)

    def command(*words: str, typed: str = "") -> Done:
        result = CliRunner().invoke(fleet, words, input=typed)
        if isinstance(result.exception, FleetError):
            return Done(result.exception.exit_code, result.stdout, _in_words(result.exception))
        return Done(result.exit_code, result.stdout, result.stderr)

    return command


def test_a_dry_run_says_what_it_may_spend_and_writes_nothing(shop: Shop, run: Run) -> None:
    done = run("team", "create", "web", *WANTED, "--set", "test_command=make", "--dry-run")
    assert done.code == 0, done.err
    assert "team web: dev, back-1, back-2\n" in done.out
    assert "at most 8h00 a day for 2 new agents together" in done.out
    assert "nothing was written; would be: .fleet/prompts/back-1.md" in done.out
    assert not (shop.repository / ".fleet" / "teams").exists()
    told = json.loads(run("team", "create", "web", *WANTED, "--dry-run", "--json").out)
    assert (list(told["asks"]), told["at_most"]) == (["test_command"], "8h00 a day")
    missing = run("team", "create", "web", *WANTED)
    assert (missing.code, "--set test_command=" in missing.err) == (2, True)


def test_create_list_show_change_and_remove(shop: Shop, run: Run) -> None:
    assert run("team", "list").out.startswith("no teams")
    assert run("team", "create", "web", *WANTED, "--set", "test_command=make").code == 0
    assert "reviewer" not in run("team", "list").out
    listed = json.loads(run("team", "list", "--json").out)
    assert listed["teams"] == [
        {"name": "web", "agents": ["dev", "back-1", "back-2"], "states": {}, "file": ".fleet/teams/web.yaml"}
    ]
    assert listed["unassigned"] == []
    shown = run("team", "show", "web").out
    assert re.search(r"^back-1 +backend-developer +- +- +engineering/backend-developer +4h a day$", shown, re.MULTILINE)
    assert run("team", "drop", "web", "dev").code == 0
    assert json.loads(run("team", "list", "--json").out)["unassigned"] == ["dev"]
    wrong = run("team", "drop", "web", "dev")
    assert (wrong.code, "members: back-1, back-2" in wrong.err) == (2, True)
    assert run("team", "add", "web", "dev", "back-1").out.startswith("team web is now: back-1, back-2, dev;")
    assert json.loads(run("team", "remove", "web", "--json").out)["message"].startswith("team web is removed")
    gone = run("team", "show", "web")
    assert (gone.code, "none are configured" in gone.err) == (2, True)
    assert (shop.repository / ".fleet" / "agents" / "back-1.yaml").is_file()


def test_a_person_sees_the_ceiling_first_and_may_say_no(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team_make, "person_is_there", lambda **_: True)
    words = ("team", "create", "shop", "--from", "backend-developer")
    done = run(*words, typed="make test\nn\n")
    assert done.code == 1
    assert done.out.index("(test_command): make test") < done.out.index("at most ") < done.out.index("Write it? [Y/n]")
    assert not (shop.repository / ".fleet" / "teams").exists()
    assert run(*words, typed="make test\ny\n").code == 0
    assert (shop.repository / ".fleet" / "teams" / "shop.yaml").is_file()
