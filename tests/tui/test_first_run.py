"""Before any agent has run the wall says what to do next and what has been checked; none of it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from tests.tui.conftest import config
from tests.tui.test_system_screen import answer_for
from tests.tui.tui_support import opened


@pytest.fixture
def fresh(world: Any, tmp_path: Path) -> Any:
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    world.answers["system"] = answer_for(tmp_path, "version: 1\n")
    return world


def ticket(number: int) -> ev.Draft:
    return ev.draft(ev.TicketCreated(number, "One", "One", "0" * 64, [], [], 3), f"ticket:{number}")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)])
async def test_without_agents_the_ways_to_begin_and_the_checks(
    fresh: Any, until: Any, text: Any, size: tuple[int, int]
) -> None:
    async with opened(fresh, until, size) as (app, pilot):
        await until(lambda: "No agents yet. To begin" in text(app))
        assert "fleet init" in text(app)
        if size[1] > 20:
            await until(lambda: "+ tmux 3.3a, socket fleet-x" in text(app))
            assert "- git git is missing (8)" in text(app)
            assert "+ configuration found" in text(app)
            assert "fleet itself sends nothing anywhere" in text(app)
        await pilot.press("8")
        await until(lambda: "8 SYSTEM" in text(app))


async def test_each_step_leads_to_the_next(fresh: Any, until: Any, text: Any) -> None:
    fresh.add(config({"dev": "developer"}))
    async with opened(fresh, until, (80, 24)) as (app, _):
        await until(lambda: "1 agent, none has run yet. There is no ticket to work on." in text(app))
        fresh.add(ticket(1))
        await until(lambda: "1 ticket written, none is ready." in text(app))
        assert "4 then P" in text(app)
        fresh.add(ev.draft(ev.TicketReady(1), "ticket:1"))
        await until(lambda: "1 ticket ready: an agent takes the first" in text(app))
        fresh.add(ev.draft(ev.AgentPaused("dev", "x"), "agent:dev"))
        await until(lambda: "All of them are held: P lets the selected one go on." in text(app))
        run = ev.RunQueued("run-1", "dev", "developer", "claude-code", None, "ticket_ready", ticket=1)
        fresh.add(
            ev.draft(run, "run:run-1"),
            ev.draft(ev.RunStarted("run-1", "s", "p", "/w", "b", "a" * 40, "L0", 1, "0" * 64), "run:run-1"),
        )
        await until(lambda: "first steps" not in text(app))


async def test_a_fleet_that_has_worked_is_not_told_how_to_begin(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.pause()
        assert "first steps" not in text(app)
