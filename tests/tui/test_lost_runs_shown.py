"""What waits for a person because it was lost, or is held for its memory: the wall and the board say so."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from tests.tui.tui_support import opened


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_wall_says_who_is_held_for_its_memory(
    fleet: Any, until: Any, text: Any, size: tuple[int, int]
) -> None:
    reason = "its memory is at its ceiling: 312 MB of 200 MB"
    fleet.add(ev.draft(ev.RunStateChanged("run-dev-1-1", "limited", "memory", reason), "run:run-dev-1-1"))
    async with opened(fleet, until, size) as (app, _pilot):
        await until(lambda: "its memory is at its ceiling" in text(app))
        assert "LIM" in text(app)


async def test_wall_and_board_say_what_was_lost(fleet: Any, until: Any, text: Any) -> None:
    again = ev.RunQueued(
        "run-again", "dev-3", "developer", "claude-code", None, "ticket_ready", 3, previous="run-dev-3-3", held=True
    )
    fleet.add(
        ev.draft(ev.RunCrashed("run-dev-3-3", None, 9, 0, "lost: its tmux server ended"), "run:run-dev-3-3"),
        ev.draft(again, "run:run-again"),
        ev.draft(ev.TicketClaimed(3, "dev-3", "run-again"), "ticket:3"),
    )
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        await until(lambda: "it was lost: it waits for you" in text(app))
        await pilot.press("4")
        await until(lambda: "the run of dev-3 was lost: fleet restore --plan" in text(app))
        fleet.add(ev.draft(ev.RunRestored("run-again", "dev-3", "run-dev-3-3"), "run:run-again"))
        await until(lambda: "was lost" not in text(app))
