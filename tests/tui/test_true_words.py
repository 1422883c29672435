"""What the room says is so: of keys, of what follows, of what was not written."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.palette import RoomPalette
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.wall import WallScreen
from tests.tui.tui_support import opened


async def test_a_ticket_that_waits_for_an_answer_names_the_key_that_answers(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(
        ev.draft(ev.Blocker("question-1", "which one?", "run-dev-1-1", "dev-1", 1), "ticket:1"),
        ev.draft(ev.RunStateChanged("run-dev-1-1", "waiting", "bus", "asks a person"), "run:run-dev-1-1"),
        ev.draft(ev.TicketBlocked(1, "which one?", "question-1"), "ticket:1"),
    )
    async with opened(fleet, until, (160, 50)) as (app, pilot):
        await app.open_agent("dev-1")
        await until(lambda: isinstance(app.screen, AgentScreen) and "which one?; m answers" in text(app))
        assert "T lets it go on" not in text(app)
        await pilot.press("T")
        await until(lambda: app.message == "T: dev-1 waits for an answer: m writes it")


async def test_an_answer_alone_sets_nobody_going_whose_budget_is_used_up(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(
        ev.draft(ev.Blocker("question-1", "more?", "run-dev-1-1", "dev-1", 1), "ticket:1"),
        ev.draft(ev.RunStateChanged("run-dev-1-1", "waiting", "bus", "asks a person"), "run:run-dev-1-1"),
        ev.draft(ev.TicketBlocked(1, "more?", "question-1"), "ticket:1"),
        ev.draft(ev.RunMetered("run-dev-1-1", "dev-1", 3_700_000), "run:run-dev-1-1"),
    )
    async with opened(fleet, until, (200, 60)) as (app, _):
        await app.open_agent("dev-1")
        await until(lambda: "m answers, when B has extended its budget" in text(app))


async def test_nothing_is_sent_of_nothing_and_that_is_said(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("m")
        composer = app.screen.query_one(Composer)
        await until(lambda: composer.display)
        composer._opened_at -= 60  # it has been open for a while
        await pilot.press("tab", "enter")
        await until(lambda: "nothing is written yet" in text(app))
        assert composer.display


async def test_enter_alone_runs_no_command(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        said = app.message
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, RoomPalette)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, WallScreen))
        assert app.message == said


async def test_what_is_gone_to_in_the_palette_runs(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, WallScreen) or not isinstance(app.screen, RoomPalette))


async def test_what_does_nothing_now_stands_last_in_the_palette(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: app.screen.query_one("CommandList").option_count > 40)
        await pilot.pause()
        rows = app.screen.query_one("CommandList")
        off = ["not now:" in str(rows.get_option_at_index(at).prompt) for at in range(rows.option_count)]
        assert any(off)
        assert off == sorted(off)


async def test_keys_for_a_list_that_has_no_place_yet_do_nothing(fleet: Any, until: Any) -> None:
    """Typed ahead, they come between the commands that were found and the first time that they are drawn."""
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        found = app.screen.query_one("CommandList")
        await until(lambda: found.option_count > 0)
        found.display = False
        await until(lambda: not found.scrollable_content_region)
        options = list(found.options)
        found.clear_options().add_options(options).highlighted = 0
        await pilot.press("pageup", "pagedown", "up", "down")
        assert isinstance(app.screen, RoomPalette)


async def test_with_nothing_that_waits_nothing_is_said_of_a_queue(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.AlarmAcknowledged("alm-1", "operator:kim"), "agent:dev-3"))
    async with opened(fleet, until) as (app, pilot):
        await until(lambda: app.screen.here().alarm is None)
        await pilot.press("a")
        told = "a: no alarm to acknowledge; what waits for you is decided, not acknowledged"
        await until(lambda: app.message == told)
        for number in (1, 2):
            fleet.add(ev.draft(ev.ApprovalVoided(f"apr-{number}-c", number, "gone"), f"pr:{number}"))
        app.feed.poke()
        await until(lambda: app.message == "a: no alarm to acknowledge")
