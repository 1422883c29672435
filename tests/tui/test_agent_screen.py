"""One agent: all parts are reachable at every size, and everything in them leads on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_widgets.diff_view import DiffView
from fleet_widgets.list_view import LineList
from fleet_widgets.pane_view import PaneView
from fleet_widgets.text_pane import TextPane
from tests.tui.tui_support import opened

Text = Callable[[Any], str]


async def at_agent(app: Any, until: Any, name: str = "dev-1") -> AgentScreen:
    await app.open_agent(name)
    await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._detail is not None)
    screen: AgentScreen = app.screen
    return screen


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_brackets_go_through_all_parts(fleet: Any, until: Any, text: Text, size: tuple[int, int]) -> None:
    async with opened(fleet, until, size) as (app, pilot):
        screen = await at_agent(app, until)
        await pilot.press("d")
        await until(lambda: bool(screen.query_one(DiffView).files))
        assert "key = pick()" in text(app)
        await pilot.press("tab")
        for widget, words in (
            (PaneView, "PANE"),
            (TextPane, "Add paging"),
            (LineList, "approval_requested"),
        ):
            await until(lambda widget=widget: isinstance(app.focused, widget))
            await pilot.pause()
            assert words in text(app)
            await pilot.press("right_square_bracket")


async def test_large_shows_everything_at_once(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        screen = await at_agent(app, until)
        await pilot.press("d")
        await until(lambda: bool(screen.query_one(DiffView).files))
        await pilot.pause()
        shown = text(app)
    parts = ("PANE", "ticket", "run 1 of 1", "budget", "pull request", "timeline, newest first", "key = pick()")
    assert [part for part in parts if part not in shown] == []
    assert "pass @ccccccc as reviewer" in shown
    assert "reads well" in shown


async def test_small_sums_up_what_there_is_no_room_for(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until, (80, 24)) as (app, pilot):
        await at_agent(app, until)
        await pilot.pause()
        assert any("gates 1/1" in row and "[PANE] facts timeline diff" in row for row in text(app).splitlines())


async def test_enter_in_the_timeline_goes_to_the_event_in_the_log(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        screen = await at_agent(app, until)
        await pilot.press("tab", "tab", "j", "j")
        chosen = screen.query_one(LineList).selected
        assert chosen is not None
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, EventsScreen) and app.screen._detail_of == int(chosen))


async def test_messages_say_how_far_they_came(fleet: Any, until: Any, text: Text) -> None:
    run, about = "run-dev-1-1", "run:run-dev-1-1"
    for number in range(1, 24):
        fleet.add(ev.draft(ev.MessageSent(f"msg-{number}", run, "message", f"word {number}", None), about))
    fleet.add(
        ev.draft(ev.MessageDelivered("msg-22", run, "failed", "the pane is gone"), about),
        ev.draft(ev.MessageDelivered("msg-21", run, "taken_up", "hook"), about),
    )
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        screen = await at_agent(app, until)
        screen.query_one(TextPane).show("messages")
        await pilot.pause()
        shown = text(app)
    assert [word for word in ("word 23", "word 22", "word 21") if word not in shown] == []
    assert "queued: typed when it takes input" in shown
    assert "FAILED: the pane is gone" in shown
    assert "taken up by the agent" in shown


async def test_zoom_and_back(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until) as (app, pilot):
        await at_agent(app, until)
        await pilot.press("tab", "z")
        await pilot.pause()
        assert "PANE" not in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "PANE" in text(app)
        assert isinstance(app.screen, AgentScreen)


async def test_search_in_each_part(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until, (80, 24)) as (app, pilot):
        screen = await at_agent(app, until)
        await pilot.press("d")
        await until(lambda: bool(screen.query_one(DiffView).files))
        await pilot.press("slash", *"test_keys.py", "enter")
        await until(lambda: screen.query_one(DiffView).path == "tests/test_keys.py")
        await pilot.press("tab", "tab", "tab", "slash", *"gate_passed", "enter")
        await until(lambda: screen.query_one(LineList).selected is not None)
        chosen = screen.query_one(LineList).selected
        assert chosen is not None
        assert fleet.store.reader.event(int(chosen)).kind == "gate_passed"
        await pilot.press("slash", *"no such words", "enter")
        await until(lambda: "no such words is not in what is shown here" in text(app))


async def test_d_says_why_there_is_no_diff(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await at_agent(app, until, "dev-3")
        await pilot.press("d")
        await until(lambda: app.message.startswith("d: it has handed over nothing yet"))


async def test_the_runs_of_an_agent_are_walked(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await at_agent(app, until)
        await pilot.press("comma")
        await until(lambda: app.message == "no older run")
        await pilot.press("full_stop")
        await until(lambda: app.message == "no newer run")


async def test_how_full_the_context_is_and_who_says_so(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        screen = await at_agent(app, until)
        await pilot.pause()
        assert "context    unknown" in text(app)
        tile = screen.tile()
        assert tile is not None
        run = tile.run

        assert run is not None

        def told(used: int, window: int | None, source: str) -> None:
            fleet.add(ev.draft(ev.ContextFilled(run, tile.name, used, window, source), f"run:{run}"))
            app.feed.poke()

        told(124_000, 200_000, "statusline")
        await until(lambda: "context    62% full, 124k of 200k tokens (statusline)" in text(app))
        told(124_000, None, "chat")
        await until(lambda: "context    124k tokens of an unknown window (chat)" in text(app))
