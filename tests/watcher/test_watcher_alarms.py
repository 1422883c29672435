"""Alarms: one per rule and subject at a time, cleared once, raised again when the condition returns."""

from __future__ import annotations

import asyncio

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import AlarmAcknowledged
from fleet_tui.domain.states import AlarmState
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
