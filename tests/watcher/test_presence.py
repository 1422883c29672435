"""Rooms tell the watcher of themselves with each question for the status, and are forgotten when they ask no more."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.watcher.desks.presence import GONE_NS, Presence
from tests.watcher.watcher_support import Fleet


class Clock:
    now_ns = 1_000 * GONE_NS


def test_each_hears_of_the_others_until_they_ask_no_more() -> None:
    clock = Clock()
    presence = Presence(lambda: clock.now_ns)
    kim = {"room": "a", "place": "pts/1", "looks_at": "apr-1", "decides": True}
    assert presence.heard(kim, "kim") == []
    assert presence.heard({"room": "b"}, "pat") == [{"who": "kim (pts/1)", "looks_at": "apr-1", "decides": True}]
    assert presence.heard(kim | {"looks_at": "", "decides": False}, "kim") == [
        {"who": "pat", "looks_at": "", "decides": False}
    ]
    assert [one["looks_at"] for one in presence.heard({}, "pat")] == ["", ""], "a command line sees all, and is no room"
    clock.now_ns += GONE_NS - 1
    assert len(presence.heard({"room": "b"}, "pat")) == 1
    clock.now_ns += 1
    assert presence.heard({"room": "b"}, "pat") == []
    clock.now_ns -= 50 * GONE_NS
    assert presence.heard({"room": "a"}, "kim") == [], "a clock that was set back keeps nobody"


def test_what_a_room_says_is_text_and_there_are_not_many() -> None:
    presence = Presence(lambda: 5)
    wild: dict[str, Any] = {"room": "x\x1b[31m" + "y" * 300, "place": ["a"], "looks_at": 7, "decides": "yes"}
    presence.heard(wild, "kim")
    assert presence.heard({}, "pat") == [{"who": "kim", "looks_at": "", "decides": False}]
    for number in range(500):
        presence.heard({"room": f"r{number}"}, "kim")
    assert len(presence.heard({}, "pat")) == 50


async def test_the_status_has_the_others_and_a_lost_race_says_when(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    await fleet.person.answer("kim", "status", {"room": "a", "place": "pts/1", "looks_at": approval.id})
    status = await fleet.person.answer("pat", "status", {"room": "b"})
    assert status["others"] == [{"who": "kim (pts/1)", "looks_at": approval.id, "decides": False}]
    before = fleet.ctx.reader.last_seq()
    await fleet.person.answer("pat", "status", {"room": "b"})
    assert fleet.ctx.reader.last_seq() == before, "nothing of it is recorded"
    await fleet.person.answer("kim", "reject", {"approval": approval.id, "reason": "too large"})
    fleet.clock_ns = fleet.ctx.reader.approval(approval.id).decided_ns + 4_000_000_000  # type: ignore[union-attr,operator]
    with pytest.raises(Conflict, match="is denied by operator:kim, 4 s ago: too large"):
        await fleet.approve(approval, "pat")
