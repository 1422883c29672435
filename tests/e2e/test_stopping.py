"""Ending: with its agents nothing is left and nothing new begins; without them they go on and are taken up again."""

from __future__ import annotations

import re

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import DEVELOPER, REVIEWER, Place, scene, stands_still

pytestmark = pytest.mark.slow
SLOW = scene("developer", {"wait_for": "message"})  # at speed 0 nothing else takes time


def test_ending_with_the_agents_ends_all_of_them_and_begins_nothing(place: Place) -> None:
    place.configure([SLOW])
    place.fleet("watcher", "start")
    for title in ("One", "Two", "Three"):
        place.ticket(title)
    place.until(lambda: place.agent_state("dev") == "running", "the agent runs")
    assert place.fleet("watcher", "stop", "--with-agents") == "watcher stopped\n"
    assert place.processes() == []
    assert len(place.events("run_started")) == 1
    assert [place.ticket_state(number) for number in (2, 3)] == [TicketState.READY] * 2
    place.fleet("verify", "--deep")


def test_agents_outlive_the_watcher_and_are_taken_up_again(place: Place) -> None:
    place.configure([scene("developer", {"wait_for": "message"}, *DEVELOPER["steps"]), REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("One")
    place.until(lambda: place.events("message_delivered"), "the prompt arrives")
    child = place.until(lambda: place.child("dev"), "the agent's process")
    place.fleet("watcher", "stop")
    assert child.is_running()
    assert not stands_still(child)
    assert place.processes() != []
    place.fleet("watcher", "start")
    place.fleet("agent", "message", "dev", "go on")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    assert len(place.events("run_started")) == 2
    place.fleet("verify", "--deep")


def test_ending_what_does_not_run_says_so(place: Place) -> None:
    place.configure([SLOW])
    done = place.run("watcher", "stop")
    assert (done.code, done.out) == (0, "no watcher was running\n")
    status = place.run("watcher", "status")
    assert (status.code, status.out) == (1, "no watcher is running\n")


def test_an_agent_that_is_started_again_does_the_same_work_in_the_same_workspace(place: Place) -> None:
    place.configure([scene("developer", {"wait_for": "message"}, *DEVELOPER["steps"]), REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("One")
    place.until(lambda: place.events("message_delivered"), "the prompt arrives")
    before = place.until(lambda: place.child("dev"), "the agent's process").pid
    place.fleet("agent", "restart", "dev", "--reason", "its server was changed")
    place.until(
        lambda: len({event.subject for event in place.events("message_delivered")}) == 2, "the prompt arrives again"
    )
    again = place.until(lambda: place.child("dev"), "the agent's process")
    assert again.pid != before
    first, second = place.events("run_started")
    assert first.payload["workspace"] == second.payload["workspace"]
    place.fleet("agent", "message", "dev", "go on")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    assert place.events("run_crashed") == []
    place.fleet("verify", "--deep")


def test_a_stop_can_be_taken_back_and_comes_when_nobody_does(place: Place) -> None:
    place.configure([SLOW], approval={"when": "always", "hold_s": 60})
    place.fleet("watcher", "start")
    place.ticket("One")
    place.until(lambda: place.agent_state("dev") == "running", "the agent runs")
    child = place.until(lambda: place.child("dev"), "the agent's process")
    assert re.search(r"dev stops in \d+ s; `fleet agent stop dev --undo`", place.fleet("agent", "stop", "dev"))
    twice = place.run("agent", "stop", "dev")
    assert (twice.code != 0, "dev stops in" in twice.err) == (True, True)
    assert place.fleet("agent", "stop", "dev", "--undo") == "dev goes on\n"
    nothing = place.run("agent", "stop", "dev", "--undo")
    assert (nothing.code != 0, "no stop of dev is held" in nothing.err) == (True, True)
    assert place.run("agent", "stop", "dev", "--undo", "--now").code == 2
    assert child.is_running()
    place.fleet("agent", "stop", "dev", "--reason", "wrong track", "--now")
    place.until_ticket(1, TicketState.BLOCKED)
    assert not child.is_running()
    place.configure([SLOW], approval={"when": "always", "hold_s": 1})
    place.until(lambda: len(place.events("config_loaded")) == 2, "the shorter hold is in force")
    place.fleet("ticket", "ready", "1")
    place.until(lambda: len(place.events("run_started")) == 2, "it is at work again")
    place.fleet("agent", "stop", "dev")
    place.until_ticket(1, TicketState.BLOCKED)
    (held,) = place.events("run_stop_held")[1:]
    (_, stop) = place.events("run_stop_requested")
    assert (stop.cause, stop.at_ns >= held.payload["until_ns"]) == (held.id, True)
    place.fleet("verify", "--deep")
