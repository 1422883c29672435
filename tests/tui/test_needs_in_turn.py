"""`w` visits everything that needs a person, in order, on every screen, and remembers where it was."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from tests.tui.conftest import config, running
from tests.tui.tui_support import opened


def place(app: Any) -> str:
    """What is on the screen: an agent's page, or the approval that is chosen."""
    screen = app.screen
    return screen._agent if isinstance(screen, AgentScreen) else screen._chosen if screen.scope == "approvals" else ""


async def ask(world: Any) -> None:
    world.add(ev.draft(ev.Blocker("qst-1", "keep which API?", "run-dev-1-1", "dev-1", ticket=1), "ticket:1"))


async def walk(app: Any, pilot: Any, until: Any, *places: str) -> None:
    for wanted in places:
        await pilot.press("w")
        await until(lambda wanted=wanted: place(app) == wanted)


async def test_w_goes_round_through_alarm_approvals_and_question(fleet: Any, until: Any) -> None:
    await ask(fleet)
    async with opened(fleet, until) as (app, pilot):
        await walk(app, pilot, until, "dev-3", "apr-1-c", "apr-2-c", "dev-1", "dev-3", "apr-1-c")


async def test_w_goes_on_from_the_approval_that_was_chosen_by_hand(fleet: Any, until: Any) -> None:
    await ask(fleet)
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2", "tab", "j")
        await until(lambda: place(app) == "apr-2-c")
        await walk(app, pilot, until, "dev-1", "dev-3")


async def test_w_remembers_the_place_of_what_was_decided(fleet: Any, until: Any) -> None:
    await ask(fleet)
    async with opened(fleet, until) as (app, pilot):
        await walk(app, pilot, until, "dev-3", "apr-1-c")
        fleet.add(ev.draft(ev.ApprovalDenied("apr-1-c", 1, "operator:me", "reject", "no"), "pr:1"))
        app.feed.poke()
        await until(lambda: app.picture.snapshot.card("apr-1-c") is None)
        await walk(app, pilot, until, "apr-2-c")


async def test_the_approval_that_is_opened_first_is_the_one_that_is_wanted(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await app.open_approval("apr-2-c")
        await until(lambda: app.screen.diff.shown == (2, "c" * 40, "b" * 40) and bool(app.screen.diff.files))
        await pilot.pause()
        assert place(app) == "apr-2-c"


async def test_w_says_when_there_is_nothing_else(world: Any, until: Any, pull_request: Any) -> None:
    world.add(config({"dev-1": "developer"}))
    world.add(*running(1, "dev-1", "developer", "Add paging"), *pull_request(1, 1, "dev-1", world.now_ns()))
    async with opened(world, until) as (app, pilot):
        await walk(app, pilot, until, "apr-1-c")
        await pilot.press("w")
        await until(lambda: app.message == "w: nothing else needs you")
        assert isinstance(app.screen, ApprovalsScreen)


async def test_what_follows_from_an_alarm_is_no_need_of_its_own_until_that_was_seen(fleet: Any, until: Any) -> None:
    follows = ev.AlarmRaised("alm-2", "gates", 2, "push blocked", "nothing", "agent:dev-3", "alm-1")
    fleet.add(ev.draft(follows, "agent:dev-3"))
    async with opened(fleet, until) as (app, _):
        assert [item.id for item in app.picture.snapshot.needs] == ["alm-1", "apr-1-c", "apr-2-c"]
        fleet.add(ev.draft(ev.AlarmAcknowledged("alm-1", "operator:me"), "agent:dev-3"))
        app.feed.poke()
        await until(lambda: [item.id for item in app.picture.snapshot.needs] == ["alm-2", "apr-1-c", "apr-2-c"])
