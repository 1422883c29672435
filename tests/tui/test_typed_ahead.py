"""Keys that arrive in one chunk (a paste, a bunched packet): each goes where the one before led, and none confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from textual import events
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widgets import Input, TextArea

from fleet_tui.domain import events as ev
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.events import EventsScreen
from fleet_widgets.strip import ConfirmStrip
from tests.tui.tui_support import opened

NAMES = {"\r": "enter", "\t": "tab", " ": "space", "/": "slash", ":": "colon", "-": "minus", "!": "exclamation_mark"}


def keys(text: str) -> Iterator[events.Key]:
    for character in text:
        name = NAMES.get(character, character)
        yield events.Key("underscore" if name == "_" else name, character)


def chunk(app: Any, text: str) -> None:
    """All of it before the room has looked at the first key, as Textual's driver posts a chunk that it read at once."""
    for event in list(keys(text)):
        app.post_message(event)


async def test_the_filter_gets_what_is_typed_behind_its_key(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5")
        await until(lambda: isinstance(app.screen, EventsScreen))
        chunk(app, "/type:gate a w q\r")
        await until(lambda: app.screen._source.wanted.text == "type:gate a w q")
        assert not app.screen.query_one("#filter").display
        assert isinstance(app.screen, EventsScreen)
    assert fleet.calls == []


async def test_from_the_wall_to_the_events_and_their_filter_in_one_chunk(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        chunk(app, "5/gate_failed\r")
        await until(lambda: isinstance(app.screen, EventsScreen) and app.screen._source is not None)
        await until(lambda: app.screen._source.wanted.text == "gate_failed")
    assert fleet.calls == []


async def test_the_wall_finds_what_is_typed_behind_its_key(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        chunk(app, "/spare\r")
        await until(lambda: app.screen.selected_tile().name == "spare")
        await until(lambda: not app.screen.query_one("#find").display)
    assert fleet.calls == []


async def test_a_paste_behind_the_key(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        app.post_message(events.Key("slash", "/"))
        app.post_message(events.Paste("spare"))
        await until(lambda: app.screen.query_one("#find", Input).value == "spare")
    assert fleet.calls == []


async def test_keys_behind_the_end_of_the_field_are_commands_again(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        chunk(app, "/dev-2\r\r")
        await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._agent == "dev-2")


async def test_the_palette_gets_what_is_typed_behind_its_key(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        chunk(app, ":agent dev-2")
        await until(lambda: bool(app.screen.query(Input)) and app.screen.query_one(Input).value == "agent dev-2")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._agent == "dev-2")
    assert fleet.calls == []


@pytest.mark.parametrize("question", [False, True])
async def test_a_message_gets_its_text_and_is_not_sent(fleet: Any, until: Any, question: bool) -> None:
    if question:
        fleet.add(ev.draft(ev.Blocker("qst-1", "keep which API?", "run-dev-1-1", "dev-1", ticket=1), "ticket:1"))
    async with opened(fleet, until) as (app, _):
        chunk(app, "make:\tfoo a w\r")
        composer = app.screen.query_one(Composer)
        await until(lambda: composer.key is not None and app.focused is not None and app.focused.id == "composer-send")
        await until(lambda: not app.keyboard.busy)
        assert composer.query_one(TextArea).text == "ake:"
    assert fleet.calls == []


@pytest.mark.parametrize("key", ["R", "C"])
async def test_a_reason_gets_its_text_and_is_not_confirmed(fleet: Any, until: Any, key: str) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
        chunk(app, f"{key}too large a w\ty\r")
        strip = app.screen.query_one(ConfirmStrip)
        await until(lambda: strip.request is not None)
        await until(lambda: not app.keyboard.busy)
        assert strip._state.reason == "too large a wy"
    assert fleet.calls == []


ACTS = ["Ay", "Qy", "Py\r", "Xdev-1\r", "Byes\r", "Ry\ty\r", "R1\ty", "Ty\ty", "A\r", "A ", "!stop\r"]


@pytest.mark.parametrize("text", ACTS)
async def test_no_key_of_the_same_chunk_confirms(fleet: Any, until: Any, text: str) -> None:
    fleet.add(ev.draft(ev.TicketBlocked(1, "three rounds of review"), "ticket:1"))
    async with opened(fleet, until) as (app, pilot):
        if text[0] in "AR":
            await pilot.press("2")
            await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
        chunk(app, text)
        await until(lambda: not app.keyboard.busy)
        await pilot.pause()
        assert app.screen.query_one(ConfirmStrip).request is not None
    assert fleet.calls == []


async def test_a_room_that_is_left_while_a_screen_opens_ends_in_order(
    fleet: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen is told to show its picture though most of its widgets will never come."""
    dispatch = MessagePump._dispatch_message

    async def held_up(pump: MessagePump, message: Message) -> None:
        while isinstance(pump, AgentScreen) and isinstance(message, events.Compose) and pump.app.is_running:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await dispatch(pump, message)

    monkeypatch.setattr(MessagePump, "_dispatch_message", held_up)
    async with opened(fleet, until) as (app, _):
        chunk(app, "\r")
        await until(lambda: isinstance(app.screen, AgentScreen))
