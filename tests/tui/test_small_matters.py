"""Keys that do what they say on every screen, hints that are true, and signs that every terminal can draw."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_tui.tui.screens.wall import WallScreen
from fleet_tui.tui.theme import choose
from fleet_widgets.event_feed import EventFeed
from tests.tui.tui_support import armed, opened


def hints(app: Any, text: Any) -> str:
    return str(text(app).splitlines()[-1])


async def test_1_goes_to_the_wall_from_everywhere(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        for keys in (("enter",), ("enter", "question_mark"), ("enter", "2"), ("5",), ("2", "question_mark")):
            await pilot.press(*keys, "1")
            await until(lambda: isinstance(app.screen, WallScreen))
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, ApprovalsScreen))


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_footer_names_the_key_that_lets_go_on(
    fleet: Any, until: Any, text: Any, size: tuple[int, int]
) -> None:
    fleet.add(
        ev.draft(ev.TicketBlocked(1, "three rounds of review"), "ticket:1"),
        ev.draft(ev.AgentQuarantined("dev-2", "wrote outside", "guard", 2), "agent:dev-2"),
    )
    async with opened(fleet, until, size) as (app, pilot):
        assert "T unblock" in hints(app, text)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AgentScreen))
        assert "T unblock" in hints(app, text)
        await app.open_agent("dev-2")
        assert "T unblock" not in hints(app, text)
        assert "U release" in hints(app, text)


async def test_the_ticket_of_a_stopped_run_is_unblocked_at_its_agent(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(
        ev.draft(ev.RunFinished("run-dev-1-1", "stopped", 0, None, 1000, "stopped on request"), "run:run-dev-1-1"),
        ev.draft(ev.TicketBlocked(1, "dev-1 was stopped"), "ticket:1"),
    )
    async with opened(fleet, until, (80, 24)) as (app, pilot):
        assert app.screen.selected_tile().ticket is None
        assert "T unblock" in hints(app, text)
        await pilot.press("l")
        await until(lambda: app.screen.selected_tile().name == "dev-2")
        assert "T unblock" not in hints(app, text)


async def test_a_blocked_ticket_of_nobody_can_be_unblocked_where_w_leads(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(
        ev.draft(ev.TicketCreated(9, "Later", "", "0" * 64, [], [], 0), "ticket:9"),
        ev.draft(ev.TicketBlocked(9, "the dependency is missing"), "ticket:9"),
    )
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w", "w")
        await until(lambda: isinstance(app.screen, PipelineScreen) and app.screen.card() is not None)
        assert app.screen.card().number == 9
        assert "T unblock" in hints(app, text)
        await pilot.press("T")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls == [("unblock", {"ticket": 9, "reason": ""})]


async def test_while_one_types_the_footer_shows_no_commands(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        for opening in (("slash",), ("m",), ("5", "slash")):
            await pilot.press(*opening)
            await until(lambda: hints(app, text).startswith(("Enter done", "Tab goes to Send")))
            assert "w next" not in hints(app, text)
            assert "? keys" not in hints(app, text)
            await pilot.press("escape")
            await until(lambda: "w next need" in hints(app, text))


def cursor_on(app: Any, fleet: Any, kind: str) -> None:
    (event,) = [one for one in fleet.store.reader.events(after=0, limit=500) if one.kind == kind][-1:]
    app.screen.query_one(EventFeed).go_to(event.seq)


async def test_d_opens_the_pull_request_of_an_event(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        for kind in ("pr_created", "gate_passed", "pr_approved", "approval_requested"):
            await pilot.press("5")
            await until(lambda: isinstance(app.screen, EventsScreen))
            cursor_on(app, fleet, kind)
            await pilot.press("d")
            await until(lambda: isinstance(app.screen, ApprovalsScreen) and app.screen._chosen == "apr-2-c")


async def test_d_opens_the_author_when_nobody_decides_on_the_pull_request(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.ApprovalVoided("apr-2-c", 2, "head moved"), "pr:2"))
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5")
        cursor_on(app, fleet, "pr_approved")
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._agent == "dev-2")
        assert app.message == "PR 2 waits for no decision of yours; this is its author"
        await pilot.press("5")
        cursor_on(app, fleet, "run_started")
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._agent == "dev-3")


async def test_with_ascii_every_screen_is_ascii(fleet: Any, until: Any, text: Any) -> None:
    long = "run:run-" + "x" * 40
    fleet.add(
        ev.draft(ev.AlarmRaised("alm-2", "x", 2, "a \u2192 b \u2026", "do \u2260", long), long),
        ev.draft(ev.TargetMoved("main", "a" * 40, "b" * 40, "fleet"), "ticket:" + "9" * 30),
        ev.draft(ev.Note("cut \u2026"), long),
    )
    app = fleet.room(look=choose("mono", {}, ascii_boxes=True))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        for key in (None, "enter", "tab", "2", "tab", "5", "k", "tab", "question_mark", "1", "m"):
            await pilot.press(*([key] if key else []))
            await pilot.pause()
            assert sorted({character for character in text(app) if not character.isascii()}) == [], key
        await pilot.press("escape", "Q")
        await armed(app, until)
        assert text(app).isascii()
