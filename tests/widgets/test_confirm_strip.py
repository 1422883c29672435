"""The strip on a screen: focus, painting, priority bindings, and every way it ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from textual import events
from textual._time import get_time
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from fleet_widgets.lines import line, lines_of
from fleet_widgets.list_view import Item, LineList
from fleet_widgets.palette import palette
from fleet_widgets.strip import ConfirmStrip, StripRequest

QUARANTINE = StripRequest("QUARANTINE ag-23", lines_of([" Frozen at once."]), opening_key="Q", verb="quarantine")
RELEASE = StripRequest(
    "APPROVE #812", lines_of([" head 3f9c1e2"]), confirm="last4", expected="c1e2", opening_key="A", verb="approve",
    passes=("right_square_bracket",),
)  # fmt: skip
REJECT = StripRequest(
    "REJECT", (), reason="required", presets=("too large", "no tests"), opening_key="R", verb="reject"
)


class Room(App[None]):
    """A list, a strip, and bindings that would do harm if a key slipped past the strip."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "LineList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,x,enter", "harm", priority=True),
        Binding("z,tab,space", "harm"),
    ]

    def __init__(self, strip: ConfirmStrip) -> None:
        super().__init__()
        self.strip = strip
        self.harmed = 0
        self.ended: list[Message] = []

    def compose(self) -> ComposeResult:
        yield LineList()
        yield self.strip

    def action_harm(self) -> None:
        self.harmed += 1

    def on_confirm_strip_confirmed(self, message: ConfirmStrip.Confirmed) -> None:
        self.ended.append(message)

    def on_confirm_strip_cancelled(self, message: ConfirmStrip.Cancelled) -> None:
        self.ended.append(message)

    def on_confirm_strip_passed(self, message: ConfirmStrip.Passed) -> None:
        self.ended.append(message)


def past() -> float:
    """A paint time that makes the strip count keys as soon as it was really painted."""
    return get_time() - 1.0


@asynccontextmanager
async def room(strip: ConfirmStrip | None = None) -> AsyncIterator[tuple[Room, Pilot[None]]]:
    app = Room(strip or ConfirmStrip(clock=past))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.screen.query_one(LineList).set_items([Item("a", (line("a"),)), Item("b", (line("b"),))])
        await pilot.pause()
        yield app, pilot


