"""All stop, quarantine with its evidence, and discarding, seen in processes, files and git."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from tests.e2e.e2e_support import DEVELOPER, PLAIN, REVIEWER, Place, scene, stands_still
from tests.e2e.test_person_and_agents import all_stopped, tree

pytestmark = pytest.mark.slow
VENDORS = {"scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]}}
WORKS = scene(
    "developer",
    {"write": {"path": "draft.txt", "text": "half done"}},
    {"say": "thinking about it"},
    {"run": ["sleep", "600"]},
)
TEAM = [
    {"name": "dev", "role": "developer"},
    {"name": "eve", "role": "developer"},
    {"name": "rev", "role": "reviewer"},
]


def test_all_stop_freezes_everything_and_lets_go_one_by_one_or_all(place: Place) -> None:
    place.configure([WORKS, REVIEWER], agents=TEAM)
    place.fleet("watcher", "start")
    place.ticket("One")
    place.ticket("Two")
    dev, eve = tree(place, "dev"), tree(place, "eve")
    said = place.fleet("halt", "--reason", "wrong database")
    assert said.startswith("all stop: 3 agents paused, 2 runs frozen")
    assert all_stopped([*dev, *eve]), "frozen when the answer comes"
    assert "ALL STOP: wrong database" in place.fleet("status")
    assert place.run("halt").code == 1
    place.ticket("Three")
    place.fleet("agent", "resume", "dev")
    place.until(lambda: not any(stands_still(p) for p in dev), "dev goes on")
    assert all_stopped(eve)
    assert [run.ticket for run in place.reader.runs(RunState.STARTING, RunState.RUNNING)] == [1]
    place.fleet("halt", "--lift", "--reason", "right one")
    place.until(lambda: not any(stands_still(p) for p in eve), "eve goes on")
    place.until(lambda: place.alarm("halt") is None, "the alarm clears")
    assert place.run("halt", "--lift").code == 1


def test_nothing_lands_while_everything_is_stopped(place: Place) -> None:
    place.configure(PLAIN, approval={"hold_s": 1})
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until_approval(1)
    place.fleet("halt")
    place.approve(1)
    held_ns = place.events("approval_granted")[0].payload["hold_until_ns"]
    place.until(lambda: time.time_ns() > held_ns + 1_500_000_000, "the grace time is long over")
    assert place.events("pr_merged") == []
    place.fleet("halt", "--lift")
    place.until_ticket(1, TicketState.SHIPPED)


def workspace(place: Place) -> Path:
    return Path(place.reader.runs(agent="dev")[0].workspace)


def test_quarantine_keeps_evidence_and_holds_the_work(place: Place) -> None:
    place.configure([WORKS, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    place.fleet("agent", "quarantine", "dev", "--reason", "odd")
    assert all_stopped(processes)
    kept = place.until(lambda: place.events("evidence_kept"), "evidence is kept")[0].payload
    folder = place.paths.evidence / kept["folder"]
    manifest = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == kept["manifest_sha"]
    files = json.loads(manifest)["files"]
    assert len(files) == kept["files"] == 7
    for name, digest in files.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    assert "thinking about it" in (folder / "scrollback.txt").read_text()
    assert any("sleep" in process["argv"] for process in json.loads((folder / "processes.json").read_text()))
    environment = (folder / "environment.txt").read_text()
    assert "FLEET_TOKEN\n" in environment
    assert "=" not in environment, "names, no values"
    listing = {entry["path"]: entry for entry in json.loads((folder / "files.json").read_text())}
    assert listing["draft.txt"]["sha256"] == hashlib.sha256(b"half done").hexdigest()
    assert '"kind": "run_started"' in (folder / "events.jsonl").read_text()
    assert not stat.S_IMODE((workspace(place) / "draft.txt").stat().st_mode) & 0o222
    shown = subprocess.run(
        ["git", "--git-dir", str(place.paths.control), "show", f"{kept['backup_ref']}:draft.txt"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == "half done"
    place.tell(DEVELOPER, REVIEWER)
    place.fleet("agent", "release", "dev", "--reason", "fine")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.fleet("verify", "--deep")


def test_discarded_work_is_kept_out_of_the_way(place: Place) -> None:
    place.configure([WORKS, REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Work")
    processes = tree(place)
    refused = place.run("agent", "discard", "dev", "--reason", "x", "--yes")
    assert (refused.code, "not quarantined" in refused.err) == (1, True)
    place.fleet("agent", "quarantine", "dev", "--reason", "odd")
    said = place.fleet("agent", "discard", "dev", "--reason", "wrong thing", "--yes")
    ref = said.split()[-1]
    shown = subprocess.run(
        ["git", "--git-dir", str(place.paths.control), "show", f"{ref}:draft.txt"], capture_output=True, check=True
    )
    assert shown.stdout == b"half done"
    place.until(lambda: not any(process.is_running() for process in processes), "its processes are gone")
    place.until_ticket(1, TicketState.BLOCKED)
    assert "discarded" in place.fleet("ticket", "show", "1")
    assert place.reader.pull_requests(PullRequestState.NEEDS_REVIEW) == []
    agent = place.reader.agent("dev")
    assert agent is not None
    assert agent.quarantined, "the agent itself stays contained"
    place.fleet("verify", "--deep")


EMPTIES_ITS_DIRECTORY = """
run=$(dirname "$(dirname "$FLEET_SOCKET")"); until grep -q 'child_pid": *[0-9]' "$run/runner.json"; do sleep 0.05; done
echo $$ > pid.txt; rm -f "$run/runner.json" "$run/runner.sock" "$run"/*.sock.*; echo emptied
while :; do sleep 0.02; done
"""


def plain(place: Place, script: str) -> None:
    """A fleet whose developer is a script that runs as we do."""
    vendors = {"plain": {"kind": "command", "argv": ["sh", "-c", script], "prompt": "stdin"}}
    agents = [{"name": "dev", "role": "developer", "vendor": "plain"}, {"name": "rev", "role": "reviewer"}]
    place.configure([REVIEWER], agents=agents, vendors=VENDORS | vendors, isolation={"level": "L0"})


@pytest.mark.parametrize("order", [("halt",), ("agent", "quarantine", "dev", "--reason", "odd")])
def test_a_run_that_empties_its_directory_is_stopped_all_the_same(place: Place, order: tuple[str, ...]) -> None:
    """Without a sandbox it can; then the watcher stops its processes itself, and says so."""
    plain(place, EMPTIES_ITS_DIRECTORY)
    place.fleet("watcher", "start")
    place.ticket("Work")
    run = place.until(lambda: next((run for run in place.reader.runs(agent="dev") if run.workspace), None), "its run")
    said = Path(run.workspace) / "pid.txt"
    place.until(lambda: said.exists() and said.read_text().strip(), "the agent's process")
    child = psutil.Process(int(said.read_text()))
    record = place.paths.run_dir(run.id) / "runner.json"
    place.until(lambda: not record.exists(), "its directory is emptied")
    place.fleet(*order)
    place.until(lambda: stands_still(child), "it stands still")
    assert "its runner did not stop it" in str(place.until(lambda: place.alarm("contained-runs"), "it is told"))


def test_a_run_without_a_record_is_still_no_operator(place: Place) -> None:
    command = f"{sys.executable} -m fleet_tui --repo {place.repository} agent pause rev"
    state = {name: place.env[name] for name in ("FLEET_STATE_HOME", "FLEET_RUNTIME_DIR") if name in place.env}
    words = " ".join(f"{name}={value}" for name, value in state.items())
    script = EMPTIES_ITS_DIRECTORY.replace("echo emptied", f"env {words} {command} > said.txt 2>&1")
    plain(place, script)
    place.fleet("watcher", "start")
    place.ticket("Work")
    denied = place.until(lambda: place.events("policy_denied"), "it is refused")[0]
    assert denied.payload["act"] == "pause"
    assert denied.payload["agent"] == "dev"
    assert place.events("agent_paused") == []
