"""What is held counts down on the message line of every screen, and `u` takes back the newest."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from tests.tui.tui_support import armed, asked, opened

SECOND_NS = 1_000_000_000


def held_stop(fleet: Any, agent: str, number: int, seconds: int, *, again: bool = False) -> None:
    run = f"run-{agent}-{number}"
    until_ns = fleet.now_ns() + seconds * SECOND_NS
    fleet.add(ev.draft(ev.RunStopHeld(run, "wrong track", until_ns, again), f"run:{run}", actor="operator:kim"))


@pytest.mark.parametrize("size", [(60, 16), (120, 40)])
async def test_a_held_stop_counts_down_and_u_takes_it_back(
    fleet: Any, until: Any, text: Any, size: tuple[int, int]
) -> None:
    held_stop(fleet, "dev-1", 1, 10)
    async with opened(fleet, until, size) as (app, pilot):
        for key in ("1", "3", "4", "5", "6", "8"):
            await pilot.press(key)
            await until(lambda: " dev-1 stops in " in text(app).splitlines()[-2])
            assert text(app).splitlines()[-2].endswith(" s  u undo")
        await pilot.press("u")
        await until(lambda: bool(fleet.calls))
        assert fleet.calls == [("undo_stop", {"run": "run-dev-1-1"})]
        fleet.add(ev.draft(ev.RunStopUndone("run-dev-1-1"), "run:run-dev-1-1"))
        await until(lambda: "stops in" not in text(app))
        await pilot.press("u")
        await until(lambda: app.message == "u: nothing is held: no act can be undone")


async def test_of_two_u_takes_back_the_newest(fleet: Any, until: Any, text: Any) -> None:
    now_ns = fleet.now_ns()
    granted = ev.ApprovalGranted("apr-1-c", 1, "operator:kim", now_ns + 8 * SECOND_NS, None)
    fleet.add(ev.draft(granted, "pr:1", actor="operator:kim"))
    held_stop(fleet, "dev-2", 2, 10, again=True)
    async with opened(fleet, until) as (app, pilot):
        await until(lambda: " dev-2 begins again in " in text(app))
        await pilot.press("u")
        await until(lambda: bool(fleet.calls))
        fleet.add(ev.draft(ev.RunStopUndone("run-dev-2-2"), "run:run-dev-2-2"))
        await until(lambda: " PR 1 lands in " in text(app))
        await pilot.press("u")
        await until(lambda: len(fleet.calls) == 2)
    assert fleet.calls == [("undo_stop", {"run": "run-dev-2-2"}), ("undo", {"approval": "apr-1-c"})]


async def test_strips_say_that_it_is_held_and_what_is_held_is_not_stopped_twice(
    fleet: Any, until: Any, text: Any
) -> None:
    async with opened(fleet, until) as (app, pilot):
        for key in ("R", "X"):
            await pilot.press(key)
            await asked(app, until)
            assert "Held 10 s (u = undo), it goes on meanwhile." in text(app)
            await pilot.press("escape")
        await pilot.press("X")
        await armed(app, until)
        held_stop(fleet, "dev-1", 1, 10)
        await until(lambda: "CHANGED while you looked: dev-1 stops in a moment" in text(app))
        await pilot.press("escape", "X")
        await until(lambda: app.message == "X: dev-1 stops in a moment; u undoes that")
        await pilot.press("enter")
        await until(lambda: "stops      in " in text(app))
    assert fleet.calls == []


async def test_without_a_hold_the_strip_promises_none(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, hold_s=0) as (app, pilot):
        await pilot.press("X")
        await asked(app, until)
        assert "undo" not in text(app)


async def test_the_countdown_says_it_once(fleet: Any, until: Any, text: Any) -> None:
    until_ns = fleet.now_ns() + 10 * SECOND_NS
    told = "dev-1 stops in 10 s; `fleet agent stop dev-1 --undo` takes it back"
    fleet.answers["stop"] = {"message": told, "hold_until_ns": until_ns}
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("X")
        await armed(app, until)
        await pilot.press(*"dev-1", "enter")
        await until(lambda: app.message == "stop dev-1: stop requested")
        held_stop(fleet, "dev-1", 1, 10)
        await until(lambda: " dev-1 stops in " in text(app).splitlines()[-2])
        assert "--undo" not in text(app)
