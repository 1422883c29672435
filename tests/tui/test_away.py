"""After a time without a trusted picture one line says what happened meanwhile."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain import events as ev
from tests.tui.tui_support import opened


def happened(world: Any) -> None:
    world.add(
        ev.draft(ev.PullRequestMerged(1, 1, "c" * 40, "b" * 40, "e" * 40, "d" * 40, "main"), "pr:1"),
        ev.draft(ev.AlarmRaised("alm-8", "x", 2, "trouble", "look", "fleet"), "fleet"),
        ev.draft(ev.AlarmRaised("alm-9", "y", 3, "trouble", "look", "fleet"), "fleet"),
    )


async def test_after_the_watcher_was_away(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, (120, 40)) as (app, _):
        await fleet.server.close()
        app.feed.poke()
        await until(lambda: app.picture.health.missed > 0)
        fleet.offset_ns = 47_000_000_000
        await until(lambda: bool(app.why_frozen))
        happened(fleet)
        await fleet.serve()
        app.feed.poke()
        await until(lambda: app.message.startswith("while away "))  # 47 s at least, more on a slow machine
        assert app.message.endswith(": 1 landed, 2 alarms, 0 approvals; 5 has all of it")
        assert not app.why_frozen


async def test_after_the_room_itself_was_stopped(fleet: Any, until: Any) -> None:
    """SIGSTOP, Ctrl-Z, a lid that was closed: the feed has asked nobody meanwhile."""
    async with opened(fleet, until) as (app, _):
        happened(fleet)
        fleet.offset_ns = 3_600_000_000_000
        await until(lambda: app.message.startswith("while away 1h: "))


async def test_a_short_silence_is_not_worth_a_line(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        fresh_ns = app.picture.health.fresh_ns
        happened(fleet)
        fleet.offset_ns = 5_000_000_000
        await until(lambda: app.picture.health.fresh_ns >= fresh_ns + 5_000_000_000)
        await pilot.pause()
        assert app.message == ""


async def test_the_notice_counts_the_tries_and_says_what_happens_meanwhile(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, (120, 40)) as (app, _):
        await fleet.server.close()
        fleet.offset_ns = 47_000_000_000
        app.feed.poke()
        await until(lambda: app.picture.health.missed > 1)
        app.screen.tick()
        await until(lambda: "asked " in text(app))
        assert "times, again every second)" in text(app)
        assert "meanwhile nothing starts and nothing lands" in text(app)
