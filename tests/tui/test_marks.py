"""Marks on the wall, and acts on all that are marked: by identity, confirmed by their number, told one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict
from fleet_tui.tui.keys.reasons import MOST_STOPPED
from fleet_tui.tui.outcome import OutcomePane
from fleet_widgets.pane_wall import PaneWall
from fleet_widgets.strip import ARM_S, ConfirmStrip
from tests.tui.conftest import config, running
from tests.tui.tui_support import armed, asked, opened

Text = Callable[[Any], str]
BY_HAND = "by hand from the control room"


def marked(app: Any) -> set[str]:
    return set(app.screen.query_one(PaneWall).marked)


@pytest.fixture
def testers(world: Any) -> Any:
    """Six of quality assurance at work, and two others."""
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    world.add(config({**{f"qa-{number}": "qa" for number in range(1, 7)}, "dev-1": "developer", "spare": "developer"}))
    for number in range(1, 7):
        world.add(*running(number, f"qa-{number}", "qa", f"Check {number}"))
    world.add(*running(9, "dev-1", "developer", "Build"))
    return world


async def test_u7_the_same_message_to_all_six_of_a_role(testers: Any, until: Any, text: Text) -> None:
    """Key by key as it is written down: / role:qa Enter * m text Tab Enter 6 Enter."""
    async with opened(testers, until, (80, 24)) as (app, pilot):
        await pilot.press("slash", *"role:qa", "enter", "asterisk")
        await until(lambda: len(marked(app)) == 6)
        assert text(app).splitlines()[-2].startswith("6 marked  ")
        await pilot.press("m", *"freeze at noon", "tab")
        await asyncio.sleep(ARM_S + 0.05)  # the safety delay itself is what is waited for
        await pilot.press("enter")
        strip = await asked(app, until)
        assert strip.title == "MESSAGE TO 6 AGENTS"
        assert "Text: freeze at noon" in text(app)
        await pilot.press("6", "enter")
        await until(lambda: len(testers.calls) == 6 and app.bulk is None)
        await until(lambda: app.message == "message to 6 agents: queued; delivered when the agent can take it")
        assert marked(app) == set()
        assert "marked" not in app.drafts
        assert not app.screen.query_one(OutcomePane).display
    sent = [
        {"agent": f"qa-{n}", "run": f"run-qa-{n}-{n}", "text": "freeze at noon", "answers": False} for n in range(1, 7)
    ]
    assert sorted(testers.calls, key=lambda call: call[1]["agent"]) == [("message", args) for args in sent]


async def test_marks_belong_to_the_agents_and_survive_filter_and_size(testers: Any, until: Any, text: Text) -> None:
    async with opened(testers, until, (120, 40)) as (app, pilot):
        await pilot.press("g", "space", "l", "space")
        await until(lambda: marked(app) == {"dev-1", "qa-1"})
        await pilot.press("slash", *"role:qa", "enter")
        await until(lambda: "2 marked (1 not shown)" in text(app))
        await pilot.press("asterisk")
        await until(lambda: len(marked(app)) == 7)
        await pilot.press("asterisk")
        await until(lambda: marked(app) == {"dev-1"})
        await pilot.resize_terminal(80, 24)
        await until(lambda: "1 marked (1 not shown)" in text(app))
        await pilot.press("escape")
        await until(lambda: not marked(app))
        assert app.screen._filter.text == "role:qa"
        await pilot.press("escape")
        await until(lambda: app.screen._filter.text == "")
    assert testers.calls == []


async def test_v_marks_from_here_to_there(testers: Any, until: Any, text: Text) -> None:
    async with opened(testers, until, (120, 40)) as (app, pilot):
        await pilot.press("g", "l", "v")
        await until(lambda: "1 marked  marks follow the cursor; v ends the range, Esc takes it back" in text(app))
        await pilot.press("j")
        await until(lambda: marked(app) == {"qa-1", "qa-2", "qa-3", "qa-4"})
        await pilot.press("h", "v", "G")
        await until(lambda: "3 marked  m message, P Q X" in text(app))
        assert marked(app) == {"qa-1", "qa-2", "qa-3"}
        await pilot.press("v", "g")
        await until(lambda: len(marked(app)) == 8)
        await pilot.press("escape")
        await until(lambda: marked(app) == {"qa-1", "qa-2", "qa-3"})
        await pilot.press("v", "l", "P")
        strip = await asked(app, until)
        assert strip.title == "PAUSE 4 AGENTS"
        await pilot.press("escape", "2", "1", "G")
        await until(lambda: "marked  m message" in text(app))
        assert len(marked(app)) == 4
    assert testers.calls == []


async def test_the_mark_is_a_sign_and_goes_with_its_agent(fleet: Any, until: Any, text: Text) -> None:
    async with opened(fleet, until, (80, 24)) as (app, pilot):
        await pilot.press("asterisk")
        await until(lambda: "+* dev-2" in text(app) and "╋* dev-1" in text(app))
        fleet.add(config({"dev-1": "developer", "dev-2": "developer", "dev-3": "developer", "rev": "reviewer"}))
        app.feed.poke()
        await until(lambda: marked(app) == {"dev-1", "dev-2", "dev-3", "rev"})


async def test_of_those_marked_some_are_left_out_with_the_reason(testers: Any, until: Any, text: Text) -> None:
    testers.add(ev.draft(ev.AgentQuarantined("qa-2", "odd", "guard", 2), "agent:qa-2"))
    testers.add(ev.draft(ev.Blocker("qst-1", "which?", "run-qa-3-3", "qa-3", ticket=3), "ticket:3"))
    async with opened(testers, until, (120, 40)) as (app, pilot):
        await pilot.press("asterisk", "Q")
        strip = await asked(app, until)
        assert strip.title == "QUARANTINE 7 AGENTS"
        assert "left out (is quarantined already; U releases): qa-2" in text(app)
        assert "qa-3 (qa), ASK, on #3 Check 3" in text(app)
        assert "1 of the 8 marked left out, named at the end." in text(app)
        await pilot.press("escape", "m", *"hello", "tab")
        await asyncio.sleep(ARM_S + 0.05)
        await pilot.press("enter")
        strip = await asked(app, until)
        assert strip.title == "MESSAGE TO 6 AGENTS"
        assert "left out (asked a question: m on it alone answers it): qa-3" in text(app)
        assert "left out (has no running process): spare" in text(app)
        await pilot.press("escape")
        await until(lambda: app.message.startswith("cancelled, nothing was done: MESSAGE"))
        assert app.drafts["marked"] == "hello"
        assert len(marked(app)) == 8
    assert testers.calls == []


async def test_a_few_are_confirmed_by_one_key_and_a_wrong_number_does_nothing(testers: Any, until: Any) -> None:
    async with opened(testers, until) as (app, pilot):
        await pilot.press("l", "space", "l", "space", "P")
        strip = await asked(app, until)
        assert strip.title == "PAUSE 2 AGENTS"
        await pilot.press("y")
        await until(lambda: len(testers.calls) == 2)
        await pilot.press("asterisk", "Q")
        await armed(app, until)
        await pilot.press(*"7", "enter", "y", "enter", "space", "enter")
        await pilot.pause()
        await pilot.press("escape")
        await until(lambda: "cancelled" in app.message)
    assert testers.calls == [("pause", {"agent": name, "reason": BY_HAND}) for name in ("qa-1", "qa-2")]


async def test_what_came_of_each_is_told_and_who_failed_stays_marked(testers: Any, until: Any, text: Text) -> None:
    async def handle(caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        if args.get("agent") == "qa-4":
            raise Conflict("nothing to do", "qa-4 is already paused")
        return {}

    testers._handle = handle
    await testers.server.close()
    await testers.serve()
    testers.add(ev.draft(ev.AgentQuarantined("qa-6", "odd", "guard", 2), "agent:qa-6"))
    async with opened(testers, until, (80, 24)) as (app, pilot):
        await pilot.press("slash", *"role:qa", "enter", "asterisk", "P")
        strip = await asked(app, until)
        assert strip.title == "PAUSE 5 AGENTS"
        testers.add(ev.draft(ev.AgentPaused("qa-5", "enough"), "agent:qa-5"))
        app.feed.poke()
        await until(lambda: app.picture.snapshot.tile("qa-5").paused)
        await pilot.press("5", "enter")
        await until(lambda: app.message == "pause 5 agents: 2 not done, still marked; 3 paused")
        assert marked(app) == {"qa-4", "qa-5"}
        shown = " ".join(text(app).split())
        assert "pause: 3 of 6 done" in shown
        assert "not done qa-4: CHANGED while you looked: qa-4 is already paused." in shown
        assert "not done qa-5: is already PAUS" in shown
        assert "left out qa-6: is quarantined already; U releases" in shown
        assert "done qa-1, qa-2, qa-3" in shown
        await pilot.press("escape")
        await until(lambda: not app.screen.query_one(OutcomePane).display)
        assert marked(app) == {"qa-4", "qa-5"}


async def test_all_have_changed_while_the_strip_was_open(testers: Any, until: Any, text: Text) -> None:
    async with opened(testers, until) as (app, pilot):
        await pilot.press("l", "space", "l", "space", "X")
        strip = await asked(app, until)
        assert (strip.title, strip.word) == ("STOP THE RUNS OF 2 AGENTS", "2")
        for name in ("qa-1", "qa-2"):
            testers.add(
                ev.draft(ev.RunFinished(f"run-{name}-{name[-1]}", "finished", 0, None, 1), f"run:run-{name}-{name[-1]}")
            )
        app.feed.poke()
        await until(lambda: "CHANGED while you looked: none of them is as it was" in text(app))
        await pilot.press("2", "enter")
        await pilot.pause()
    assert testers.calls == []


async def test_runs_of_several_are_started_again_each_as_it_was_shown(testers: Any, until: Any, text: Text) -> None:
    testers.add(ev.draft(ev.AgentQuarantined("qa-6", "odd", "guard", 2), "agent:qa-6"))
    async with opened(testers, until) as (app, pilot):
        await pilot.press("slash", *"role:qa", "enter", "asterisk", "R")
        strip = await asked(app, until)
        assert (strip.title, strip.word) == ("RESTART THE RUNS OF 5 AGENTS", "5")
        assert "left out (is quarantined; U releases, its work begins anew then): qa-6" in text(app)
        testers.add(ev.draft(ev.RunFinished("run-qa-5-5", "finished", 0, None, 1), "run:run-qa-5-5"))
        app.feed.poke()
        await until(lambda: app.picture.snapshot.tile("qa-5").run != "run-qa-5-5")
        await pilot.press("5", "enter")
        await until(lambda: app.message.startswith("restart 5 agents: 1 not done, still marked; 4 "))
        assert "not done qa-5: has no run any more" in " ".join(text(app).split())
        assert marked(app) == {"qa-5"}
        await pilot.press("escape", "escape", "R")
        strip = await asked(app, until)
        assert strip.title.startswith("RESTART THE RUN OF ")
        await pilot.press("y")
        await until(lambda: len(testers.calls) == 5)
    assert [op for op, _ in testers.calls] == ["restart"] * 5
    wanted = [{"agent": f"qa-{n}", "run": f"run-qa-{n}-{n}", "reason": BY_HAND} for n in range(1, 5)]
    assert sorted((args for _, args in testers.calls[:4]), key=lambda args: args["agent"]) == wanted


async def test_paused_ones_go_on_when_all_that_are_marked_are_paused(testers: Any, until: Any, text: Text) -> None:
    testers.add(*(ev.draft(ev.AgentPaused(name, "x"), f"agent:{name}") for name in ("qa-1", "qa-2")))
    async with opened(testers, until) as (app, pilot):
        app.screen.query_one(PaneWall).mark(["qa-1", "qa-2", "qa-3"])
        await pilot.press("P")
        strip = await asked(app, until)
        assert strip.title == "PAUSE 1 AGENT"
        assert "left out (is paused already): qa-1, qa-2" in text(app)
        await pilot.press("escape")
        app.screen.query_one(PaneWall).mark(["qa-1", "qa-2"])
        await pilot.press("P")
        strip = await asked(app, until)
        assert strip.title == "RESUME 2 AGENTS"


async def test_what_is_not_for_several_says_so(testers: Any, until: Any) -> None:
    names = [f"dev-{number}" for number in range(1, MOST_STOPPED + 2)]
    testers.add(config(dict.fromkeys(names, "developer")))
    testers.add(*(draft for at, name in enumerate(names[1:], 20) for draft in running(at, name, "developer", "T")))
    async with opened(testers, until) as (app, pilot):
        await until(lambda: len(app.picture.snapshot.tiles) > MOST_STOPPED)
        await pilot.press("asterisk", "I")
        await until(lambda: app.message == "I: one agent at a time; Esc clears the marks")
        await pilot.press("X")
        await until(lambda: "more than 10 runs are stopped by `:stop marked` only" in app.message)
        await pilot.press("R")
        await until(lambda: "more than 10 runs are started again by `:restart marked` only" in app.message)
        assert app.screen.query_one(ConfirmStrip).request is None
        await pilot.press("colon", *"stop marked")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("enter")
        strip = await asked(app, until)
        assert (strip.title, strip.word) == ("STOP THE RUNS OF 17 AGENTS", "17")
        await pilot.press("escape", "escape", "space", "U")
        await until(lambda: app.message == "U: one agent at a time; Esc clears the marks")


async def test_one_budget_is_extended_once(testers: Any, until: Any, text: Text) -> None:
    async with opened(testers, until) as (app, pilot):
        await pilot.press("l", "space", "l", "space", "B")
        strip = await asked(app, until)
        assert strip.title == "EXTEND THE BUDGETS OF 2 AGENTS"
        assert "adds 30m" in text(app)
        await pilot.press("y")
        await until(lambda: len(testers.calls) == 2 and app.bulk is None)
    assert [(args["scope"], args["name"], args["amount"]) for _, args in testers.calls] == [
        ("agent", "qa-1", 1800),
        ("agent", "qa-2", 1800),
    ]


async def test_progress_is_told_and_escape_asks_no_more(testers: Any, until: Any, text: Text) -> None:
    gate = asyncio.Event()

    async def handle(caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        if op == "pause":
            testers.calls.append((op, args))
            await gate.wait()
        return {}

    testers._handle = handle
    await testers.server.close()
    await testers.serve()
    async with opened(testers, until, (120, 40)) as (app, pilot):
        await pilot.press("asterisk", "P")
        await armed(app, until)
        await pilot.press("8", "enter")
        await until(lambda: len(testers.calls) == 6)
        await until(lambda: "pause 8 agents: 0 of 8 asked: working" in text(app))
        await pilot.press("escape")
        gate.set()
        await until(lambda: app.message == "pause 8 agents: 2 not done, still marked; 6 paused")
        await until(lambda: "not asked: you cancelled" in text(app))
        assert len(marked(app)) == 2
    assert len(testers.calls) == 6
