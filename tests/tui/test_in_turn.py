"""Deciding on all that wait, one after the other: by hand, by identity, and never in passing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.text import one_line
from fleet_tui.tui import in_turn
from fleet_tui.tui.in_turn import AHEAD, GONE, LOOK_S, LOOKED, SKIPPED, InTurn
from fleet_tui.tui.outcome import OutcomePane
from fleet_widgets.lines import text_of
from fleet_widgets.strip import ConfirmStrip
from tests.tui.conftest import approval
from tests.tui.tui_support import armed, opened

Text = Callable[[Any], str]


# -- without a terminal ------------------------------------------------------------------------------------------------


def turn(*ids: str) -> InTurn:
    return InTurn({one: one_line(f"#{one}") for one in ids}, ids[0], 100.0)


def test_each_comes_once_and_none_that_is_gone() -> None:
    going = turn("a", "b", "c", "d")
    going.decided("a", "approve")
    assert going.onward({"b", "d"}, 110.0) == "b"
    assert going.onward({"b", "d", "new"}, 120.0) == "d", "c is gone, b was skipped"
    assert going.onward({"b", "d", "new"}, 130.0) is None
    assert going.came == {"a": "approved", "b": SKIPPED, "c": GONE, "d": SKIPPED}
    assert going.summary({"b", "d"}) == "4 decisions in turn: 1 approved, 2 skipped, 1 decided elsewhere"
    assert going.summary({"b", "d", "new"}).endswith("; 1 more came meanwhile: v goes through what waits")


def test_what_was_not_reached_and_what_was_undone_is_told() -> None:
    going = turn("a", "b", "c")
    going.decided("a", "approve")
    assert going.onward({"a", "b", "c"}, 110.0) == "b"
    going.decided("a", "undo")
    told = [" ".join(text_of(one).split()) for one in going.outcome({"a", "b", "c"}).lines]
    assert told == ["#a: undone, it waits again", f"#b: {LOOKED}", f"#c: {AHEAD}", "Esc closes this"]


def test_nothing_is_decided_in_passing() -> None:
    going = turn("a", "b")
    assert going.too_early(100.0 + LOOK_S - 0.1).startswith("look first: #a")
    assert going.too_early(100.0 + LOOK_S) == ""
    going.onward({"a", "b"}, 200.0)
    assert going.too_early(200.5).startswith("look first: #b")
    assert going.words() == "2 of 2 in turn"


def test_it_begins_with_the_chosen_one(pull_request: Any) -> None:
    assert InTurn.of((), None, 0.0) is None


# -- in the room -------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(fleet: Any) -> Any:
    fleet.add(*approval(5, 3, "dev-3", fleet.now_ns(), head="a"))
    return fleet


async def shows(app: Any, until: Any, identity: str) -> None:
    def is_there() -> bool:
        card = app.screen.card()
        return card is not None and card.id == identity and bool(app.screen.diff.files)

    await until(is_there)


async def approved(app: Any, pilot: Any, until: Any) -> None:
    await until(lambda: not app.screen.too_early())
    await pilot.press("A")
    await armed(app, until)
    await pilot.press("y")


async def test_the_next_opens_after_the_decision_and_each_is_bound_to_what_was_shown(
    three: Any, until: Any, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turn, "LOOK_S", 0.2)
    async with opened(three, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: len(app.screen.cards()) == 3)
        order = [card.id for card in app.screen.cards()]
        await pilot.press("v")
        await shows(app, until, order[0])
        await until(lambda: "1 of 3 in turn  seen" in text(app))
        await approved(app, pilot, until)
        await shows(app, until, order[1])
        await until(lambda: "2 of 3 in turn" in text(app))
        await until(lambda: not app.screen.too_early())
        await pilot.press("R")
        await armed(app, until)
        await pilot.press(*"too large", "tab")
        await armed(app, until)
        await pilot.press("y")
        await shows(app, until, order[2])
        await pilot.press("v")
        await until(lambda: "3 decisions in turn: 1 approved, 1 rejected, 1 skipped" in app.message)
        assert "skipped, it waits still" in text(app)
        assert app.screen.query_one(OutcomePane).display
        await pilot.press("escape")
        await until(lambda: not app.screen.query_one(OutcomePane).display)
        assert app.screen.card() is not None, "still on this screen"
    first, second = three.calls
    assert (first[0], first[1]["approval"], first[1]["head"]) == ("approve", order[0], first[1]["shown"]["head"])
    assert second == ("reject", {"approval": order[1], "reason": "too large"})


async def test_what_is_typed_ahead_decides_nothing_of_the_next(
    three: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is typed before a pull request was looked at; the clock stands for as long as the test needs."""
    monkeypatch.setattr(in_turn, "LOOK_S", 3600.0)
    async with opened(three, until) as (app, pilot):
        await pilot.press("2", "v")
        await until(lambda: len(app.screen.cards()) == 3 and bool(app.screen.diff.files))
        first = app.screen.card().id
        await pilot.press("A")
        await until(lambda: app.message.startswith("A: look first: "))
        await pilot.press("y", "A", "y", "enter", "R", "x", "enter", "C", "enter")
        await pilot.pause()
        assert app.screen.query_one(ConfirmStrip).request is None
        monkeypatch.setattr(in_turn, "LOOK_S", 0.0)
        await pilot.press("A")
        await armed(app, until)
        monkeypatch.setattr(in_turn, "LOOK_S", 3600.0)
        await pilot.press("y")
        await until(lambda: app.screen.card().id != first and bool(app.screen.diff.files))
        await pilot.press("A", "y", "A", "y", "R", "enter")
        await pilot.pause()
        assert app.screen.query_one(ConfirmStrip).request is None
    assert [args["approval"] for _, args in three.calls] == [first]


