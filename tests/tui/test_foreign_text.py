"""Text that is not ours at the doors of the room that belong to Textual: what it reads as markup, what it draws raw."""

from __future__ import annotations

from typing import Any

from textual import events

from tests.tui.conftest import config
from tests.tui.tui_support import opened

MARKUP = "[b]qa[/b] [@click=app.quit]x[/]"
PASTED = "spare\x9b31m\x9d0;OWNED\x9c\u202eevil\u200b"


async def test_help_texts_of_the_palette_are_shown_as_they_are(fleet: Any, until: Any, text: Any) -> None:
    """Textual reads them as markup."""
    fleet.add(config({"odd": MARKUP}))
    async with opened(fleet, until, (160, 40)) as (app, pilot):
        await pilot.press("colon", *"agent odd")
        await until(lambda: f"{MARKUP}, " in text(app))


async def test_what_is_pasted_into_a_field_steers_nothing(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, (160, 40)) as (app, pilot):
        await pilot.press("slash")
        app.post_message(events.Paste(PASTED))
        await until(lambda: app.focused.value == "spareevil")
        assert "\x9b" not in text(app)


async def test_what_is_pasted_into_a_message_keeps_its_lines(fleet: Any, until: Any) -> None:
    async with opened(fleet, until, (160, 40)) as (app, pilot):
        await pilot.press("m")
        await until(lambda: app.screen.query_one("#composer-text").has_focus)
        app.post_message(events.Paste(f"one\r\n\ttwo {PASTED}"))
        await until(lambda: "two" in app.focused.text)
        assert app.focused.text == "one\n\ttwo spareevil"
