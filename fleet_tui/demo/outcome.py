"""Whether the demo came out as it must: branch content, the story's turns, the promises, nothing left running."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fleet_tui.demo.scenes import Scene, governance
from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.tmux import proctree
from fleet_tui.tmux.records import MARKER
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher.lock import is_locked
from fleet_tui.watcher.verify import verify_fleet

EXPECTED = ("CHANGELOG.md", "tests/test_accents.py", "tests/test_numbers.py", "textkit/headings.py", "textkit/words.py")
FORBIDDEN = ("textkit/reader.py", "textkit/version.py", "deploy/upload.py", ".github/workflows/release.yml")


def check(paths: FleetPaths, shipping: set[int], *, story: bool) -> list[str]:
    """Everything that is wrong, as sentences; with ``story`` also that every turn of the seven tickets happened."""
    problems = _branch(paths.repository)
    reader = Reader.open(paths.database)
    try:
        problems += _log(reader, shipping, story=story)
        runs = [run.id for run in reader.runs()]
    finally:
        reader.close()
    problems += asyncio.run(verify_fleet(paths, deep=True))
    problems += _left_running(paths, runs)
    return problems


def _branch(repository: Path) -> list[str]:
    """The content of main, judged in a clone: expected files, none of the contained agents', and green tests."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="fleet-demo-") as directory:
        clone = Path(directory) / "clone"
        subprocess.run(
            ["git", "clone", "--quiet", str(repository), str(clone)], check=True, capture_output=True, timeout=60
        )
        problems += [f"{name} is missing on main" for name in EXPECTED if not (clone / name).is_file()]
        problems += [f"{name} of a contained agent is on main" for name in FORBIDDEN if (clone / name).exists()]
        tests = subprocess.run(
            [sys.executable, "-m", "unittest", "-q"],
            cwd=clone,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if tests.returncode != 0:
            problems.append(f"the tests on main fail: {tests.stderr[-500:]}")
    return problems


def _log(reader: Reader, shipping: set[int], *, story: bool) -> list[str]:
    events = reader.events(EventFilter(), after=0, limit=1_000_000)
    counts = Counter(event.kind for event in events)
    merged = Counter(event.payload["ticket"] for event in events if event.kind == "pr_merged")
    problems = [
        f"ticket #{number} was merged {merged[number]} times" for number in sorted(shipping) if merged[number] != 1
    ]
    problems += [f"ticket #{number} was merged, but must not" for number in merged if number not in shipping]
    turns = {
        "a rejection by a reviewer": counts["pr_changes_requested"],
        "a failed gate": counts["gate_failed"],
        "a question": counts["blocker"],
        "its answer": counts["question_answered"],
        "three denied acts": counts["policy_denied"] >= 3,
        "an approval for each merge": counts["approval_granted"] >= len(shipping),
    }
    if story:
        problems += [f"the story lacks {what}" for what, happened in turns.items() if not happened]
        problems += [scene.lacks for scene in governance(events) if scene.lacks]
    return problems


def scenes(paths: FleetPaths) -> list[Scene]:
    """What governance did in the demo, from its log."""
    reader = Reader.open(paths.database)
    try:
        return governance(reader.events(EventFilter(), after=0, limit=1_000_000))
    finally:
        reader.close()


def _left_running(paths: FleetPaths, runs: list[str]) -> list[str]:
    problems = [f"processes of {run} are left" for run in runs if proctree.marked(MARKER, run)]
    if is_locked(paths.lock):
        problems.append("the watcher is left running")
    if asyncio.run(TmuxServer(paths.tmux_socket_name).alive()) is not None:
        problems.append("the tmux server is left running")
    return problems
