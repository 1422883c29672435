"""``fleet release``: JSON with every reason and exit codes; notes from the log; tags and what stands against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.bus import operator
from fleet_tui.cli import release as release_command
from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from tests.cli.conftest import Shop

REASON = {"ground": "checks", "message": "gate test: failed", "where": "fleet"}


@pytest.fixture
def opened(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop.add(
        ev.draft(ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", "a" * 40, "b" * 40, 1, 1, 0), "pr:1")
    )
    monkeypatch.chdir(shop.repository)
    return shop


@pytest.mark.parametrize(("reasons", "code"), [([], 0), ([REASON], 1)])
def test_the_answer_is_json_and_the_code_is_the_answer(
    opened: Shop, monkeypatch: pytest.MonkeyPatch, reasons: list[dict[str, str]], code: int
) -> None:
    asked: list[Any] = []

    def answer(socket: Any, op: str, args: dict[str, Any], limit: float, **_: Any) -> dict[str, Any]:
        asked.append((op, args))
        return {"pr": 1, "ready": not reasons, "reasons": reasons}

    monkeypatch.setattr(operator, "call", answer)
    done = CliRunner().invoke(fleet, ["release", "check", "PR1"])
    assert done.exit_code == code
    assert json.loads(done.output)["reasons"] == reasons
    assert asked == [("release_check", {"pr": 1})]


def test_without_a_watcher_it_is_no(opened: Shop) -> None:
    done = CliRunner().invoke(fleet, ["release", "check", "1"])
    told = json.loads(done.output)
    assert (done.exit_code, told["ready"], told["reasons"][0]["ground"]) == (1, False, "unknown")


@pytest.fixture
def tagging(opened: Shop, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of the watcher, which answers as it would."""
    asked: list[Any] = []

    def answer(socket: Any, op: str, args: dict[str, Any], limit: float, **_: Any) -> dict[str, Any]:
        asked.append((op, args))
        if not args.get("dry_run"):
            return {"message": "v1 at aaaaaaaa on main: 1 landed; tagged in your repository"}
        ready = args["version"] == "v1"
        about = {"version": args["version"], "commit": "a" * 40, "target": "main", "since": "v0", "prs": [1]}
        reasons = [] if ready else [{"ground": "tag", "message": "it is there", "where": "fleet"}]
        state = {"forge": "local", "asked_by": "rel", "votes": ["operator:kim"], "quorum": 2, "sha": "5ea1"}
        return about | state | {"notes": "- `T` (#1)\nPR 1", "ready": ready, "reasons": reasons}

    monkeypatch.setattr(operator, "call", answer)
    return asked


def test_a_dry_run_says_what_it_would_be_and_what_is_against_it(tagging: list[Any]) -> None:
    done = CliRunner().invoke(fleet, ["release", "tag", "v1", "--dry-run"])
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "v1 would be aaaaaaaaaaaa on main, in your repository, as rel asks: 1 pull request since v0",
        "it takes 2 persons; so far operator:kim",
        "    | - `T` (#1)",
        "    | PR 1",
        "just this commit, whatever lands or lapses meanwhile: fleet release tag v1 --at aaaaaaaaaaaa",
    ]
    refused = CliRunner().invoke(fleet, ["release", "tag", "v2", "--dry-run"])
    assert (refused.exit_code, refused.output.splitlines()[-1]) == (1, "not now: tag: it is there")


def test_a_tag_with_notes_of_a_file(tagging: list[Any], tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Big.\n")
    words = ["release", "tag", "v1", "--notes", str(tmp_path / "notes.md"), "--at", "abcdef0", "--since", "v0"]
    done = CliRunner().invoke(fleet, words)
    assert done.output == "v1 at aaaaaaaa on main: 1 landed; tagged in your repository\n"
    assert tagging == [("tag_release", {"version": "v1", "at": "abcdef0", "since": "v0", "notes": "Big.\n"})]


@pytest.mark.parametrize(("version", "said", "code"), [("v1", "y\n", 0), ("v1", "n\n", 1), ("v2", "y\n", 1)])
def test_a_person_sees_it_before_it_is_tagged(
    tagging: list[Any], monkeypatch: pytest.MonkeyPatch, version: str, said: str, code: int
) -> None:
    """What they said yes to is what happens; with something against it they are not asked."""
    monkeypatch.setattr(release_command, "person_is_there", lambda **_: True)
    done = CliRunner().invoke(fleet, ["release", "tag", version], input=said)
    assert done.exit_code == code, done.output
    assert "    | PR 1" in done.output
    (shown, *acts) = [args for _, args in tagging]
    assert shown["dry_run"] is True
    bound = {"version": "v1", "since": "", "notes": "", "at": "a" * 40, "seen": "5ea1"}
    assert acts == ([bound] if code == 0 else [])


def test_declining_needs_a_reason(tagging: list[Any]) -> None:
    assert CliRunner().invoke(fleet, ["release", "decline", "v1"]).exit_code == 2
    assert CliRunner().invoke(fleet, ["release", "decline", "v1", "--reason", "no"]).exit_code == 0
    assert tagging == [("decline_release", {"version": "v1", "reason": "no"})]
