"""The order of tickets, bounded rounds of review, thin tickets, and agents that keep crashing."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import PullRequestState, TicketState
from tests.e2e.e2e_support import APPROVES, DEVELOPER, PLAIN, REVIEWER, REWORKS, WRITES, Place, scene

pytestmark = pytest.mark.slow
REFUSES = scene("reviewer", {"publish": {"event": "pr_changes_requested", "summary": "Not yet."}}, "stop")


def test_dependencies_ship_first_and_a_cycle_is_told(place: Place) -> None:
    place.configure(PLAIN)
    place.ticket("Second", "--depends-on", "2", "--priority", "1")
    place.ticket("First")
    place.ticket("Snake", "--depends-on", "4")
    place.ticket("Tail", "--depends-on", "3")
    place.fleet("watcher", "start")
    place.approve(1)
    place.until_ticket(2, TicketState.SHIPPED)
    place.approve(2)
    place.until_ticket(1, TicketState.SHIPPED)
    shipped = [event.payload["ticket"] for event in place.events("ticket_shipped")]
    assert shipped == [2, 1]
    place.until(lambda: place.alarm("ticket-stuck"), "an alarm about the cycle")
    assert [place.ticket_state(number) for number in (3, 4)] == [TicketState.READY] * 2
    file = next((place.repository / ".fleet" / "tickets").glob("*4*"))
    file.write_text(file.read_text().replace("- 3", "- 1").replace("[3]", "[1]"))
    place.approve(3)
    place.until_ticket(4, TicketState.SHIPPED)
    place.until(lambda: place.alarm("ticket-stuck") is None, "the alarm clears")


def test_rounds_are_bounded_and_a_person_may_grant_another(place: Place) -> None:
    place.configure(
        [scene("developer", *REWORKS, trigger="pr_changes_requested"), DEVELOPER, REFUSES], reviews={"max_rounds": 2}
    )
    place.fleet("watcher", "start")
    place.ticket("Work")
    place.until_ticket(1, TicketState.BLOCKED)
    blocked = place.until(lambda: place.alarm("blocked"), "an alarm")
    assert "PR 1 waits for you: 2 rounds used up" in blocked
    assert place.reader.pull_request(1).state is PullRequestState.BLOCKED  # type: ignore[union-attr]
    assert len(place.events("pr_changes_requested")) == 2
    place.tell(scene("developer", {"write": {"path": "more.md", "text": "more"}}, *REWORKS), REVIEWER)
    place.fleet("ticket", "ready", "1")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.alarm("blocked") is None, "the alarm clears")
    assert len(place.reader.runs(agent="dev")) == 3
    place.fleet("verify", "--deep")


def test_a_thin_ticket_waits_for_its_answer_and_goes_on_in_a_new_run(place: Place) -> None:
    asks = {"publish": {"event": "blocker", "summary": "Which file?"}}
    place.configure([scene("developer", asks, "stop"), REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Do something")
    place.until_ticket(1, TicketState.BLOCKED)
    place.until(lambda: place.live_run("dev") is None, "the agent ends")
    assert "waits for you: Which file?" in place.fleet("ticket", "show", "1")
    place.tell(*PLAIN)
    place.fleet("question", "answer", "#1", "notes.md")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    second = place.reader.runs(agent="dev")[0]
    assert "You asked: Which file?\nThe answer: notes.md" in second.instructions


def test_a_crashing_agent_is_started_again_and_then_given_up(place: Place) -> None:
    place.configure(
        [scene("developer", {"misbehave": "crash"}), REVIEWER],
        limits={"restart_attempts": 3, "restart_backoff_s": [0, 1]},
    )
    place.fleet("watcher", "start")
    place.ticket("Work")
    gave_up = place.until(lambda: place.alarm("crash-loop"), "an alarm")
    assert "dev crashed 3 times" in gave_up
    place.until_ticket(1, TicketState.BLOCKED)
    crashes, starts = place.events("run_crashed"), place.events("run_started")
    assert (len(crashes), len(starts), len(place.events("agent_respawned"))) == (3, 3, 2)
    assert starts[2].at_ns - crashes[1].at_ns >= 1_000_000_000, "the second restart waits"
    assert all(event.payload["exit_code"] == 3 for event in crashes)
    place.tell(*PLAIN)
    place.fleet("ticket", "ready", "1")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.alarm("crash-loop") is None, "the alarm clears")


def test_a_program_that_knows_nothing_of_the_fleet_hands_over_by_ending_well(place: Place) -> None:
    script = "echo plain > plain.txt && git add plain.txt && git commit -q -m 'Plain work'"
    agents = [{"name": "dev", "role": "developer", "vendor": "plain"}, {"name": "rev", "role": "reviewer"}]
    vendors = {
        "plain": {"kind": "command", "argv": ["sh", "-c", script], "prompt": "stdin"},
        "scripted": {"story": ".fleet/story.yaml", "argv": ["--speed", "0"]},
    }
    place.configure([scene("reviewer", *APPROVES)], agents=agents, vendors=vendors)
    place.fleet("watcher", "start")
    place.ticket("Plain")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: (place.repository / "plain.txt").exists(), "it lands")
    (created,) = place.events("pr_created")
    assert created.payload["title"] == "Plain"


def test_a_ticket_held_back_is_not_taken(place: Place) -> None:
    place.configure([scene("developer", {"wait_for": "message"}, *WRITES), REVIEWER])
    place.fleet("watcher", "start")
    place.ticket("Busy")
    place.ticket("Held")
    place.until_ticket(2, TicketState.READY)
    place.fleet("ticket", "hold", "2")
    place.until_ticket(2, TicketState.DRAFT)
    place.fleet("agent", "message", "dev", "go on")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    place.until(lambda: place.live_run("dev") is None, "its run ends")
    assert place.ticket_state(2) is TicketState.DRAFT
    assert [run.ticket for run in place.reader.runs(agent="dev")] == [1]