async def settled(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app run until ``condition`` holds; fails after ten seconds."""
    async with asyncio.timeout(40):
        while not condition():
            await pilot.pause()


async def ask(app: Room, pilot: Pilot[None], request: StripRequest) -> None:
    """Ask, and wait until the strip was painted with the focus and counts keys."""
    app.strip.ask(request)
    await settled(pilot, lambda: app.strip.has_focus and app.strip.armed)
    await pilot.pause()


def armed_at(app: Room) -> float | None:
    return app.strip._state.armed_at if app.strip._state else None


def rows(app: Room) -> list[str]:
    return [app.strip.strip(y).text.rstrip() for y in range(app.strip.size.height)]


async def test_it_is_hidden_until_asked_and_gives_the_focus_back() -> None:
    async with room() as (app, pilot):
        assert not app.strip.display
        assert app.strip.request is None
        await ask(app, pilot, QUARANTINE)
        assert app.focused is app.strip
        assert rows(app)[0].startswith("═ QUARANTINE ag-23 ═")
        assert rows(app)[1] == " Frozen at once."
        assert rows(app)[-1] == " y = quarantine     Esc or any other key cancels"
        await pilot.press("y")
        await pilot.pause()
        assert [type(m) for m in app.ended] == [ConfirmStrip.Confirmed]
        assert app.ended[0].request is QUARANTINE  # type: ignore[attr-defined]
        assert isinstance(app.focused, LineList)
        assert not app.strip.display
        assert app.harmed == 0


async def test_keys_typed_ahead_do_nothing() -> None:
    """Keys pressed before the strip was 0.3 s on screen: through the real clock, and with times set by hand."""
    async with room(ConfirmStrip()) as (app, pilot):
        app.strip.ask(QUARANTINE)
        await pilot.press("y", "y", "x", "enter")
        await settled(pilot, lambda: armed_at(app) is not None)
        armed = armed_at(app) or 0.0
        for early in (armed - 5, armed - 0.001):
            send(app, "y", early)
        await pilot.pause()
        assert app.ended == []
        assert app.strip.request is QUARANTINE
        assert app.harmed == 0
        send(app, "y", armed)
        await pilot.pause()
        assert [type(m) for m in app.ended] == [ConfirmStrip.Confirmed]


def send(app: Room, key: str, time: float) -> None:
    event = events.Key(key, key if len(key) == 1 else None)
    event.time = time
    app.post_message(event)


class Painted(ConfirmStrip):
    """Keeps the titles that went to the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: list[str] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        if crop.y == 0:
            self.titles.append(strips[0].text)
        return strips


async def test_the_title_says_that_keys_do_not_count_yet_and_stops_saying_so() -> None:
    strip = Painted()
    async with room(strip) as (_, pilot):
        strip.ask(QUARANTINE)
        await settled(pilot, lambda: bool(strip.titles) and "QUARANTINE ag-23 ═" in strip.titles[-1])
        assert "QUARANTINE ag-23 (armed in 0.3 s) ═" in strip.titles[0]


async def test_a_strip_that_was_never_painted_never_arms() -> None:
    async with room() as (app, pilot):
        app.strip.ask(QUARANTINE)
        app.strip.display = False
        await pilot.pause()
        assert not app.strip.armed
        send(app, "y", get_time() + 1e6)
        await pilot.pause()
        assert not any(isinstance(m, ConfirmStrip.Confirmed) for m in app.ended)


@pytest.mark.parametrize("bursts", [20, pytest.param(100, marks=pytest.mark.slow)])
async def test_random_keys_confirm_nothing_by_accident(bursts: int) -> None:
    """Typed strips are opened again whenever they close, keys come with random times: nothing is confirmed."""
    rng = random.Random(23)
    keys = [*"abcdefghijklmnopqrstuvwxyz0123456789AQRC", "enter", "space", "tab", "backspace", "up", "]", "escape"]
    async with room() as (app, pilot):
        for _ in range(bursts):
            if app.strip.request is None:
                app.strip.ask(rng.choice([RELEASE, REJECT]))
            for _ in range(100):
                send(app, rng.choice(keys), get_time() + rng.choice([-10, 0, 10]))
            await pilot.pause()
        confirmed = [m for m in app.ended if isinstance(m, ConfirmStrip.Confirmed)]
        # A one-key strip with a reason may be answered by chance, a typed one cannot; nothing gets past an open strip.
        assert all(m.request is REJECT and m.reason for m in confirmed)
        assert len(app.ended) > bursts / 2


async def test_typing_the_last_four_confirms() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, RELEASE)
        assert " type c1e2 to confirm: [_]" in rows(app)
        await pilot.press(*"c1e", "enter")
        assert rows(app)[-1] == " this is not c1e2"
        await pilot.press("2", "enter")
        await pilot.pause()
        assert [type(m) for m in app.ended] == [ConfirmStrip.Confirmed]
        assert app.harmed == 0


async def test_a_reason_travels_with_the_confirmation() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, REJECT)
        assert " 2 no tests" in rows(app)
        await pilot.press("2", "space", *"[/b]", "tab", "enter")
        await pilot.pause()
        assert [m.reason for m in app.ended] == ["no tests [/b]"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_", "keys", "why"),
    [
        (QUARANTINE, ["n"], "key"),
        (QUARANTINE, ["enter"], "key"),
        (QUARANTINE, ["space"], "key"),
        (QUARANTINE, ["Q"], "key"),
        (QUARANTINE, ["escape"], "escape"),
        (RELEASE, ["enter"], "empty"),
        (REJECT, ["enter", "tab", "enter"], "key"),
    ],
    ids=str,
)
async def test_every_way_out(request_: StripRequest, keys: list[str], why: str) -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, request_)
        await pilot.press(*keys)
        await pilot.pause()
        assert [(type(m), m.why) for m in app.ended] == [(ConfirmStrip.Cancelled, why)]  # type: ignore[attr-defined]
        assert isinstance(app.focused, LineList)
        assert app.harmed == 0