async def test_a_push_or_a_refusal_keeps_it_where_it_is(
    three: Any, until: Any, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turn, "LOOK_S", 0.0)

    async def handle(caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        if op == "approve":
            raise Conflict("changed meanwhile", "the gates run again")
        return dict(three.answers.get(op, {}))

    three._handle = handle
    await three.server.close()
    await three.serve()
    async with opened(three, until) as (app, pilot):
        await pilot.press("2", "v")
        await until(lambda: len(app.screen.cards()) == 3 and bool(app.screen.diff.files))
        first = app.screen.card()
        await approved(app, pilot, until)
        await until(lambda: "CHANGED while you looked: the gates run again" in app.message)
        assert app.screen.card().id == first.id
        three.add(ev.draft(ev.ApprovalVoided(first.id, first.approval.pr, "pushed"), f"pr:{first.approval.pr}"))
        app.feed.poke()
        await until(lambda: app.screen.card() is None)
        await asyncio.sleep(0)
        assert app.screen._turn.current == first.id, "nothing moves by itself"
        await pilot.press("v")
        await until(lambda: app.screen.card() is not None and app.screen.card().id != first.id)
        await pilot.press("escape")
        await until(lambda: "3 decisions in turn: 1 decided elsewhere, 1 looked at, 1 not reached" in app.message)


async def test_nothing_to_decide_is_said(world: Any, until: Any) -> None:
    from tests.tui.conftest import config

    world.add(config({"dev-1": "developer"}))
    async with opened(world, until) as (app, pilot):
        await pilot.press("2", "v")
        await until(lambda: app.message == "v: nothing waits for your decision")


async def test_what_was_on_screen_already_is_no_news(three: Any, until: Any) -> None:
    async with opened(three, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: app.screen.card() is not None and bool(app.screen.diff.files))
        shown, since_s = app.screen._shown_since
        app.screen._shown_since = (shown, since_s - LOOK_S)  # looked at for long enough
        await pilot.press("v")
        assert app.screen.marks_in_words() == "1 of 3 in turn"
        assert not app.screen.too_early()


async def test_the_outcome_says_what_came_of_it_afterwards(three: Any, until: Any, text: Text) -> None:
    async with opened(three, until) as (app, pilot):
        await pilot.press("2", "v")
        await until(lambda: app.screen.card() is not None and bool(app.screen.diff.files))
        card = app.screen.card()
        await pilot.press("escape")
        await until(lambda: f"{one_line(card.ticket_title)}: {LOOKED}" in text(app))
        await approved(app, pilot, until)
        await until(lambda: f"{one_line(card.ticket_title)}: approved" in text(app))


@pytest.mark.parametrize("asked_for", [False, True])
async def test_what_was_decided_here_and_landed_gives_way_to_the_next(
    three: Any, until: Any, monkeypatch: pytest.MonkeyPatch, asked_for: bool
) -> None:
    monkeypatch.setattr(in_turn, "LOOK_S", 3600.0)
    async with opened(three, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: app.screen.card() is not None and bool(app.screen.diff.files))
        first, second = (app.screen.cards()[at] for at in (0, 1))
        assert app.screen.card().id == first.id
        await approved(app, pilot, until)
        await until(lambda: bool(three.calls) and app.screen._decided == first.id)
        await pilot.pause()
        assert app.screen.card().id == first.id, "as long as it can be undone it stays"
        three.add(ev.draft(ev.ApprovalVoided(first.id, first.approval.pr, "landed"), f"pr:{first.approval.pr}"))
        app.feed.poke()
        await shows(app, until, second.id)
        await pilot.press("A")
        await until(lambda: app.message.startswith("A: look first: "))
        if asked_for:
            await app.open_approval(second.id)
        else:
            monkeypatch.setattr(in_turn, "LOOK_S", 0.0)
        await pilot.press("A")
        await armed(app, until)
