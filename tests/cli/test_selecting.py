"""Acts on several agents: who is meant is shown and asked before, and nothing is asked of a watcher that is away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.bus import protocol
from fleet_tui.cli import selecting
from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, UsageError
from tests.cli.conftest import Asked, Shop, Terminal, answering


def _agent(name: str, role: str = "developer", *teams: str) -> dict[str, Any]:
    return {"name": name, "role": role, "vendor": "v", "model": None, "enabled": True, "teams": list(teams)}


@pytest.fixture
def known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    agents = [_agent("dev-1", "developer", "web"), _agent("dev-2", "developer", "web"), _agent("qa", "reviewer")]
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", agents), "fleet"))
    shop.add(ev.draft(ev.AgentPaused("dev-2", "lunch"), "agent:dev-2"))
    monkeypatch.chdir(shop.repository)
    return shop


@pytest.fixture
def watcher(known: Shop) -> Iterator[Asked]:
    """Answers on the operator's socket and writes down what was asked: dev-2 is like that, qa refuses."""
    with answering(known.paths, lambda _, args: _answer(args["agent"])) as asked:
        yield asked


def _answer(name: str) -> dict[str, Any]:
    if name == "dev-2":
        return protocol.failure(NothingToDo("nothing to do", "dev-2 is already paused"))
    if name == "qa":
        return protocol.failure(Conflict("not now", "qa is \x1b[2Jbusy", "wait"))
    return {"ok": True, "message": f"{name} is paused"}


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(fleet, words)
    code = done.exception.exit_code if isinstance(done.exception, FleetError) else done.exit_code
    return code, done.stdout, str(done.exception) if isinstance(done.exception, FleetError) else done.stderr


def test_a_dry_run_shows_who_and_asks_nobody(known: Shop) -> None:
    code, out, _ = run("agent", "stop", "dev-*", "--select", "state:paused", "--dry-run")
    assert code == 0
    assert out.splitlines()[0] == "nothing was done; this would stop 1 agent:"
    assert out.splitlines()[2].split() == ["dev-2", "developer", "PAUS", "-"]
    code, out, _ = run("agent", "message", "--team", "web", "fetch first", "--dry-run", "--json")
    told = json.loads(out)
    assert (code, told["act"], told["dry_run"]) == (0, "message", True)
    assert [(one["agent"], one["teams"]) for one in told["selected"]] == [("dev-1", ["web"]), ("dev-2", ["web"])]


def test_each_has_its_own_result_and_some_are_not_done(known: Shop, watcher: Asked) -> None:
    code, out, err = run("agent", "pause", "--all", "--json")
    assert code == 3
    assert json.loads(out) == {
        "act": "pause",
        "dry_run": False,
        "results": [
            {"agent": "dev-1", "result": "done", "message": "dev-1 is paused"},
            {"agent": "dev-2", "result": "unchanged", "message": "nothing to do: dev-2 is already paused"},
            {"agent": "qa", "result": "failed", "message": "not now: qa is busy", "hint": "wait"},
        ],
    }
    assert "pause 3 agents: 1 of 3 not done: qa: not now: qa is busy" in err
    assert [args["agent"] for _, args in watcher] == ["dev-1", "dev-2", "qa"]


def test_who_is_like_that_already_is_no_failure_among_several_and_one_alone(known: Shop, watcher: Asked) -> None:
    code, out, _ = run("agent", "pause", "--team", "web")
    assert (code, out.splitlines()) == (
        0,
        ["dev-1 is paused", "dev-2: unchanged: nothing to do: dev-2 is already paused"],
    )
    code, _, err = run("agent", "pause", "dev-2")
    assert (code, err) == (1, "nothing to do: dev-2 is already paused")
    assert run("agent", "pause", "qa", "--select", "state:idle")[0] == 1  # of those selected none was done


def test_one_text_for_several_answers_no_question(known: Shop, watcher: Asked) -> None:
    run("agent", "message", "dev-1", "yes")
    run("agent", "message", "dev-*", "yes")
    assert watcher[0] == ("message", {"agent": "dev-1", "text": "yes"})
    assert [args for _, args in watcher[1:]] == [
        {"agent": name, "text": "yes", "answers": False} for name in ("dev-1", "dev-2")
    ]


def test_budgets_of_several_and_of_no_agent(known: Shop, watcher: Asked) -> None:
    assert run("budget", "extend", "--team", "web", "10m")[0] == 0
    assert [(args["scope"], args["name"], args["agent"], args["amount"]) for _, args in watcher] == [
        ("agent", name, name, 600) for name in ("dev-1", "dev-2")
    ]
    for words in (("role:developer", "dev-1"), ("fleet", "--all"), ("fleet", "--dry-run")):
        assert run("budget", "extend", *words, "10m")[0] == 2
    assert len(watcher) == 2


def test_a_misspelt_name_keeps_the_act_from_all(known: Shop, watcher: Asked) -> None:
    code, _, err = run("agent", "quarantine", "dev-1", "dev-3")
    assert (code, "did you mean `dev-2`?" in err) == (2, True)
    assert watcher == []


def test_without_a_watcher_that_is_the_error(known: Shop) -> None:
    code, out, err = run("agent", "stop", "--all")
    assert (code, out) == (1, "")
    assert err.startswith("the watcher is not running")


@pytest.mark.slow  # the test after it asks the same without a terminal
def test_a_person_is_asked_about_whom_they_did_not_name(known: Shop, terminal: Terminal) -> None:
    shown = terminal("agent", "pause", "dev-*", keys="n\n")
    assert re.search(r"pause 2 agents:\nAGENT.*\ndev-1 .*\ndev-2 .*PAUS.*\npause 2 agents\? \[y/N\]", shown)
    assert "not running" not in shown


@pytest.mark.parametrize(("words", "asked"), [(("dev-*",), True), (("dev-*", "--yes"), False), (("dev-1",), False)])
def test_nobody_is_asked_who_said_yes_or_named_each(
    known: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], asked: bool
) -> None:
    monkeypatch.setattr(selecting, "person_is_there", lambda **_: True)
    code, out, err = run("agent", "pause", *words)
    assert (code, "[y/N]" in out) == (1, asked)
    assert ("the watcher is not running" in err) is not asked


def test_the_list_takes_the_same_words(known: Shop) -> None:
    def listed(*words: str) -> list[str]:
        return [row["name"] for row in json.loads(run("agent", "list", "--json", *words)[1])]

    assert listed("dev-*") == ["dev-1", "dev-2"]
    assert listed("--select", "team:web state:idle") == ["dev-1"]
    assert listed("--except", "dev-*") == ["qa"]
    assert listed("--select", "state:err") == []
    assert run("agent", "list", "--select", "state:err")[:2] == (0, "no agent fits that now\n")
    assert run("agent", "list", "--team", "nobody")[0] == 2


@pytest.mark.parametrize(
    "said", [["--select", ""], ["--select", "", "--select", " "], ["--team", "web", "--select", ""]]
)
def test_a_filter_of_nothing_is_nobody_not_everybody(watcher: Asked, said: list[str]) -> None:
    """As where a variable of a script is empty."""
    done = CliRunner().invoke(fleet, ["agent", "pause", *said, "--yes"])
    assert watcher == []
    assert isinstance(done.exception, UsageError)
    assert "the filter is empty" in str(done.exception)
