"""The user's own checkout: never overwritten, always told, brought forward when that is safe."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import PLAIN, Place

pytestmark = pytest.mark.slow


def test_a_dirty_checkout_waits_and_is_brought_forward_when_it_is_clean(place: Place) -> None:
    place.configure(PLAIN)
    place.fleet("watcher", "start")
    before = place.git("rev-parse", "main")
    (place.repository / "README.md").write_text("# half a thought")
    number = place.ticket("Write a note")
    place.approve(1)
    place.until_ticket(number, TicketState.SHIPPED)
    waits = place.until(lambda: place.alarm("publish-waits"), "an alarm about the checkout")
    assert "landed commits wait for your checkout" in waits
    assert place.git("rev-parse", "main") == before
    assert (place.repository / "README.md").read_text() == "# half a thought"
    assert place.git("rev-parse", "refs/fleet/main") != before
    assert waits in place.fleet("status")
    place.git("checkout", "--", "README.md")
    place.until(lambda: place.git("rev-parse", "main") != before, "main moves")
    place.until(lambda: place.alarm("publish-waits") is None, "the alarm clears")
    assert (place.repository / "notes" / "1.md").read_text() == "# Write a note\n"
    assert place.git("status", "--porcelain") == ""
    place.fleet("verify", "--deep")


def test_a_commit_of_the_user_is_taken_in_and_voids_the_approval(place: Place) -> None:
    place.configure(PLAIN)
    place.fleet("watcher", "start")
    number = place.ticket("Write a note")
    first = place.until_approval(1)
    mine = place.commit({"mine.txt": "mine\n"}, "My own work")
    place.until(lambda: place.events("approval_voided"), "the approval is voided")
    second = place.until_approval(1)
    assert (second.base_sha, second.head_sha) == (mine, first.head_sha)
    place.fleet("approval", "approve", "1", "--head", second.head_sha)
    place.until_ticket(number, TicketState.SHIPPED)
    place.until(lambda: place.git("rev-parse", "main") != mine, "main moves")
    assert (place.repository / "mine.txt").read_text() == "mine\n"
    assert (place.repository / "notes" / "1.md").exists()
    place.fleet("verify", "--deep")


def test_a_user_who_diverged_is_told_and_nothing_is_lost(place: Place) -> None:
    place.configure(PLAIN)
    place.fleet("watcher", "start")
    (place.repository / "README.md").write_text("# half a thought")
    number = place.ticket("Write a note")
    place.approve(1)
    place.until_ticket(number, TicketState.SHIPPED)
    mine = place.commit({}, "My thought, without what landed")
    diverged = place.until(lambda: place.alarm("target-diverged"), "an alarm about two histories")
    assert mine[:8] in diverged
    assert place.git("rev-parse", "main") == mine
    place.git("merge", "--quiet", "--no-edit", "refs/fleet/main")
    place.until(lambda: place.alarm("target-diverged") is None, "the alarm clears")
    assert (place.repository / "notes" / "1.md").exists()
    assert (place.repository / "README.md").read_text() == "# half a thought"
    second = place.ticket("Another note")
    place.approve(2)
    place.until_ticket(second, TicketState.SHIPPED)
    place.until(lambda: (place.repository / "notes" / "2.md").exists(), "the second note arrives")
    place.fleet("verify", "--deep")
