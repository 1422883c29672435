"""`fleet agent remove`: what would go is shown and asked about, also of those named; each has its own result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.bus import protocol
from fleet_tui.cli import agent_remove
from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict, FleetError
from tests.cli.conftest import Asked, Shop, answering

QA = Conflict("it is at work", "a run of qa is running\x1b[2J on ticket #3", "fleet agent stop qa")


@pytest.fixture
def known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    agents = [
        {"name": name, "role": "developer", "vendor": "v", "model": None, "enabled": True, "teams": ["web"]}
        for name in ("lead", "qa", "sam")
    ]
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", agents), "fleet"))
    monkeypatch.chdir(shop.repository)
    return shop


@pytest.fixture
def watcher(known: Shop) -> Iterator[Asked]:
    """Answers on the operator's socket: qa is at work, lead goes last."""
    with answering(known.paths, _answer) as asked:
        yield asked


def _answer(op: str, args: dict[str, Any]) -> dict[str, Any]:
    if op == "preview_removal":
        return {"ok": True, "agents": [_row(name) for name in sorted(args["agents"], key="lead".__eq__)]}
    if args["agent"] == "qa":
        return protocol.failure(QA)
    return {"ok": True, "message": f"{args['agent']} is removed"}


def _row(name: str) -> dict[str, Any]:
    if name == "qa":
        return {"agent": name, "refused": QA.as_dict()}
    files, notes = [f".fleet/agents/{name}.yaml"], ["prompts/x.md stays"]
    return {"agent": name, "files": files, "teams": ["web"], "notes": notes, "seen": f"sha-{name}"}


def run(*words: str, typed: str = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(fleet, ("agent", "remove", *words), input=typed)
    code = done.exception.exit_code if isinstance(done.exception, FleetError) else done.exit_code
    return code, done.stdout, str(done.exception) if isinstance(done.exception, FleetError) else done.stderr


def test_a_dry_run_shows_what_goes_and_what_cannot(watcher: Asked) -> None:
    code, out, _ = run("sam", "qa", "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "nothing was done; this would remove 2 agents:",
        "AGENT  GOES                    AND",
        "qa     -                       refused: it is at work: a run of qa is running on ticket #3",
        "sam    .fleet/agents/sam.yaml  out of the team web; prompts/x.md stays",
    ]
    told = json.loads(run("sam", "qa", "--dry-run", "--json")[1])
    assert (told["act"], told["dry_run"]) == ("remove_agent", True)
    assert [sorted(row) for row in told["selected"]] == [["agent", "refused"], ["agent", "files", "notes", "teams"]]
    code, _, err = run("qa", "--dry-run")
    assert (code, "fleet agent stop qa" in err) == (1, True)
    assert {op for op, _ in watcher} == {"preview_removal"}


def test_each_has_its_own_result_and_is_just_what_was_shown(watcher: Asked) -> None:
    code, out, err = run("--team", "web", "--json")
    assert code == 3
    assert [(row["agent"], row["result"]) for row in json.loads(out)["results"]] == [
        ("qa", "failed"),
        ("sam", "done"),
        ("lead", "done"),
    ]
    assert "remove 3 agents: 1 of 3 not done: qa: it is at work" in err
    assert [args for op, args in watcher if op == "remove_agent"] == [
        {"agent": "qa", "seen": None},
        {"agent": "sam", "seen": "sha-sam"},
        {"agent": "lead", "seen": "sha-lead"},
    ]


@pytest.mark.parametrize(
    ("words", "typed", "code", "asked"),
    [(("sam",), "n\n", 1, True), (("sam",), "y\n", 0, True), (("sam", "--yes"), "", 0, False), (("qa",), "", 1, False)],
    ids=["no", "yes", "said yes", "refused anyway"],
)
def test_a_person_is_asked_also_about_whom_they_named(
    watcher: Asked, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], typed: str, code: int, asked: bool
) -> None:
    monkeypatch.setattr(agent_remove, "person_is_there", lambda **_: True)
    done, out, _ = run(*words, typed=typed)
    assert (done, "remove sam? [y/N]" in out) == (code, asked)
    assert ("sam is removed" in out) is (code == 0)
    if typed:
        assert out.index(".fleet/agents/sam.yaml") < out.index("[y/N]")


def test_without_a_watcher_that_is_the_error(known: Shop) -> None:
    code, out, err = run("sam")
    assert (code, out) == (1, "")
    assert err.startswith("the watcher is not running")
