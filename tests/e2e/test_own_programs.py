"""A person's own program as an agent: what it said last, why it brought no result, and how it gets an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import APPROVES, Place, scene

pytestmark = pytest.mark.slow
CRASHES = (
    "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; done; "
    "printf 'Traceback:\\n\\033[31mKeyError\\033[0m: %s\\n' \"'price'\" >&2; exit 3"
)


def own_program(place: Place, script: str, **sections: Any) -> None:
    """A developer that runs ``script``, and a scripted reviewer who agrees."""
    agents = [{"name": "dev", "role": "developer", "vendor": "own"}, {"name": "rev", "role": "reviewer"}]
    vendors = {
        "own": {"kind": "command", "argv": ["sh", "-c", script], "prompt": "file"},
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
    }
    limits = {"restart_attempts": 1}
    place.configure([scene("reviewer", *APPROVES)], agents=agents, vendors=vendors, limits=limits, **sections)


def test_what_a_crashed_program_said_last_can_be_read_and_is_not_in_the_log(place: Place) -> None:
    own_program(place, CRASHES)
    place.fleet("watcher", "start")
    place.ticket("Work")
    title = place.until(lambda: place.alarm("crash-loop"), "an alarm")
    assert title == "dev crashed once: exit code 3"
    (run,) = place.reader.runs(agent="dev")
    (alarm,) = (a for a in place.reader.alarms() if a.rule == "crash-loop")
    assert alarm.response == f"fleet agent logs dev --run {run.id}"
    assert alarm.response in place.fleet("agent", "explain", "dev")
    told = place.fleet("agent", "logs", "dev")
    assert "    | KeyError: 'price'\n" in told
    assert f"{run.id} crashed (exit code 3)" in told.splitlines()[0]
    found = json.loads(place.fleet("agent", "logs", "dev", "--run", run.id, "--json"))
    assert (found["run"], found["exit_code"], found["state"]) == (run.id, 3, "crashed")
    assert "line 300" in found["lines"]
    assert "line 1" not in found["lines"]
    assert len(found["lines"]) <= 200
    assert not [line for line in found["lines"] if "Pane is dead" in line]
    assert place.paths.evidence.joinpath(f"{run.id}.log").stat().st_mode & 0o077 == 0
    assert "KeyError" not in place.fleet("audit", "export")
    assert place.run("agent", "logs", "nobody").code == 2
    assert place.run("agent", "logs", "dev", "--run", "run-nope").code == 2
    place.fleet("verify", "--deep")


@pytest.mark.parametrize("ending", ["exit 0", "exit 1"])
def test_a_hand_over_that_was_refused_is_told_with_the_end_of_the_run(place: Place, ending: str) -> None:
    own_program(place, f"fleet publish pr_created; {ending}")
    place.fleet("watcher", "start")
    place.ticket("Work")
    title = place.until(lambda: place.alarm("crash-loop"), "an alarm")
    (crashed,) = place.events("run_crashed")
    for text in (title, crashed.payload["reason"]):
        assert "nothing to review: branch agent/1-work has no commits beyond its base" in text
    assert ("without handing its work over" in title) is (ending == "exit 0")
    place.until_ticket(1, TicketState.BLOCKED)
    assert "nothing to review" in place.fleet("ticket", "show", "1")


def test_a_program_without_hooks_asks_and_reads_its_answer(place: Place) -> None:
    asks = (
        "fleet blocker 'Which colour?' --question && read -r answer && echo \"$answer\" > colour.txt && git add . && "
        "git commit -q -m Colour && git push -q && fleet publish pr_created"
    )
    own_program(place, asks)
    place.fleet("watcher", "start")
    place.ticket("Paint")
    place.until_ticket(1, TicketState.BLOCKED)
    place.fleet("question", "answer", "#1", "red")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: (place.repository / "colour.txt").exists(), "it lands")
    assert (place.repository / "colour.txt").read_text() == "red\n"
    states = [event.payload["state"] for event in place.events("run_state_changed")][:3]
    assert states == ["running", "waiting", "running"]
    assert [a for a in place.reader.alarms() if a.rule == "idle"] == []
