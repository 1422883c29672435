"""``fleet pr``: what a gate said can be read by a person, at the tree that counts now."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError, UsageError
from tests.cli.conftest import Shop

OLD, HEAD, BASE = "a" * 40, "c" * 40, "b" * 40
TREES = {"old": "1" * 40, "new": "2" * 40}


def gate(identity: str, name: str, tree: str, head: str, code: int) -> list[ev.Draft]:
    started = ev.GateStarted(identity, name, 1, tree, head, BASE, f"make {name}")
    log, tail = f"{identity}.log", f"line 1\n{name} says {code}"
    ended: ev.GateFailed | ev.GatePassed = ev.GateFailed(identity, name, 1, tree, 1500, code, log, tail)
    if code == 0:
        ended = ev.GatePassed(identity, name, 1, tree, 1500, 0, log, tail)
    return [ev.draft(started, "pr:1"), ev.draft(ended, "pr:1")]


@pytest.fixture
def gated(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Of the first head all passed, of the second the tests fail."""
    files = (1, 1, 0)
    shop.add(
        ev.draft(ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", OLD, BASE, *files), "pr:1"),
        *gate("gate-1", "test", TREES["old"], OLD, 0),
        ev.draft(ev.PullRequestUpdated(1, HEAD, BASE, "r", *files), "pr:1"),
        *gate("gate-2", "lint", TREES["new"], HEAD, 0),
        *gate("gate-3", "test", TREES["new"], HEAD, 2),
    )
    for number in (1, 2, 3):
        (shop.paths.evidence / f"gate-{number}.log").write_text(f"all of {number}\n\x1b[2J  indented\n")
    monkeypatch.chdir(shop.repository)
    return shop


def run(*words: str) -> Result:
    return CliRunner().invoke(fleet, words)


@pytest.mark.parametrize("number", ["1", "PR1", "pr:1"])
def test_show_tells_what_failed_on_the_current_tree_and_where_the_rest_is(gated: Shop, number: str) -> None:
    shown = run("pr", "show", number).output.splitlines()
    at = shown.index("  gate test failed in 1.5 s on tree 22222222  exit code 2")
    assert shown[at - 1] == "  gate lint passed in 1.5 s on tree 22222222"
    assert shown[at + 1 : at + 4] == ["    it ended with", "    | line 1", "    | test says 2"]
    assert "fleet pr gate-log 1 test --tree 22222222" in shown[at + 4]
    assert str(gated.paths.evidence / "gate-3.log") in shown[at + 4]
    assert shown[at + 5 :] == ["  earlier: gate test passed in 1.5 s on tree 11111111"]


@pytest.mark.parametrize(
    ("words", "number"),
    [((), 3), (("test",), 3), (("lint",), 2), (("test", "--tree", "1111"), 1), (("--tree", "1111"), 1)],
)
def test_everything_that_a_gate_said(gated: Shop, words: tuple[str, ...], number: int) -> None:
    done = run("pr", "gate-log", "1", *words)
    assert done.exit_code == 0
    assert f"    | all of {number}\n    |   indented\n" in done.output
    assert done.output.endswith(f"from {gated.paths.evidence / f'gate-{number}.log'}\n")
    found = json.loads(run("pr", "gate-log", "1", *words, "--json").output)
    assert (found["gate"]["id"], found["text"]) == (f"gate-{number}", f"all of {number}\n\x1b[2J  indented\n")


def test_what_is_not_there(gated: Shop) -> None:
    assert isinstance(run("pr", "gate-log", "7").exception, UsageError)
    assert "gates: lint, test" in str(run("pr", "gate-log", "1", "no").exception)
    (gated.paths.evidence / "gate-3.log").unlink()
    gone = run("pr", "gate-log", "1").exception
    assert isinstance(gone, FleetError)
    assert gone.title == "no output was kept"
    assert run("pr", "show", "1x").exit_code == 2
    assert run("pr", "show", "#1").exit_code == 2


def test_show_names_the_lens_of_each_verdict_its_commit_and_what_the_risk_still_needs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = shop.repository / ".fleet" / "config.yaml"
    config.write_text("version: 1\nagents: []\nreviews: {bands: {high: {lenses: [security, correctness]}}}\n")
    shop.add(
        ev.draft(ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", HEAD, BASE, 1, 1, 0), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "sam", "r", "security", OLD, "fine", None, "security"), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "lee", "r", "tech-lead", HEAD, "right", None, "correctness"), "pr:1"),
    )
    monkeypatch.chdir(shop.repository)
    shown = run("pr", "show", "1").output.splitlines()
    assert "  tech-lead lee (correctness): approved  @cccccccc" in shown
    assert "  security sam (security): approved  STALE @aaaaaaaa" in shown
    assert [line for line in shown if "waits for" in line] == ["  waits for the lens security (risk high)"]
    reviews = json.loads(run("pr", "show", "1", "--json").output)["reviews"]
    assert {review["agent"]: review["lens"] for review in reviews} == {"sam": "security", "lee": "correctness"}


def test_show_does_not_wait_for_who_has_approved_this_head(gated: Shop) -> None:
    gated.add(
        ev.draft(ev.PullRequestStateChanged(1, "needs_review", "waits for lee, sec, the lens tests", 1), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "lee", "r9", "tech-lead", HEAD, "good"), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "sec", "r8", "security", OLD, "good"), "pr:1"),
    )
    assert "needs_review: waits for sec, the lens tests" in run("pr", "show", "1").output


def test_show_says_where_it_is_on_github(gated: Shop) -> None:
    assert "GitHub" not in run("pr", "show", "1").output
    assert json.loads(run("pr", "show", "1", "--json").output)["url"] == ""
    for number in (7, 9):  # closed there and opened anew: the newest counts
        told = ev.PullRequestPublished(1, number, f"https://github.com/acme/shop/pull/{number}", "a" * 40, "b" * 16)
        gated.add(ev.draft(told, "pr:1"))
    assert "on GitHub: https://github.com/acme/shop/pull/9" in run("pr", "show", "1").output
    assert json.loads(run("pr", "show", "1", "--json").output)["url"].endswith("/9")


def test_a_state_that_needs_no_reason_has_none(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.repository)
    files = (1, 1, 0)
    shop.add(
        ev.draft(ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", HEAD, BASE, *files), "pr:1"),
        ev.draft(ev.PullRequestMerged(1, 1, HEAD, BASE, OLD, TREES["new"], "main"), "pr:1"),
    )
    assert run("pr", "show", "1").output.splitlines()[1] == "b → main  merged"
