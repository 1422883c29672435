"""Two people in two real rooms on one real fleet: they see each other, and of two decisions the first counts."""

from __future__ import annotations

import time

import pytest

from fleet_widgets.strip import ARM_S
from tests.e2e.e2e_support import PLAIN, Place
from tests.e2e.pty_room import pty_room

pytestmark = pytest.mark.slow


def test_of_two_decisions_the_first_counts_and_each_sees_the_other(place: Place) -> None:
    place.configure(PLAIN)
    place.fleet("watcher", "start")
    place.ticket("Two people")
    place.until_approval(1)
    with pty_room(place) as one, pty_room(place) as two:
        one.until(" also here ")
        two.until(" also here ")
        one.keys(b"2")
        two.keys(b"2")
        one.until("2 APPROVALS", "PR 1", " looks ", "notes/1.md")
        two.until("2 APPROVALS", "PR 1", " looks ", "notes/1.md")
        one.keys(b"R")
        one.until("REJECT PR 1", "reason")
        two.until(" DECIDES ")
        two.keys(b"R")
        two.until("REJECT PR 1", " DECIDES", "reason")
        two.keys(b"too large")
        two.until("[too large_]")
        end = time.monotonic() + 3 * ARM_S  # the safety delay itself is what is waited for
        while time.monotonic() < end:
            two.read(0.05)
        two.keys(b"\t")
        two.until("y or Enter = reject")
        two.keys(b"y")
        shown = one.until("CHANGED while you looked: already rejected by ", " s ago")
        assert "DECIDES" not in shown
        two.keys(b"qqq")
        two.until_gone()
        one.keys(b"\x1b")
        one.until("2 APPROVALS", without="here ")
    (denied,) = place.events("approval_denied")
    assert denied.payload["reason"] == "too large"
