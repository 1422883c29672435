"""``fleet approval``: what a person reads before they decide."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet_tui.cli import signing
from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError, UsageError
from tests.cli.conftest import Shop

SHA = {name: name * 40 for name in "abcd"}


def approval(summary: str) -> list[ev.Draft]:
    created = ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", SHA["c"], SHA["b"], 1, 1, 0)
    asked = ev.ApprovalRequested("apr", 1, 1, SHA["c"], SHA["b"], SHA["d"], "g", "p", ["policy"], 2**62)
    return [
        ev.draft(created, "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "rev", "r", "reviewer", SHA["c"], summary), "pr:1"),
        ev.draft(asked, "pr:1"),
    ]


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        ("", "  reviewer rev: approved @cccccccc"),
        ("\n\n", "  reviewer rev: approved @cccccccc"),
        ("\nGood.\nReally.", "  reviewer rev: approved @cccccccc  Good. Really."),
    ],
)
@pytest.mark.parametrize("words", [("approval", "show", "1", "--no-diff"), ("pr", "show", "1")], ids=" ".join)
def test_a_verdict_with_few_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], summary: str, line: str
) -> None:
    shop.add(*approval(summary))
    monkeypatch.chdir(shop.repository)
    done = CliRunner().invoke(fleet, words)
    assert done.exit_code == 0, done.output
    shown = done.output.splitlines()
    if words[0] == "approval":
        assert line in shown
        assert shown[-1] == "  fleet approval approve 1 --head cccccccc"
    else:
        said = [f"    | {part}" for part in summary.split()]
        assert [row for row in shown if row.startswith("    | ")] == said


def test_show_says_who_has_approved_of_how_many_and_at_which_risk(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    created, *rest = approval("fine")
    asked = rest.pop()
    seconded = ev.ApprovalSeconded(asked.payload["approval"], 1, "operator:kim")
    asked.payload.update(quorum=2, risk_band="medium")
    shop.add(created, *rest, asked, ev.draft(seconded, "pr:1", actor="operator:kim"))
    monkeypatch.chdir(shop.repository)
    shown = CliRunner().invoke(fleet, ["approval", "show", "1", "--no-diff"]).output.splitlines()
    assert "risk medium when it was asked  persons 1 of 2: operator:kim" in shown


def test_a_key_on_disk_signs_what_the_watcher_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "lou"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    monkeypatch.setattr(signing, "statement", lambda repo, args: f"decide {args['approval']}\n")
    args = signing.signed(None, {"approval": "a-1"}, key, None)
    assert "BEGIN SSH SIGNATURE" in args["signature"]
    brought = tmp_path / "a.sig"
    brought.write_text(args["signature"])
    assert signing.signed(None, {"approval": "a-1"}, None, brought) == args
    with pytest.raises(UsageError, match="sign or signature"):
        signing.signed(None, {}, key, brought)
    with pytest.raises(UsageError, match="not a signature"):
        signing.signed(None, {}, None, key.with_suffix(".pub"))
    with pytest.raises(FleetError, match="cannot sign"):
        signing.signed(None, {"approval": "a-1"}, brought, None)


def test_the_statement_can_be_had_by_a_program(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add(*approval("fine"))
    monkeypatch.chdir(shop.repository)
    monkeypatch.setattr(signing, "statement", lambda repo, args: f"decide {args['approval']}\n")
    told = json.loads(CliRunner().invoke(fleet, ["approval", "statement", "1", "--json"]).output)
    assert told == {"approval": "apr", "namespace": "fleet", "statement": "decide apr\n"}
