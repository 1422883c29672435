"""Lists, text panes, pane views, frame lines, gauges and sparklines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region, Size

from fleet_widgets.cells import cells
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.gauge import gauge, percent
from fleet_widgets.lines import fill, line, lines_of
from fleet_widgets.list_view import Item, LineList
from fleet_widgets.live_text import LiveView
from fleet_widgets.palette import ASCII_BOX, GREY, Palette, palette
from fleet_widgets.pane_view import PaneView
from fleet_widgets.spark import common_top, spark
from fleet_widgets.text_pane import Section, TextPane

numbers = st.floats(allow_nan=True, allow_infinity=True)


def items(*keys: str) -> list[Item]:
    return [Item(key, (line(f"item {key}"),)) for key in keys]


# --- frame lines -------------------------------------------------------------------------------------------------


async def test_a_frame_line_repaints_only_when_it_differs(stage: Callable[..., Any]) -> None:
    async with stage(FrameLine(line("1 WALL", fill(), "14:02")), size=(40, 5), focus=False) as s:
        assert s.widget.size.height == 1
        assert s.text() == ["1 WALL" + " " * 29 + "14:02"]
        s.widget.set_line(line("1 WALL", fill(), "14:02"))
        await s.settle()
        assert s.redrawn == []
        s.widget.set_line(line("1 WALL", fill(), "14:03"))
        await s.settle()
        assert s.redrawn == [Region(0, 0, 40, 1)]
        assert s.widget.line == line("1 WALL", fill(), "14:03")


async def test_nasty_frame_line(stage: Callable[..., Any], nasty: str) -> None:
    async with stage(FrameLine(), size=(40, 5), focus=False) as s:
        s.widget.set_line(line(nasty, fill(nasty), nasty))
        s.text()


# --- lists -------------------------------------------------------------------------------------------------------


async def test_the_cursor_of_a_list_survives_a_new_order(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 5)) as s:
        s.widget.set_items(items("a", "b", "c", "d"))
        await s.pilot.press("j", "j")
        assert s.widget.selected == "b"
        s.widget.set_items(items("d", "c", "b", "a"))
        assert s.widget.selected == "b"
        assert s.text()[2] == ">item b"
        await s.quiet()
        s.widget.set_items(items("d", "c", "a"))
        await s.settle()
        assert s.widget.selected is None
        assert [m.key for m in s.of(LineList.Selected)] == [None]
        await s.pilot.press("enter")
        assert s.of(LineList.Opened) == []


async def test_the_row_under_the_cursor_stays_in_place(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 5)) as s:
        s.widget.set_items(items(*"abcdefghijklmnop"))
        s.widget.select("j")
        row = s.text().index(">item j")
        s.widget.set_items(items(*"xyzabcdefghijklmnop"))
        assert s.text().index(">item j") == row


async def test_a_changed_item_redraws_its_row(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 5)) as s:
        s.widget.set_items(items("a", "b", "c"))
        await s.quiet()
        s.widget.set_items(items("a", "b", "c"))
        assert s.redrawn == []
        s.widget.set_items([*items("a"), Item("b", (line("other"),)), *items("c")])
        await s.settle()
        assert s.redrawn == [Region(0, 1, 40, 1)]


async def test_headings_are_passed_over_and_tall_items_scroll_whole(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 4)) as s:
        s.widget.set_items(
            [Item("h", (line("heading"),), selectable=False)]
            + [Item(k, lines_of([f"item {k}", f"  more {k}"])) for k in "abc"]
        )
        await s.pilot.press("j", "j", "j", "j")
        assert s.widget.selected == "c"
        assert s.text() == [" item b", "   more b", ">item c", "   more c"]
        await s.pilot.press("g")
        assert s.widget.selected == "a"
        await s.pilot.press("G", "pageup", "enter")
        await s.settle()
        assert [m.key for m in s.of(LineList.Opened)] == ["a"]
        s.widget.select("h")
        assert s.widget.selected == "a"
        with pytest.raises(ValueError, match="stands twice"):
            s.widget.set_items(items("a", "a"))


async def test_marks_of_a_list_go_with_their_keys(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 5)) as s:
        s.widget.set_items([Item("head", (line("head"),), selectable=False), *items("a", "b", "c")])
        s.widget.select("b")
        s.widget.mark_all()
        await s.settle()
        assert s.text()[:4] == [" head", "+item a", "╋item b", "+item c"]
        s.widget.toggle_mark("c")
        s.widget.set_items(items("c", "b"), hidden=["a"])
        await s.settle()
        assert s.text()[:2] == [" item c", "╋item b"]
        assert (s.widget.marked, s.widget.hidden_marks) == ({"a", "b"}, 1)
        s.widget.set_items(items("c"))
        await s.settle()
        assert s.widget.marked == frozenset()
        assert s.of(LineList.MarksChanged)[-1].marked == frozenset()


async def test_clicks_and_an_empty_list(stage: Callable[..., Any]) -> None:
    async with stage(LineList(), size=(40, 5)) as s:
        await s.pilot.press("j", "k", "g", "G", "enter", "pagedown")
        assert s.widget.selected is None
        s.widget.set_items(items("a", "b"))
        await s.pilot.click(LineList, offset=(3, 1))
        assert s.widget.selected == "b"
        await s.pilot.click(LineList, offset=(3, 1))
        await s.pilot.click(LineList, offset=(3, 4))
        assert [m.key for m in s.of(LineList.Opened)] == ["b"]


# --- text panes --------------------------------------------------------------------------------------------------


async def test_sections_have_rules_and_long_lines_wrap(stage: Callable[..., Any]) -> None:
    async with stage(TextPane(), size=(20, 6)) as s:
        s.widget.set_sections([Section("risk", lines_of(["x" * 25])), Section("", lines_of(["end"]))])
        assert s.text()[:4] == ["▌ risk ─────────────", "x" * 20, "x" * 5, "end"]
        await s.quiet()
        s.widget.set_sections([Section("risk", lines_of(["x" * 25])), Section("", lines_of(["END"]))])
        await s.settle()
        assert s.redrawn == [Region(0, 3, 20, 1)]


async def test_scrolling_a_text_pane(stage: Callable[..., Any]) -> None:
    async with stage(
        TextPane([Section("a", lines_of(["x"] * 20)), Section("b", lines_of(["y"] * 20))]), size=(20, 6)
    ) as s:
        await s.pilot.press("G")
        assert s.widget.position == (36, 6, 42)
        s.widget.show("b")
        assert s.text()[0].startswith("▌ b")
        await s.pilot.press("pageup", "k", "j", "g")
        assert s.widget.position == (0, 6, 42)
        s.widget.show("unknown")
        s.widget.set_sections([Section("a", lines_of(["x"]))])
        assert s.text() == ["▌ a ────────────────", "x", "", "", "", ""]


@pytest.mark.parametrize(("look", "sign", "rule"), [(GREY, "▌", "─"), (palette("mono", ascii=True), ">", "-")])
async def test_the_focus_of_a_text_pane_is_in_view_wherever_it_is_scrolled(
    stage: Callable[..., Any], look: Palette, sign: str, rule: str
) -> None:
    sections = [Section("a", lines_of(["x"] * 20)), Section("b", lines_of(["y"] * 20))]
    async with stage(TextPane(sections, palette=look), size=(20, 6)) as s:
        await s.pilot.press("j", "j", "j")
        assert s.text() == [f"{sign} a {rule * 16}", *["x"] * 5]
        await s.quiet()
        s.widget.screen.set_focus(None)
        await s.settle()
        assert s.text() == ["x"] * 6
        assert s.redrawn == [Region(0, 0, 20, 1)]
        await s.pilot.press("tab")
        await s.pilot.press("G", "k")
        assert s.text()[0] == f"{sign} b {rule * 16}"


async def test_nasty_text_pane(stage: Callable[..., Any], nasty: str) -> None:
    async with stage(TextPane(palette=palette("ansi", ascii=True)), size=(20, 6)) as s:
        s.widget.set_sections([Section(nasty, (line(nasty),)), Section("last", lines_of(["end"]))])
        await s.pilot.press("G")
        assert "end" in s.text()


# --- pane view ---------------------------------------------------------------------------------------------------


async def test_the_label_tells_the_real_size_and_the_visible_part(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(80, 24), focus=False) as s:
        s.widget.set_title("PANE live")
        assert s.text()[0].startswith("─ PANE live, no picture yet ─")
        s.widget.set_rows(lines_of(["a" * 120] * 40), size=(120, 40))
        assert s.text()[0].startswith("─ PANE live, 120x40, cols 1-80, FOLLOW   (l pans right) ─")
        await s.quiet()
        s.widget.screen.set_focus(s.widget)
        await s.pilot.press(*"lllll")
        assert s.text()[0].startswith("▌ PANE live, 120x40, cols 41-120, FOLLOW ─")
        await s.pilot.press("h")
        assert "cols 33-112" in s.text()[0]
        assert s.of(PaneView.ViewChanged)


async def test_only_changed_visible_rows_of_a_pane_are_redrawn(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(80, 24)) as s:
        rows = list(lines_of([f"row {n}" for n in range(40)]))
        s.widget.set_rows(rows, size=(80, 40))
        await s.quiet()
        s.widget.set_rows(rows, range(40))
        assert s.redrawn == []
        rows[0], rows[30] = line("out of sight"), line("in sight")
        s.widget.set_rows(rows, [0, 30])
        await s.settle()
        assert s.redrawn == [Region(0, 14, 80, 1)]
        assert s.text()[14] == "in sight"


async def test_scrolling_stops_following_and_f_follows_again(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(80, 11)) as s:
        s.widget.set_rows(lines_of([f"row {n}" for n in range(40)]), size=(80, 40))
        assert s.widget.live_view() == LiveView(30, 39, 80, 10)
        await s.pilot.press("k", "k")
        assert not s.widget.follow
        assert s.text()[1] == "row 28"
        assert "row 29" in s.text()[0]
        s.widget.set_rows(lines_of(["changed"] * 40))
        assert s.widget.live_view().first == 28
        await s.pilot.press("g")
        assert s.widget.live_view().first == 0
        await s.pilot.press("f")
        assert s.widget.follow
        assert s.widget.live_view().first == 30


async def test_frozen_cleared_and_gone(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(80, 11)) as s:
        s.widget.set_rows(lines_of(["hello"]), size=(80, 24))
        s.widget.frozen = True
        assert "FROZEN" in s.text()[0]
        assert {segment.style for segment in s.widget.strip(1)} == {s.widget.palette.style("stale")}
        s.widget.clear([line("the agent is not running", ("  o to attach", "hint"))])
        assert s.text()[1] == "the agent is not running  o to attach"
        s.widget.set_rows(lines_of(["again"]), size=(80, 24))
        assert s.text()[1] == "again"


async def test_without_a_pane_the_reason_stands_above_the_end_of_the_text(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(20, 8)) as s:
        s.widget.clear([line("it ended some time ago"), line("")], lines_of([f"event {n}" for n in range(9)]))
        assert s.text() == [
            "▌ PANE ─────────────",
            *("it ended some time", "ago", "", "event 5", "event 6", "event 7", "event 8"),
        ]
        s.widget.set_rows(lines_of(["alive"]), size=(80, 24))
        assert s.text()[1:3] == ["alive", ""]


async def test_a_pane_that_shrinks_forgets_the_rest(stage: Callable[..., Any]) -> None:
    async with stage(PaneView(), size=(80, 24)) as s:
        s.widget.set_rows(lines_of([f"row {n}" for n in range(40)]), size=(80, 40))
        s.widget.set_rows(lines_of(["small"] * 5), size=(60, 5))
        assert s.text()[1:7] == ["small"] * 5 + [""]
        s.widget.set_rows(lines_of(["x"] * 50), first=3)
        assert s.text()[1:7] == ["small"] * 3 + ["x"] * 2 + [""]


async def test_nasty_pane(stage: Callable[..., Any], nasty: str) -> None:
    async with stage(PaneView(), size=(80, 11)) as s:
        s.widget.set_title(nasty[:200])
        s.widget.set_rows([line(nasty)] * 24, size=(120, 24))
        await s.pilot.press("l", "k", "h", "g", "f")
        s.text()


# --- gauge and spark ---------------------------------------------------------------------------------------------


@given(numbers, numbers, st.integers(-2, 60))
def test_a_gauge_is_exactly_as_wide_as_asked(value: float, limit: float, width: int) -> None:
    bar = gauge(value, limit, width)
    assert cells(bar) == max(0, width)
    assert set(bar) <= {"█", "░"}
    assert bar == "".join(sorted(bar))
    assert 4 <= cells(percent(value, limit)) <= 5


def test_a_gauge_never_lies_at_its_ends() -> None:
    assert gauge(0, 10, 8) == "░" * 8
    assert gauge(0.001, 10, 8) == "█░░░░░░░"
    assert gauge(9.999, 10, 8) == "███████░"
    assert gauge(10, 10, 8) == gauge(99, 10, 8) == "█" * 8
    assert gauge(5, 0, 8) == "░" * 8
    assert gauge(5, 10, 4, ASCII_BOX) == "##.."
    assert [percent(v, 10) for v in (0, 3.7, 9.99, 10, 12, 1e9)] == ["  0%", " 37%", " 99%", "100%", "120%", ">999%"]
    assert percent(1, 0) == "  --"


@given(st.lists(numbers, max_size=40), numbers, st.integers(-1, 50), st.booleans())
def test_a_sparkline_is_exactly_as_wide_as_asked(values: list[float], top: float, width: int, ascii: bool) -> None:  # noqa: A002
    assert cells(spark(values, top, width, ascii=ascii)) == max(0, width)


def test_sparklines_share_a_scale() -> None:
    small, large = [1.0, 2.0], [1.0, 8.0]
    top = common_top([small, large, [math.nan, math.inf]])
    assert top == 8
    assert spark(small, top, 4) == "  ▂▃"
    assert spark(large, top, 2) == "▂█"
    assert spark([1, math.nan, 8], top, 3) == "▂ █"
    assert spark([], top, 3) == "   "
    assert spark([1, 2], 0, 2) == "▁▁"
    assert spark([0, 8], 8, 2, ascii=True) == "_@"
    assert common_top([]) == 0


def test_a_text_is_laid_out_for_the_width_that_it_is_drawn_at() -> None:
    """A screen may be drawn before its widgets are told of their size."""

    class Sized(TextPane):
        size = Size(2, 40)

    pane = Sized()
    pane.set_sections((Section("", lines_of(["QUARANTINED: it wrote outside"])),))
    Sized.size = Size(40, 40)
    assert pane.strip(0).text.rstrip() == "QUARANTINED: it wrote outside"


async def test_a_text_says_how_much_lies_below(stage: Any) -> None:
    text = TextPane([Section("", lines_of([f"row {at}" for at in range(9)]))], tells_more=True)
    async with stage(text, size=(20, 4), focus=False):
        assert [text.strip(y).text.strip() for y in range(4)] == ["row 0", "row 1", "row 2", "6 more lines below"]
        text.action_last()
        assert [text.strip(y).text.strip() for y in range(4)] == ["row 5", "row 6", "row 7", "row 8"]
