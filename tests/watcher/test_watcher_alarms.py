"""Alarms: one per rule and subject at a time, cleared once, raised again when the condition returns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import AlarmAcknowledged, AlarmCleared, AlarmRaised, draft
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.store.connection import raw
from fleet_tui.store.reader import Reader
from fleet_tui.watcher import alarms
from fleet_tui.watcher.loop import Loop
from tests.watcher.watcher_support import Fleet


async def raise_(fleet: Fleet, rule: str = "budget", about: str = "agent:dev", title: str = "held") -> None:
    await alarms.ensure(fleet.ctx, rule, about, priority=2, title=title, response="extend")


async def test_one_at_a_time_per_rule_and_subject(fleet: Fleet) -> None:
    for _ in range(50):
        await raise_(fleet)
    await raise_(fleet, about="agent:lee")
    await raise_(fleet, rule="delivery")
    assert len(fleet.events("alarm_raised")) == 3


async def test_also_when_two_raise_it_in_the_same_instant(fleet: Fleet) -> None:
    await asyncio.gather(*(raise_(fleet) for _ in range(20)))
    assert len(fleet.events("alarm_raised")) == 1


async def test_acknowledged_one_still_stands(fleet: Fleet) -> None:
    await raise_(fleet)
    (alarm,) = fleet.alarms()
    await fleet.say(AlarmAcknowledged(alarm.id, "operator:kim"), "agent:dev")
    await raise_(fleet)
    assert [a.state for a in fleet.alarms()] == [AlarmState.ACKNOWLEDGED]
    await alarms.clear(fleet.ctx, "budget", "agent:dev", "extended")
    await alarms.clear(fleet.ctx, "budget", "agent:dev", "extended")
    assert fleet.alarms() == []
    assert len(fleet.events("alarm_cleared")) == 1
    await raise_(fleet)
    assert len(fleet.alarms()) == 1


async def test_hostile_title_is_made_harmless(fleet: Fleet) -> None:
    await raise_(fleet, title="a\x1b]52;c;AAAA\x07b\u202e\nc" + "x" * 1_000)
    (alarm,) = fleet.alarms()
    assert alarm.title.startswith("ab cxx")
    assert len(alarm.title) <= 200


async def test_job_that_fails_again_and_again_is_told_until_it_works(fleet: Fleet) -> None:
    now_s, broken = [0.0], [True]
    fleet.ctx.jobs._clock = lambda: now_s[0]

    async def work() -> None:
        if broken[0]:
            raise FleetError("no luck", "today")

    for attempt in range(5):
        fleet.ctx.jobs.start("gate:x", work)
        await fleet.ctx.jobs.idle()
        await alarms.failing_jobs(fleet.ctx)
        assert len(fleet.alarms("job")) == (1 if attempt >= 2 else 0)
        now_s[0] += 60
    assert "no luck: today" in fleet.alarms("job")[0].title
    broken[0] = False
    fleet.ctx.jobs.start("gate:x", work)
    await fleet.ctx.jobs.idle()
    await alarms.failing_jobs(fleet.ctx)
    assert fleet.alarms("job") == []
    assert len(fleet.events("alarm_raised")) == 1


async def test_failing_pass_is_told_once_and_does_not_stop_the_others(fleet: Fleet) -> None:
    loop = Loop(fleet.ctx)
    ran = []
    broken = [True]

    async def bad(ctx: object) -> None:
        if broken[0]:
            raise ZeroDivisionError("oops")

    async def good(ctx: object) -> None:
        ran.append(1)

    loop._passes = [("misbehave", bad), ("do well", good)]
    await loop.settle()
    await loop.settle()
    assert len(ran) >= 2
    (alarm,) = fleet.alarms("pass")
    assert alarm.title == "the watcher cannot misbehave: ZeroDivisionError: oops"
    broken[0] = False
    await loop.settle()
    assert fleet.alarms("pass") == []


async def raised(fleet: Fleet, rule: str, about: str, priority: int = 2) -> Alarm:
    await alarms.ensure(fleet.ctx, rule, about, priority=priority, title=f"{rule} of {about}", response="look")
    found = alarms.active(fleet.ctx, rule, about)
    assert found is not None
    return found


async def test_a_shelved_alarm_is_out_of_sight_and_comes_back_by_itself(fleet: Fleet) -> None:
    alarm = await raised(fleet, "idle", "agent:dev")
    await fleet.person.answer("kim", "shelve", {"alarm": alarm.id, "for_s": 600, "reason": "known"})
    assert fleet.ctx.reader.alarms(AlarmState.ACTIVE) == []
    again = await raised(fleet, "idle", "agent:dev")
    assert (again.id, again.state, again.shelved_reason) == (alarm.id, AlarmState.SHELVED, "known")
    await alarms.attend(fleet.ctx)
    assert alarms.active(fleet.ctx, "idle", "agent:dev") == again
    later_ns = fleet.ctx.now_ns() + 601 * 1_000_000_000
    fleet.ctx.now_ns = lambda: later_ns
    await alarms.attend(fleet.ctx)
    back = alarms.active(fleet.ctx, "idle", "agent:dev")
    assert back is not None
    assert (back.state, back.shelved_until_ns) == (AlarmState.ACTIVE, None)


async def test_the_shelf_is_refused_for_priority_one_for_too_long_and_without_a_reason(fleet: Fleet) -> None:
    urgent, other = await raised(fleet, "quarantine", "agent:dev", 1), await raised(fleet, "idle", "agent:eve")
    for name, for_s, reason in (
        (urgent.id, 60, "x"),
        (other.id, 9 * 3600, "x"),
        (other.id, 60, " "),
        ("none", 60, "x"),
    ):
        with pytest.raises(UsageError):
            await fleet.person.answer("kim", "shelve", {"alarm": name, "for_s": for_s, "reason": reason})
    with pytest.raises(Conflict, match="not shelved"):
        await fleet.person.answer("kim", "unshelve", {"alarm": other.id})


async def test_what_follows_names_what_came_first(fleet: Fleet) -> None:
    first = await raised(fleet, "start", "agent:dev")
    follower = await raised(fleet, "idle", "agent:dev")
    stranger = await raised(fleet, "idle", "agent:eve")
    assert (first.first, follower.first, stranger.first) == (None, first.id, None)


async def test_a_chattering_alarm_is_shelved_by_the_watcher(fleet: Fleet) -> None:
    for _ in range(3):
        await raised(fleet, "idle", "agent:dev")
        await alarms.clear(fleet.ctx, "idle", "agent:dev", "gone")
    fourth = await raised(fleet, "idle", "agent:dev")
    await alarms.attend(fleet.ctx)
    (found,) = [alarm for alarm in fleet.ctx.reader.alarms() if alarm.id == fourth.id]
    assert found.state is AlarmState.SHELVED
    assert "chattering" in found.shelved_reason


async def test_a_flood_is_told_once_with_the_first(fleet: Fleet) -> None:
    for number in range(10):
        await raised(fleet, "idle", f"agent:a{number}")
    await alarms.attend(fleet.ctx)
    await alarms.attend(fleet.ctx)
    (told,) = [alarm for alarm in fleet.ctx.reader.alarms() if alarm.rule == "flood"]
    assert told.title.startswith("10 unanswered alarms within ten minutes; the first: idle of agent:a0")
    later_ns = fleet.ctx.now_ns() + 700 * 1_000_000_000
    fleet.ctx.now_ns = lambda: later_ns
    await alarms.attend(fleet.ctx)
    assert alarms.active(fleet.ctx, "flood", "fleet") is None


async def test_alarms_that_are_over_are_not_read_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that ran for a year has tens of thousands of them."""
    days_ago_ns = fleet.ctx.now_ns() - 3 * 86_400 * 1_000_000_000
    monkeypatch.setattr("fleet_tui.store.append.time.time_ns", lambda: days_ago_ns)
    old = [AlarmRaised(f"alarm-{n}", "idle", 2, "idle", "look", f"agent:a{n % 50}") for n in range(300)]
    await fleet.ctx.record(*(draft(alarm, alarm.about) for alarm in old))
    await fleet.ctx.record(*(draft(AlarmCleared(alarm.alarm, "gone"), alarm.about) for alarm in old))
    monkeypatch.undo()
    rows: list[int] = []
    read = Reader._rows

    def counted(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
        found = read(*arguments, **named)
        rows.append(len(found))
        return found

    monkeypatch.setattr(Reader, "_rows", counted)
    again = await raised(fleet, "idle", "agent:a1")
    await alarms.attend(fleet.ctx)
    assert sum(rows) < 20
    assert again.id.startswith("alarm-")
    plan = raw(fleet.ctx.store.reader._db).execute(
        "EXPLAIN QUERY PLAN SELECT * FROM alarm WHERE raised_ns >= 1 OR cleared_ns >= 1"
    )
    assert not any("SCAN" in str(row) for row in plan.fetchall())
