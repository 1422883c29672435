"""`/` on the wall: which agents are shown, what is said about the others, and where a number leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_widgets.pane_wall import PaneWall
from tests.tui.conftest import config
from tests.tui.tui_support import opened

Text = Callable[[Any], str]


def shown(app: Any) -> list[str | None]:
    wall = app.screen.query_one(PaneWall)
    return [tile.key if tile else None for tile in wall._slots]


async def filtered(pilot: Any, until: Any, app: Any, text: str) -> None:
    await pilot.press("slash", *["backspace"] * 30, *text, "enter")
    await until(lambda: app.screen._filter.text == text and not app.screen.query_one("#find").display)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16)])
async def test_only_who_matches_is_shown_and_who_else_needs_you_is_told(
    fleet: Any, until: Any, text: Text, size: tuple[int, int]
) -> None:
    async with opened(fleet, until, size) as (app, pilot):
        await filtered(pilot, until, app, "role:reviewer")
        await until(lambda: "1 of 5 agents  3 needs outside: w" in text(app))
        assert shown(app) == ["rev"]
        assert app.screen.selected_tile().name == "rev"
        assert "NEED YOU 3" in text(app)
        await pilot.press("escape")
        assert shown(app) == ["dev-1", "dev-2", "dev-3", "rev", "spare"]
        assert app.screen.selected_tile().name == "rev"
        await until(lambda: "filter:" not in text(app))


@pytest.mark.slow
async def test_a_team_is_a_word_of_the_filter_and_stands_on_the_agent_s_page(
    fleet: Any, until: Any, text: Text
) -> None:
    names = {**dict.fromkeys(("dev-1", "dev-2", "dev-3", "spare"), "developer"), "rev": "reviewer"}
    fleet.add(config(names, web=["dev-2", "rev"], night=["rev"]))
    async with opened(fleet, until, (120, 40)) as (app, pilot):
        await filtered(pilot, until, app, "team:web !team:night")
        await until(lambda: shown(app) == ["dev-2"])
        await filtered(pilot, until, app, "team:web,night")
        await until(lambda: shown(app) == ["dev-2", "rev"])
        await pilot.press("asterisk")
        await until(lambda: [tile.name for tile in app.screen.marked_tiles()] == ["dev-2", "rev"])
        await app.open_agent("rev")
        await until(lambda: "web, night" in text(app))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("rol:x", "there is no field 'rol'"),
        ("role:tester", "no agent has the role 'tester' (character 1). roles: developer, reviewer"),
        ("state:busy", "there is no state 'busy'"),
        ("nobody", "no agent matches nobody"),
        ("77", "nobody is on #77"),
    ],
)
async def test_what_fits_nobody_stays_in_the_field_and_says_why(fleet: Any, until: Any, typed: str, says: str) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("slash", *typed, "enter")
        await until(lambda: says in app.message)
        assert app.screen.query_one("#find").display
        assert len(shown(app)) == 5
        await pilot.press("escape")
        await until(lambda: not app.message)


async def test_while_it_is_typed_the_count_is_told(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("slash", *"state:run")
        await until(lambda: app.message == "3 of 5 agents; Enter shows only them")
        assert len(shown(app)) == 5


async def test_a_number_goes_to_its_agent_also_out_of_the_filter(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("slash", *"#2", "enter")
        assert app.screen.selected_tile().name == "dev-2"
        await filtered(pilot, until, app, "dev-2")
        await pilot.press("slash", *["backspace"] * 9, "3", "enter")
        await until(lambda: app.screen.selected_tile().name == "dev-3")
        assert len(shown(app)) == 5
        assert "it hides dev-3" in app.message


async def test_who_matches_no_more_leaves_a_hole_and_nobody_moves(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until) as (app, pilot):
        await filtered(pilot, until, app, "state:run")
        await pilot.press("G")
        fleet.add(ev.draft(ev.AgentPaused("dev-2", "enough"), "agent:dev-2"))
        app.feed.poke()
        await until(lambda: shown(app) == ["dev-1", None, "dev-3"])
        assert app.screen.selected_tile().name == "dev-3"
        assert "2 of 5 agents" in text(app)
        fleet.add(ev.draft(ev.AgentResumed("dev-2", "on"), "agent:dev-2"))
        app.feed.poke()
        await until(lambda: shown(app) == ["dev-1", "dev-2", "dev-3"])


async def test_the_field_opens_with_the_filter_and_empty_shows_all(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await filtered(pilot, until, app, "dev")
        assert len(shown(app)) == 3
        await pilot.press("slash")
        await until(lambda: app.screen.query_one("#find").value == "dev")
        await pilot.press(*["backspace"] * 3, "enter")
        await until(lambda: len(shown(app)) == 5)
