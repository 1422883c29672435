"""The demo with GitHub as its forge, as `make demo-github` plays it: it judges its own outcome, also on GitHub."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.e2e_support import Place

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
_ORDER = (
    "GitHub issue #1 is labelled ready",
    " claim_decided ",
    "GitHub issue #1 is labelled in-progress",
    " pr_created ",
    " pr_published ",
    "check build: runs",
    " pr_approved ",
    "is labelled approved",
    " is merged",
    " ticket_shipped ",
    "v0.1.0 at ",
)


def test_from_labelled_issues_to_a_release(bare: Place) -> None:
    # Its own limit is the shorter one: it says what is open then, and ends its fleet.
    argv = [sys.executable, str(ROOT / "tools" / "demo_github.py"), "--time-limit", "400"]
    done = subprocess.run(
        argv, cwd=bare.root, env=bare.env, input="", capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    at = -1
    for told in _ORDER:
        at = done.stdout.find(told, at + 1)
        assert at >= 0, (told, done.stdout)
    for kind in ("check_rerun", "pr_changes_requested", "gate_failed", "budget_extended", "question_answered"):
        assert f" {kind} " in done.stdout
    assert "check build: failure" in done.stdout
    assert done.stdout.count(" agent_quarantined ") == 2
    assert " (#1, #" in done.stdout, "the notes name issue and pull request"
    assert "outcome checked: issues closed and shipped, one claim each" in done.stdout
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    place = done.stdout.split("demo in ", 1)[1].split("/textkit", 1)[0]
    assert place not in listed
    assert not Path(place).exists()
