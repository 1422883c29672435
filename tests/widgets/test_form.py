"""The form: what keys do in fields and on buttons, what it tells, and that nothing in it breaks a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet_widgets.form import Field, Form

FIELDS = (
    Field("name", "Name", "dev"),
    Field("kind", "Kind", "a/red", "hint", ("a/red", "a/blue", "b/rose")),
    Field("x", "X"),
)
BUTTONS = ("Create", "Cancel")
Opened = Callable[..., Any]


async def made(s: Any) -> None:
    s.widget.set_fields(FIELDS, BUTTONS)
    await s.quiet()


def values(s: Any) -> list[str]:
    return [field.value for field in s.widget.fields]


async def test_typing_moving_and_emptying(stage: Opened) -> None:
    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        await s.pilot.press("x", "home", "a", "right", "right", "b", "backspace", "end", "left", "backspace")
        assert values(s)[0] == "adex"
        assert [message.value for message in s.of(Form.Changed)][-1] == "adex"
        await s.pilot.press("delete", "q")
        assert values(s)[0] == "q"
        assert s.text()[0].startswith("> Name [q_]")


async def test_choices_go_round_and_letters_jump(stage: Opened) -> None:
    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        await s.pilot.press("tab", "right", "right", "right", "left")
        assert values(s)[1] == "b/rose"
        await s.pilot.press("b")
        assert values(s)[1] == "a/blue"
        await s.pilot.press("r", "r", "z")
        assert values(s)[1] == "a/red"
        assert s.text()[1].startswith("> Kind <a/red>  hint")


async def test_tab_and_enter_go_through_to_the_buttons_which_enter_presses(stage: Opened) -> None:
    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        await s.pilot.press("tab", "enter", "down")
        assert s.widget.current == "Create"
        assert [message.key for message in s.of(Form.Left)] == ["name", "kind", "x"]
        assert not s.of(Form.Pressed)
        await s.pilot.press("right", "enter")
        await s.settle()
        assert [message.button for message in s.of(Form.Pressed)] == ["Cancel"]
        assert "> ( Cancel )" in s.text()[4]
        await s.pilot.press("tab")
        assert [message.by for message in s.of(Form.Out)] == [1]
        await s.pilot.press("pageup", "shift+tab")
        assert [message.by for message in s.of(Form.Out)] == [1, -1]
        await s.pilot.press("pagedown")
        assert s.widget.current == "Create"


async def test_the_cursor_stays_with_its_key_and_what_is_shown_says_what_is_wrong(stage: Opened) -> None:
    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        await s.pilot.press("down", "down", "x", "y", "left")
        s.widget.set_fields((*FIELDS[1:2], Field("x", "X", "xy", problem="too short")), BUTTONS)
        await s.pilot.press("z")
        assert values(s)[-1] == "xzy"
        assert "too short" in s.text()[1]
        s.widget.go_to("nothing")
        assert s.widget.current == "x"


async def test_a_long_form_keeps_the_cursor_in_view_and_a_long_value_its_caret(stage: Opened) -> None:
    async with stage(Form(), size=(30, 3)) as s:
        s.widget.set_fields([Field(str(at), f"F{at}", "v" * 90) for at in range(9)], BUTTONS)
        await s.pilot.press(*["down"] * 6, "Z")
        assert any("vvvZ_]" in row for row in s.text())
        await s.pilot.press("pagedown")
        assert "( Create )" in s.text()[-1]


async def test_only_rows_that_differ_are_drawn(stage: Opened) -> None:
    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        await s.pilot.press("x")
        await s.settle()
        assert s.cells() == 60
        s.redrawn.clear()
        await s.pilot.press("down")
        await s.settle()
        assert s.cells() == 120


async def test_a_paste_is_one_line_and_a_click_presses_only_what_has_the_cursor(stage: Opened) -> None:
    from textual import events

    async with stage(Form(), size=(60, 8)) as s:
        await made(s)
        s.widget.post_message(events.Paste("one\ntwo\r\n"))
        await s.settle()
        assert values(s)[0] == "devone two"
        await s.pilot.click(Form, offset=(8, 4))
        assert not s.of(Form.Pressed)
        assert s.widget.current == "Create"
        await s.pilot.click(Form, offset=(8, 4))
        assert [message.button for message in s.of(Form.Pressed)] == ["Create"]


async def test_nasty_text_breaks_no_row(stage: Opened, nasty: str) -> None:
    async with stage(Form(), size=(40, 4)) as s:
        s.widget.set_fields([Field("a", nasty[:40], nasty, nasty), Field("b", "B", nasty, problem=nasty)], [nasty[:20]])
        s.text()
        await s.pilot.press("x", "home", "y", "tab", "left")
        s.text()
