"""The same keys, pages and wheel in every widget, a cursor that belongs to its key, and finding words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from fleet_widgets.board_view import BoardCard, BoardColumn, BoardView
from fleet_widgets.diff_view import DiffFile, DiffHunk, DiffLine, DiffView
from fleet_widgets.event_feed import EventFeed, FeedRow
from fleet_widgets.lines import Line, line
from fleet_widgets.list_view import Item, LineList
from fleet_widgets.moving import Moving
from fleet_widgets.pane_view import PaneView
from fleet_widgets.places import clamped, moved, revealed
from fleet_widgets.text_pane import Section, TextPane

ROWS = 30
WORDS = [f"row {number:02}" for number in range(ROWS)]
LINES: tuple[Line, ...] = tuple(line(words) for words in WORDS)

sizes = st.integers(0, 50)
tops = st.integers(-60, 60)


@given(tops, sizes, sizes)
def test_a_view_never_leaves_what_there_is(top: int, rows: int, height: int) -> None:
    at = clamped(top, rows, height)
    assert at == 0 or 0 <= at <= rows - height
    assert clamped(at, rows, height) == at
    if 0 <= top <= rows - height:
        assert at == top


@given(sizes, sizes, st.integers(1, 8), st.integers(1, 20))
def test_scrolling_into_view_is_as_short_as_can_be(top: int, first: int, tall: int, height: int) -> None:
    last = first + tall - 1
    at = revealed(top, first, last, height)
    assert at <= first
    if tall <= height:
        assert last < at + height
        ways = [way for way in range(100) if way <= first and last < way + height]
        assert abs(at - top) == min(abs(way - top) for way in ways)
    else:
        assert at == first, "of what is too tall, the start"


def test_a_cursor_stops_at_both_ends_and_begins_at_the_first() -> None:
    keys = ["a", "b", "c"]
    assert [moved(keys, at, 1) for at in (None, "gone", "a", "c")] == ["a", "a", "b", "c"]
    assert [moved(keys, "b", by) for by in (-9, -1, 0, 9)] == ["a", "a", "b", "c"]
    assert moved([], "a", 1) is None


# --- every widget --------------------------------------------------------------------------------------------------


class Log:
    def count(self) -> int:
        return ROWS

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> list[FeedRow]:
        rows = [FeedRow(number, value) for number, value in enumerate(LINES)]
        if after is not None:
            return [row for row in rows if row.id > after][:limit]
        return [row for row in rows if before is None or row.id < before][-limit:]


def board() -> BoardView:
    view = BoardView()
    cards = tuple(BoardCard(words, (line(words),)) for words in WORDS)
    view.set_columns([BoardColumn((line("todo"),), line("todo"), cards)])
    return view


def listed() -> LineList:
    view = LineList()
    view.set_items([Item(words, (line(words),)) for words in WORDS])
    return view


def feed() -> EventFeed:
    view = EventFeed()
    view.set_source(Log())
    return view


def diff(*files: DiffFile) -> DiffView:
    view = DiffView()
    lines = tuple(DiffLine("+", None, number, words) for number, words in enumerate(WORDS))
    view.set_files(files or [DiffFile("a.py", "added", (DiffHunk("@@", lines),))])
    return view


def pane() -> PaneView:
    view = PaneView()
    view.set_rows(LINES, size=(40, ROWS))
    return view


def text() -> TextPane:
    return TextPane([Section("", LINES)])


MAKERS = [board, listed, feed, diff, pane, text]


def where(s: Any) -> str:
    """What the cursor is on; without one what stands in the middle of the view."""
    rows = s.text()
    chosen = [row for row in rows if row.startswith(s.widget.palette.box.pointer)]
    return str((chosen or rows[5:])[0][-6:])


@pytest.mark.parametrize("make", MAKERS)
async def test_the_keys_move_alike_in_every_widget(stage: Callable[..., Any], make: Callable[[], Moving]) -> None:
    widget = make()
    async with stage(widget, size=(40, 10)) as s:

        async def after(*keys: str) -> str:
            await s.pilot.press(*keys)
            await s.settle()
            return where(s)

        start = await after("home")
        assert "row 00" in "".join(s.text())
        assert await after("j", "down") > start
        assert await after("k", "up") == start
        page = await after("pagedown")
        assert page > await after("pageup") == start
        assert await after("G") == await after("end")
        assert "row 29" in "".join(s.text())
        assert await after("end", "k", "g") == start


@pytest.mark.parametrize("make", MAKERS)
async def test_the_wheel_moves_down_and_up_again(stage: Callable[..., Any], make: Callable[[], Moving]) -> None:
    widget = make()
    async with stage(widget, size=(40, 10)) as s:
        await s.pilot.press("home", "pagedown")
        await s.settle()
        before = where(s)
        for wheel in (events.MouseScrollDown, events.MouseScrollUp):
            widget.post_message(wheel(widget, 1, 1, 0, 1, 0, False, False, False))
            await s.settle()
            assert (where(s) == before) is (wheel is events.MouseScrollUp)


@pytest.mark.parametrize("make", MAKERS)
def test_the_keys_can_be_changed_by_their_ids(make: Callable[[], Moving]) -> None:
    ids = [str(binding.id).split(".") for binding in make()._bindings.key_to_bindings["j"]]
    assert [name for _, name in ids] == ["down"]
    (widget, _) = ids[0]
    found = {str(b.id) for bindings in make()._bindings.key_to_bindings.values() for b in bindings}
    assert {f"{widget}.{name}" for name in ("down", "up", "page_down", "page_up", "first", "last")} <= found


# --- finding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [listed, diff, pane, text])
async def test_words_are_found_one_after_the_other_in_both_directions(
    stage: Callable[..., Any], make: Callable[[], Any]
) -> None:
    widget = make()
    async with stage(widget, size=(40, 5)) as s:
        await s.pilot.press("home")

        async def found(words: str, step: int = 1) -> str:
            assert widget.find(words, step)
            await s.settle()
            rows = s.text()[s.text()[0].startswith("▌") :]
            return str(next(row for row in rows if words.casefold() in row.casefold())[-6:])

        assert await found("ROW 1") == "row 10"
        assert await found("row 25") == "row 25"
        assert await found("row 13", -1) == "row 13"
        assert await found("row 25", -1) == "row 25", "round the start"
        assert await found("row 13") == "row 13", "and round the end"
        before = s.text()
        assert not widget.find("nowhere")
        assert not widget.find("")
        assert s.text() == before


async def test_a_list_finds_only_what_can_be_selected(stage: Callable[..., Any]) -> None:
    widget = LineList()
    async with stage(widget, size=(40, 5)):
        widget.set_items(
            [
                Item("h", (line("same heading"),), selectable=False),
                Item("a", (line("first"), line("same below"))),
                Item("b", (line("other"),)),
                Item("c", (line("same"),)),
            ]
        )
        assert widget.find("same")
        assert widget.selected == "a"
        assert widget.find("same")
        assert widget.selected == "c"
        assert widget.find("same", -1)
        assert widget.selected == "a"
        assert not widget.find("heading")
        assert widget.selected == "a"


async def test_a_diff_is_searched_over_its_files(stage: Callable[..., Any]) -> None:
    def file(path: str, *lines: str) -> DiffFile:
        return DiffFile(path, "added", (DiffHunk("@@", tuple(DiffLine("+", None, 1, one) for one in lines)),))

    widget = diff(file("a.py", "needle one", *WORDS), file("b.py", *WORDS), file("c.py", *WORDS, "needle two"))
    async with stage(widget, size=(40, 5)) as s:
        for step, path, words in ((1, "a.py", "one"), (1, "c.py", "two"), (1, "a.py", "one"), (-1, "c.py", "two")):
            assert widget.find("NEEDLE", step)
            await s.settle()
            assert (widget.path, words in s.text()[0]) == (path, True)
        assert widget.find("b.py"), "titles are searched too"
        assert widget.path == "b.py"
        assert not DiffView().find("anything")


async def test_a_pane_stops_following_at_what_was_found(stage: Callable[..., Any]) -> None:
    widget = pane()
    async with stage(widget, size=(40, 6)) as s:
        assert widget.follow
        assert widget.find("row 03", -1)
        await s.settle()
        assert not widget.follow
        assert "row 03" in "".join(s.text())
        widget.clear([line("row 03 is in the reason, not in a pane")])
        assert not widget.find("row 03")


async def test_what_a_text_pane_found_is_marked_until_it_goes(stage: Callable[..., Any]) -> None:
    widget = text()

    def marked() -> list[str]:
        cursor = widget.palette.style("cursor").bgcolor
        strips = [widget.strip(y) for y in range(6)]
        return [
            strip.text.rstrip()
            for strip in strips
            if all(part.style and part.style.bgcolor == cursor for part in strip)
        ]

    async with stage(widget, size=(40, 6)) as s:
        assert marked() == []
        assert widget.find("row 09")
        await s.settle()
        assert marked() == ["row 09"]
        assert s.text()[1] == "row 09", "below the row that says where the keys go"
        widget.set_sections([Section("", (line("new"), *LINES))])
        assert marked() == []
