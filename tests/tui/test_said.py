"""The message line: what it says belongs to one screen, and goes when it is no longer true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_widgets.strip import ConfirmStrip
from tests.tui.tui_support import armed, opened

SECOND = 1_000_000_000


def line(app: Any, text: Callable[[Any], str]) -> str:
    """The message line as it is drawn: the last but one."""
    return text(app).splitlines()[-2]


async def approve(app: Any, pilot: Any, until: Any, world: Any) -> None:
    await pilot.press("2")
    await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
    await pilot.press("A")
    await armed(app, until)
    await pilot.press("y")
    await until(lambda: bool(world.calls))


def grant(world: Any) -> None:
    until_ns = world.now_ns() + 10 * SECOND
    world.add(ev.draft(ev.ApprovalGranted("apr-1-c", 1, "operator:me", until_ns), "pr:1"))


async def test_the_hold_stands_once_on_the_line(fleet: Any, until: Any, text: Any) -> None:
    fleet.answers["approve"] = {"message": "PR 1 lands in 10 s", "hold_until_ns": 1}
    async with opened(fleet, until) as (app, pilot):
        await approve(app, pilot, until, fleet)
        grant(fleet)
        app.feed.poke()
        await until(lambda: "u undo" in line(app, text))
        assert line(app, text).count("lands in") == 1
        assert line(app, text).startswith("approve PR 1: granted ")


async def test_a_void_approval_is_told_and_what_it_needs(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await approve(app, pilot, until, fleet)
        grant(fleet)
        app.feed.poke()
        await until(lambda: "u undo" in line(app, text))
        await pilot.press("1")
        fleet.add(ev.draft(ev.ApprovalVoided("apr-1-c", 1, "the target moved"), "pr:1"))
        app.feed.poke()
        told = "PR 1 DOES NOT LAND: the approval by operator:me is void (the target moved); it needs a new one"
        await until(lambda: line(app, text).startswith(told))
        assert "lands in" not in line(app, text)


async def test_a_landing_is_told(fleet: Any, until: Any, text: Any) -> None:
    grant(fleet)
    async with opened(fleet, until) as (app, _):
        await until(lambda: "u undo" in line(app, text))
        merged = ev.PullRequestMerged(1, 1, "c" * 40, "b" * 40, "e" * 40, "d" * 40, "main", "apr-1-c")
        fleet.add(ev.draft(merged, "pr:1"))
        app.feed.poke()
        await until(lambda: line(app, text).startswith("PR 1 has landed"))


async def test_a_need_is_named_only_while_it_is_the_one_on_show(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w", "w", "w")
        await until(lambda: line(app, text).startswith("APPROVE merge of PR 2"))
        await pilot.press("tab", "k")
        await until(lambda: app.screen._chosen == "apr-1-c")
        await until(lambda: "PR 2" not in line(app, text))


async def test_a_strip_has_the_line_to_itself(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w", "w")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
        await until(lambda: line(app, text).startswith("APPROVE merge of PR 1"))
        await pilot.press("R")
        await until(lambda: app.screen.query_one(ConfirmStrip).request is not None)
        assert "APPROVE" not in line(app, text)


async def test_a_filter_that_cannot_be_read_is_no_matter_of_other_screens(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5", "slash", *"since:99:99", "enter")
        await until(lambda: "is not a time" in line(app, text))
        await pilot.press("escape")
        await until(lambda: "is not a time" not in line(app, text))
        await pilot.press("slash", *"since:99:99", "enter")
        await until(lambda: "is not a time" in line(app, text))
        app.screen.query_one("#filter").blur()
        await pilot.press("1")
        await until(lambda: "1 WALL" in text(app))
        assert "is not a time" not in line(app, text)
        await pilot.press("5")
        await until(lambda: isinstance(app.screen, EventsScreen))
        assert "is not a time" not in line(app, text)


async def test_why_a_key_does_nothing_is_said_as_long_as_it_is_so(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("u")
        await until(lambda: line(app, text).startswith("u: nothing is held"))
        grant(fleet)
        app.feed.poke()
        await until(lambda: "u undo" in line(app, text))
        assert "nothing is held" not in line(app, text)


async def test_an_answer_to_a_key_does_not_stand_for_ever(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("z")
        await until(lambda: line(app, text).startswith("z: does nothing here"))
        fleet.offset_ns = 16 * SECOND
        app.screen.tick()
        assert "does nothing here" not in line(app, text)


async def test_another_agent_is_another_matter(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("w")
        await until(lambda: isinstance(app.screen, AgentScreen))
        assert line(app, text).startswith("secret pattern in a diff. quarantine the agent")
        await app.open_agent("dev-1")
        assert "secret pattern" not in line(app, text)


async def test_a_request_after_a_void_approval_says_so(fleet: Any, until: Any, text: Any, pull_request: Any) -> None:
    grant(fleet)
    fleet.add(ev.draft(ev.ApprovalVoided("apr-1-c", 1, "the target moved"), "pr:1"))
    fleet.add(*pull_request(1, 1, "dev-1", fleet.now_ns(), head="e")[-1:])
    async with opened(fleet, until, (200, 60)) as (app, _):
        assert "APPROVE AGAIN merge of PR 1" in text(app)
        await app.open_approval("apr-1-e")
        await until(lambda: "approved by operator:me, void: the target moved" in " ".join(text(app).split()))
