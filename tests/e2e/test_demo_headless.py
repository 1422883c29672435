"""The demo plays its whole story by itself, and judges the outcome from outside."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.e2e_support import Place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("level", ["auto", "L0"])
def test_the_headless_demo_ships_and_leaves_nothing(bare: Place, level: str) -> None:
    """In the strongest sandbox that works here and without any: each scene of governance is printed as it happens, and
    what became of all three is said at the end."""
    directory = bare.root / "demo"
    words = ("demo", "--headless", "--speed", "20", "--directory", str(directory))
    done = bare.run(*words, cwd=bare.root, env={"FLEET__isolation__level": level}, limit_s=300)
    assert done.code == 0, done.text
    assert not directory.exists() or not any(directory.iterdir())
    story, summary = done.out.split("the story ended")
    assert f"isolation {'L' if level == 'auto' else level}" in story
    for kind in ("gate_failed", "pr_changes_requested", "question_answered", "budget_warning"):
        assert kind in story
    assert story.index("budget_report_asked") < story.index("limited by rule") < story.index("budget_extended")
    assert "publish pr_approved: role developer (author) may not publish pr_approved" in story
    assert " critical, was " in story
    assert story.count("agent_quarantined") == 2
    assert [line.split()[0] for line in summary.splitlines()[1:4]] == ["budget", "approval", "risk"]
    assert "pipeline: decides what runs: .github/workflows/release.yml" in summary
    assert "secrets: AWS Access Key in deploy/upload.py:1" in summary
    assert "outcome checked: branch content, one merge per ticket, the three scenes of governance" in summary


def test_a_demo_that_cannot_end_says_what_is_open_and_keeps_the_place(bare: Place) -> None:
    directory = bare.root / "demo"
    done = bare.run(
        "demo", "--headless", "--speed", "1", "--time-limit", "5", "--directory", str(directory), cwd=bare.root
    )
    assert done.code == 1
    assert "the demo did not end: #1" in done.err
    assert str(directory) in done.text
    assert (directory / "textkit" / ".git").is_dir()
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(directory) not in listed


def test_without_a_terminal_the_demo_says_how(bare: Place) -> None:
    done = bare.run("demo", "--directory", str(bare.root / "demo"), cwd=bare.root)
    assert done.code == 2
    assert "fleet demo --headless" in done.err
    assert "--directory" not in done.err


def test_a_demo_that_does_not_even_start_says_what_it_leaves(bare: Place) -> None:
    (bare.root / "bin").mkdir()
    for program in ("git", "sh"):
        (bare.root / "bin" / program).symlink_to(str(shutil.which(program)))
    env = {"PATH": str(bare.root / "bin"), "FLEET__limits__max_running": "none"}
    done = bare.run("demo", "--headless", cwd=bare.root, env=env)
    assert done.code != 0
    (kept,) = re.findall(r"kept: (/tmp/fleet-\S+)$", done.out, re.MULTILINE)
    assert Path(kept).is_dir()
    shutil.rmtree(kept)
