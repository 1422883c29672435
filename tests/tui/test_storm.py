"""No room ends by what is typed, by its size or by what happens in the fleet. More of it: FLEET_STORM=FIRST:LAST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual import events
from textual.command import CommandList

from fleet_tui.domain import events as ev
from fleet_tui.tui.palette import RoomPalette
from fleet_tui.tui.screens.wall import WallScreen
from tests.tui.storm import stormed
from tests.tui.test_new_agent_screen import offering
from tests.tui.test_replay import replay, room, steady  # noqa: F401 - fixtures
from tests.tui.test_system_screen import BROKEN, answer_for
from tests.tui.test_ticket_plans import PARTS, told
from tests.tui.tui_support import opened

FIRST, LAST = (int(one) for one in os.environ.get("FLEET_STORM", "2:2").split(":"))


@pytest.fixture
def busy(fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fleet of which every screen has something to show."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    fleet.add(ev.draft(ev.TicketCreated(44, "Cron drift", "Mend it.", "0" * 64, [], [], 0), "ticket:44"))
    offering(fleet, tmp_path / "templates")
    fleet.answers["system"] = answer_for(tmp_path, BROKEN)
    fleet.answers["plan"] = lambda args: told(args["ticket"], *PARTS)
    return fleet


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
async def test_a_storm_ends_no_room(busy: Any, until: Any, seed: int) -> None:
    async with opened(busy, until, (80, 24)) as (app, _):
        await stormed(busy, app, seed, 200)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
async def test_a_storm_ends_no_room_of_a_recording(fleet: Any, room: Any, until: Any, seed: int) -> None:  # noqa: F811
    async with room.run_test(size=(80, 24), notifications=True):
        await until(lambda: room.picture.snapshot is not None)
        await stormed(fleet, room, seed, 120, recorded=True)
    assert fleet.calls == []


# -- what storms have found --------------------------------------------------------------------------------------------


async def test_a_palette_that_is_closed_twice_closes_nothing_else(fleet: Any, until: Any) -> None:
    """Two clicks beside it, the second before the first had its effect."""
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: isinstance(app.screen, RoomPalette))
        palette = app.screen
        palette.dismiss()
        palette.dismiss()
        await until(lambda: isinstance(app.screen, WallScreen))
        await pilot.pause()
        assert app.is_running


async def test_a_click_on_a_command_that_is_gone_by_then(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: app.screen.query("CommandList") and app.screen.query_one("CommandList").option_count > 0)
        rows = app.screen.query_one(CommandList)
        gone = Style(meta={"option": rows.option_count})
        rows.post_message(events.Click(rows, 5, 5, 0, 0, 1, False, False, False, 5, 5, gone))
        await pilot.pause()
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, WallScreen))