async def test_a_new_question_cancels_the_old_one_and_must_be_painted_itself() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, QUARANTINE)
        app.strip.ask(RELEASE)
        assert not app.strip.armed
        await settled(pilot, lambda: app.strip.armed)
        assert [m.why for m in app.ended] == ["replaced"]  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.focused, LineList)


async def test_a_changed_object_voids_the_strip() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, QUARANTINE)
        app.strip.invalidate("head 3f9c1e2 -> 77aa012 (2 files). Nothing was approved.")
        assert not app.strip.armed
        await pilot.pause()
        assert rows(app)[1] == " CHANGED while you looked: head 3f9c1e2 -> 77aa012 (2 files). Nothing was"
        assert rows(app)[2].strip() == "approved."
        await pilot.press("y")
        await pilot.pause()
        assert [(type(m), m.why) for m in app.ended] == [(ConfirmStrip.Cancelled, "changed")]  # type: ignore[attr-defined]


async def test_focus_that_goes_elsewhere_cancels_but_a_terminal_without_focus_does_not() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, QUARANTINE)
        app.post_message(events.AppBlur())
        await pilot.pause()
        assert app.strip.request is QUARANTINE
        app.post_message(events.AppFocus())
        await settled(pilot, lambda: app.focused is app.strip and app.strip.has_focus)
        app.screen.set_focus(app.screen.query_one(LineList))
        await pilot.pause()
        assert [m.why for m in app.ended] == ["blur"]  # type: ignore[attr-defined]


async def test_pasted_text_is_not_an_answer() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, RELEASE)
        app.post_message(events.Paste("c1e2\r"))
        await pilot.press("enter")
        await pilot.pause()
        assert [m.why for m in app.ended] == ["empty"]  # type: ignore[attr-defined]


async def test_a_passed_key_goes_to_the_screen() -> None:
    async with room() as (app, pilot):
        await ask(app, pilot, RELEASE)
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert [m.key for m in app.ended] == ["right_square_bracket"]  # type: ignore[attr-defined]
        assert app.strip.request is RELEASE


async def test_many_targets_scroll_and_the_scrolling_keys_do_not_cancel() -> None:
    many = StripRequest("PAUSE 40 agents", lines_of([f" ag-{n:02}" for n in range(40)]), opening_key="P")
    async with room() as (app, pilot):
        await ask(app, pilot, many)
        assert app.strip.size.height <= 14
        assert "more lines: down, up" in rows(app)[0]
        assert rows(app)[1] == " ag-00"
        await pilot.press("down", "pagedown")
        await pilot.pause()
        assert rows(app)[1] == " ag-06"
        await pilot.press("y")
        await pilot.pause()
        assert [type(m) for m in app.ended] == [ConfirmStrip.Confirmed]


async def test_nasty_text_in_a_strip(nasty: str) -> None:
    request = StripRequest(
        nasty, (line(nasty[:2_000]),), confirm="text", expected=nasty[:9].strip() or "x", reason="optional"
    )
    async with room(ConfirmStrip(clock=past, palette=palette("mono", ascii=True))) as (app, pilot):
        await ask(app, pilot, request)
        assert all(app.strip.strip(y).cell_length == 80 for y in range(app.strip.size.height))
        assert rows(app)[0].startswith("= ")
        await pilot.resize_terminal(60, 16)
        assert app.strip.request is request
