"""What all line widgets share: exact rows for any crop, line filters, quiet focus changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.app import App
from textual.binding import Binding
from textual.geometry import Region
from textual.widget import Widget

from fleet_widgets.base import LineWidget, WidgetMessage, runs
from fleet_widgets.board_view import BoardView
from fleet_widgets.diff_view import DiffView
from fleet_widgets.event_feed import EventFeed
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span, line
from fleet_widgets.list_view import Item, LineList
from fleet_widgets.palette import palette
from fleet_widgets.pane_view import PaneView
from fleet_widgets.pane_wall import PaneWall, Tile
from fleet_widgets.strip import ConfirmStrip
from fleet_widgets.text_pane import TextPane

KINDS = [PaneWall, PaneView, EventFeed, LineList, BoardView, DiffView, ConfirmStrip, TextPane, FrameLine]


@given(st.lists(st.integers(-3, 30)), st.integers(0, 20))
def test_runs_cover_exactly_the_rows_inside(rows: list[int], height: int) -> None:
    covered = [row for first, last in runs(rows, height) for row in range(first, last + 1)]
    assert covered == sorted({row for row in rows if 0 <= row < height})


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crop_is_exactly_what_was_asked_for(stage: Callable[..., Any], kind: type[LineWidget]) -> None:
    widget = kind()
    async with stage(widget, size=(40, 10), focus=False):
        widget.display = True
        for crop in (
            Region(0, 0, 40, 10),
            Region(3, 2, 20, 4),
            Region(39, 9, 1, 1),
            Region(0, 8, 40, 5),
            Region(30, 0, 30, 2),
        ):
            strips = widget.render_lines(crop)
            assert len(strips) == crop.height
            assert all(strip.cell_length == crop.width for strip in strips)


@pytest.mark.parametrize("kind", KINDS)
def test_no_attribute_of_textual_is_overwritten_by_accident(kind: type[LineWidget]) -> None:
    """Textual keeps its own state on the same object; a clash shows only as a strange failure far away."""
    meant = {"render_line", "render_lines", "check_consume_key", "_on_focus", "_on_blur"}
    inherited = set(dir(Widget)) - set(vars(type("Empty", (Widget,), {})))
    for cls in kind.__mro__[: kind.__mro__.index(LineWidget) + 1]:
        own = {
            name
            for name, value in vars(cls).items()
            if not name.startswith("__") and (callable(value) or isinstance(value, property))
        }
        assert own & inherited <= meant
    assert not {name for name in set(vars(kind())) - set(vars(Widget())) if hasattr(Widget, name)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_binding_has_an_id_and_no_forbidden_key(kind: type[LineWidget]) -> None:
    bindings = [binding for binding in vars(kind).get("BINDINGS", []) if isinstance(binding, Binding)]
    ids = [binding.id for binding in bindings]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    keys = [key for binding in bindings for key in binding.key.split(",")]
    assert len(set(keys)) == len(keys)
    assert not [key for key in keys if key.startswith(("ctrl", "alt", "f1", "escape"))]
    assert not [key for key in keys if len(key) == 1 and key.isupper() and key != "G"], (
        "capitals act; widgets only look"
    )


async def test_the_screen_shows_what_the_widgets_draw() -> None:
    class Two(App[None]):
        def compose(self) -> Any:
            yield FrameLine(line("1 WALL"))
            yield PaneWall()

    app = Two()
    async with app.run_test(size=(40, 10)) as pilot:
        app.screen.query_one(PaneWall).set_tiles([Tile("a", line("* 01 中文 [b]x[/b]"))])
        await pilot.pause()
        rows = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        assert rows[:2] == ["1 WALL", " * 01 中文 [b]x[/b]"]
        assert rows[2:] == [""] * 8


async def test_without_colour_nothing_is_coloured_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    class One(App[None]):
        def compose(self) -> Any:
            yield FrameLine(
                line(("[1!]", "p1"), ("x", "added"), Span("pane", Style(color="#ff0000"))), palette=palette("mono")
            )

    app = One(ansi_color=True)
    async with app.run_test(size=(40, 3)):
        segments = list(app.screen.query_one(FrameLine).render_lines(Region(0, 0, 40, 1))[0])
        assert all(s.style is None or s.style.color is None or s.style.color.is_default for s in segments)
        assert segments[0].style is not None
        assert segments[0].style.reverse
        assert segments[0].style.bold


async def test_focus_changes_redraw_only_what_shows_them(stage: Callable[..., Any]) -> None:
    other = TextPane()
    async with stage(LineList(), other, size=(40, 10)) as s:
        s.widget.set_items([Item(key, (line(key),)) for key in "abc"])
        await s.pilot.press("j", "j")
        await s.quiet()
        s.widget.screen.set_focus(other)
        await s.settle()
        assert s.redrawn == [Region(0, 1, 40, 1)]
        assert not s.widget.has_focus


async def test_messages_that_replace_each_other() -> None:
    wall, other = PaneWall(id="w"), PaneWall()
    first, second = PaneWall.VisibleChanged(wall), PaneWall.VisibleChanged(wall)
    assert second.can_replace(first)
    assert not second.can_replace(PaneWall.VisibleChanged(other))
    assert not PaneWall.Selected(wall, "b").can_replace(PaneWall.Selected(wall, "a"))
    assert isinstance(first, WidgetMessage)
    assert first.control is wall
