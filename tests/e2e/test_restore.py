"""The tmux server and the watcher are killed with three agents at work: a plan, a person's word, and all ships."""

from __future__ import annotations

import os
import signal
import subprocess

import psutil
import pytest

from fleet_tui.domain.states import LIVE_RUNS, RunState, TicketState
from fleet_tui.watcher.lock import is_locked, read_holder
from tests.e2e.e2e_support import APPROVES, WRITES, Place, scene

pytestmark = pytest.mark.slow
TEAM = [{"name": name, "role": "developer"} for name in ("ada", "bo", "cy")] + [{"name": "rev", "role": "reviewer"}]


def _kill_tmux(place: Place) -> None:
    argv = ["tmux", "-L", place.paths.tmux_socket_name, "display-message", "-p", "#{pid}"]
    said = subprocess.run(argv, env=place.env, capture_output=True, text=True, timeout=60, check=True)
    os.kill(int(said.stdout), signal.SIGKILL)


def _kill_watcher(place: Place) -> None:
    holder = psutil.Process(int(str(read_holder(place.paths.lock)["pid"])))
    for process in (*[p for p in holder.parents() if "--supervised" in p.cmdline()], holder):
        process.kill()
    place.until(lambda: not is_locked(place.paths.lock), "the watcher is dead")


def _held(place: Place) -> set[str]:
    return {run.agent for run in place.reader.runs(RunState.QUEUED) if run.held}


def test_three_runs_lost_with_everything_are_restored_and_ship(place: Place) -> None:
    place.configure([scene("developer", {"wait_for": "message"}, "stop"), scene("reviewer", *APPROVES)], agents=TEAM)
    place.fleet("watcher", "start")
    numbers = [place.ticket(title) for title in ("One", "Two", "Three")]
    place.until(lambda: len(place.reader.runs(RunState.RUNNING)) == 3, "three agents work")
    place.until(lambda: all(place.child(name) for name in ("ada", "bo", "cy")), "their programs run")
    _kill_watcher(place)
    _kill_tmux(place)
    place.tell(scene("developer", *WRITES), scene("reviewer", *APPROVES))
    place.fleet("watcher", "start")
    place.until(lambda: _held(place) == {"ada", "bo", "cy"}, "all three wait for a person")
    alarm = place.until(lambda: place.alarm("restore"), "the alarm about them")
    assert alarm.startswith("3 runs were lost when their tmux server died")
    assert "fleet restore --plan" in place.fleet("queue")
    plan = place.run("restore", "--plan", "--json").json
    assert [run["ticket"] for run in plan["runs"]] == numbers
    told = place.fleet("restore", "--plan")
    assert "3 runs lost when their tmux server died" in told
    assert "session:" in told
    assert "workspace: clean" in told
    # Another watcher comes and goes in between: nothing starts, nothing is forgotten.
    _kill_watcher(place)
    place.fleet("watcher", "start")
    rounds = place.run("restore", "--plan", "--json").json
    assert [run["run"] for run in rounds["runs"]] == [run["run"] for run in plan["runs"]]
    assert place.reader.runs(*LIVE_RUNS) == []
    assert "start in this order" in place.fleet("restore")
    assert "nothing of that waits" in place.fleet("restore")
    for number in numbers:
        place.approve(number)
    for number in numbers:
        place.until_ticket(number, TicketState.SHIPPED, limit_s=120)
    place.until(lambda: place.alarm("restore") is None, "the alarm clears")
    assert len(place.events("tmux_lost")) == 1
    assert all(run.attempt == 1 for run in place.reader.runs()), "a loss is no attempt of theirs"
    place.fleet("verify", "--deep")
