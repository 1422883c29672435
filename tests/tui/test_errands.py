"""What takes long says so and may be left; what becomes of an act whose answer never came is told by the log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui import commands
from fleet_tui.tui.present.errands import working
from tests.tui.tui_support import armed, opened

PAUSED = ev.AgentPaused("dev-1", "by hand")


async def pause(pilot: Any, app: Any, until: Any) -> None:
    await pilot.press("P")
    await armed(app, until)
    await pilot.press("y")


@pytest.fixture
def never(fleet: Any) -> Any:
    """The watcher takes the pause and does not answer; what happens before that is for the test to say."""
    requests: list[str] = []

    async def silence(request: str) -> None:
        requests.append(request)
        await asyncio.Event().wait()

    fleet.before["pause"] = silence
    return requests


def test_seconds_have_tenths_as_long_as_they_matter() -> None:
    assert working("approve PR 812", 0.44) == "approve PR 812: working 0.4 s …"
    assert working("approve PR 812", 12.3) == "approve PR 812: working 12 s …"
    assert working("read \x1b[31m[b]x", 1) == "read [b]x: working 1.0 s …"


async def test_a_slow_act_says_so_on_every_screen_and_its_outcome_comes_where_one_is(
    fleet: Any, until: Any, text: Any
) -> None:
    answer = asyncio.Event()

    async def slow(_request: str) -> None:
        await answer.wait()

    fleet.before["pause"] = slow
    fleet.answers["pause"] = {"message": "dev-1 is paused"}
    async with opened(fleet, until) as (app, pilot):
        await pause(pilot, app, until)
        await until(lambda: "pause dev-1: working 0." in text(app))
        await pilot.press("3")
        await until(lambda: "3 ALARMS" in text(app) and "pause dev-1: working " in text(app))
        answer.set()
        await until(lambda: "dev-1 is paused" in text(app))
        assert "working" not in text(app)
    assert len(fleet.calls) == 1


async def test_what_is_quick_never_works(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pause(pilot, app, until)
        await until(lambda: "pause dev-1: paused" in text(app))
        assert app.errands.words() == ""


async def test_a_slow_look_says_what_is_looked_for(fleet: Any, until: Any, text: Any) -> None:
    answer = asyncio.Event()

    async def slow(_request: str) -> None:
        await answer.wait()

    fleet.before["diff"] = slow
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: "the diff of PR 1: working 0." in text(app))
        answer.set()
        await until(lambda: "working" not in text(app) and "def rotate" in text(app))


async def test_escape_gives_a_slow_look_up_and_nothing_else(fleet: Any, until: Any, text: Any) -> None:
    asked: list[str] = []

    async def slow(request: str) -> None:
        asked.append(request)
        await asyncio.Event().wait()

    fleet.before["diff"] = slow
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: "the diff of PR 1: working 0." in text(app) and "…  Esc cancels" in text(app))
        await pilot.press("escape")
        await until(lambda: app.message == "the diff of PR 1: cancelled; r asks again")
        await until(lambda: not app.errands._open and "not here, r tries again: given up" in text(app))
        assert "2 APPROVALS" in text(app), "the screen stays"
        app.feed.poke()
        await pilot.pause()
        assert len(asked) == 1, "it is not asked again by itself"
        fleet.before.pop("diff")
        await pilot.press("r")
        await until(lambda: "def rotate" in text(app))
        await pilot.press("escape")
        await until(lambda: "1 WALL" in text(app))


async def test_q_leaves_the_screen_though_something_is_slow(fleet: Any, until: Any, text: Any) -> None:
    async def slow(_request: str) -> None:
        await asyncio.Event().wait()

    fleet.before["diff"] = slow
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: "Esc cancels" in text(app))
        await pilot.press("q")
        await until(lambda: "1 WALL" in text(app) and "the diff of PR 1: working" in text(app))
        await pilot.press("escape")
        await until(lambda: not app.errands._open)


async def test_an_act_is_never_given_up(fleet: Any, until: Any, text: Any, never: list[str]) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("3", "1")
        await pause(pilot, app, until)
        await until(lambda: "pause dev-1: working 0." in text(app))
        assert "Esc cancels" not in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.errands.words().startswith("pause dev-1: working")
    assert len(never) == 1


async def test_a_slow_report_of_the_system_may_be_given_up(fleet: Any, until: Any, text: Any) -> None:
    async def slow(_request: str) -> None:
        await asyncio.Event().wait()

    fleet.before["system"] = slow
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("8")
        await until(lambda: "how the system is: working 0." in text(app) and "Esc cancels" in text(app))
        await pilot.press("escape")
        await until(lambda: not app.errands._open and "8 SYSTEM" in text(app))


async def test_an_act_that_the_log_has_is_done_though_no_answer_came(
    fleet: Any, until: Any, text: Any, never: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ANSWER_LIMIT_S", 2.0)
    async with opened(fleet, until) as (app, pilot):
        await pause(pilot, app, until)
        await until(lambda: bool(never))
        fleet.add(ev.draft(PAUSED, "agent:dev-1", actor="operator:kim", key=f"operator/{never[0]}"))
        await until(lambda: "DONE though no answer came; the log has it: agent_paused" in text(app))
    assert len(fleet.calls) == 1, "asked once"


async def test_what_nobody_knows_is_called_unknown_until_the_log_says_it(
    fleet: Any, until: Any, text: Any, never: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ANSWER_LIMIT_S", 0.2)
    async with opened(fleet, until) as (app, pilot):
        await pause(pilot, app, until)
        await until(lambda: "UNKNOWN whether it will be done" in text(app))
        await pilot.press("3")
        fleet.add(ev.draft(PAUSED, "agent:dev-1", actor="operator:kim", key=f"operator/{never[0]}"))
        app.feed.poke()
        await until(lambda: "pause dev-1: DONE though no answer came" in text(app))
    assert len(fleet.calls) == 1


async def test_what_a_watcher_left_undone_that_ended_is_not_done(
    fleet: Any, until: Any, text: Any, never: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ANSWER_LIMIT_S", 0.2)
    async with opened(fleet, until) as (app, pilot):
        await pause(pilot, app, until)
        await until(lambda: bool(never) and "UNKNOWN whether it will be done" in text(app))
        fleet.add(ev.draft(ev.WatcherStarted("1.0", 2, "test", "boot", "L0"), "fleet"))
        app.feed.poke()
        await until(lambda: "pause dev-1: NOT done: the watcher that was asked has ended" in text(app))


async def test_where_nobody_listens_nothing_was_done(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("P")
        await armed(app, until)
        await fleet.server.close()
        await pilot.press("y")
        await until(lambda: "pause dev-1: NOT done: the watcher is not running" in text(app))


async def test_each_act_has_a_request_of_its_own(fleet: Any, until: Any) -> None:
    requests: list[str] = []

    async def note(request: str) -> None:
        requests.append(request)

    fleet.before["pause"] = note
    async with opened(fleet, until) as (app, pilot):
        for _ in range(2):
            await pause(pilot, app, until)
            await until(lambda: not app.errands._open)
    assert len(set(requests)) == 2
