"""The feed: a million rows without loading them, follow at the bottom, pause when the person moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from textual.geometry import Region

from fleet_widgets.event_feed import EventFeed, FeedRow
from fleet_widgets.feed_buffer import FeedBuffer
from fleet_widgets.lines import line


class Log:
    """Ids 10, 20, 30, ... as rows; counts what was asked for."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked = 0
        self.largest = 0

    def count(self) -> int:
        return self.rows

    def page(self, *, before: int | None = None, after: int | None = None, limit: int) -> Sequence[FeedRow]:
        if after is not None:
            first = max(0, after) // 10 + 1
            numbers = range(first, min(self.rows, first + limit - 1) + 1)
        else:
            last = self.rows if before is None else min(self.rows, (before - 1) // 10)
            numbers = range(max(1, last - limit + 1), last + 1)
        self.asked += len(numbers)
        self.largest = max(self.largest, limit)
        return [FeedRow(n * 10, line(f"row {n}")) for n in numbers]


class Moves(RuleBasedStateMachine):
    """The buffer against the plain list: whatever is done, the view is a stretch of the log, in order, without gaps."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log(1_000)
        self.buffer = FeedBuffer(self.log, 12)

    @rule(by=st.integers(-400, 400))
    def scroll(self, by: int) -> None:
        top = self.buffer.view[0].id // 10
        self.buffer.scroll(by)
        expected = min(max(1, top + by), max(1, self.log.rows - self.buffer.height + 1))
        assert self.buffer.view[0].id // 10 == expected

    @rule(height=st.integers(1, 60))
    def resize(self, height: int) -> None:
        self.buffer.height = height

    @rule(row=st.integers(-5, 12_000))
    def jump(self, row: int) -> None:
        found = self.buffer.load_around(row)
        assert found is not None
        assert self.buffer.position(found) is not None
        assert abs(found - min(max(row, 10), self.log.rows * 10)) < 10

    @rule(more=st.integers(0, 300))
    def grow(self, more: int) -> None:
        self.log.rows += more

    @rule()
    def end(self) -> None:
        self.buffer.load_end()
        assert self.buffer.view[-1].id // 10 == self.log.rows

    @rule()
    def start(self) -> None:
        self.buffer.load_start()
        assert self.buffer.view[0].id == 10

    @invariant()
    def the_view_is_a_stretch_of_the_log(self) -> None:
        numbers = [row.id // 10 for row in self.buffer.view]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) == min(self.buffer.height, self.log.rows)
        assert len(self.buffer.rows) <= 8 * max(100, 2 * self.buffer.height)


Moves.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestMoves = Moves.TestCase


async def test_a_million_rows_are_not_loaded(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 24)) as s:
        log = Log(1_000_000)
        s.widget.set_source(log)
        await s.settle()
        assert s.text()[-1] == " row 1000000"
        await s.pilot.press("g", *["pagedown"] * 10, "G", *["pageup"] * 10)
        s.widget.go_to(5_000_000)
        await s.settle()
        assert s.text()[12] == ">row 500000"
        assert log.asked < 5_000
        assert len(s.widget._buffer.rows) < 1_000


async def test_it_follows_until_the_person_moves(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 24)) as s:
        log = Log(100)
        s.widget.set_source(log)
        log.rows += 3
        s.widget.arrived()
        assert s.text()[-1] == " row 103"
        await s.pilot.press("k")
        assert (s.widget.follow, s.widget.cursor) == (False, 1030)
        await s.pilot.press("k", "k")
        await s.quiet()
        log.rows += 14
        s.widget.arrived()
        await s.settle()
        assert s.redrawn == []
        assert s.widget.new_below == 14
        assert s.text()[-1] == " row 103"
        assert [(m.follow, m.new_below) for m in s.of(EventFeed.FollowChanged)] == [(False, 14)]
        await s.pilot.press("f")
        await s.settle()
        assert (s.widget.follow, s.widget.new_below, s.widget.cursor) == (True, 0, None)
        assert s.text()[-1] == " row 117"


async def test_new_rows_can_be_reached_by_moving_down(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        log = Log(100)
        s.widget.set_source(log)
        await s.pilot.press("k")
        log.rows += 3
        s.widget.arrived()
        await s.pilot.press("k", "j")
        assert s.widget.new_below == 3
        await s.pilot.press("j", "j", "j")
        assert s.text()[-1] == ">row 103"
        assert (s.widget.new_below, s.widget.follow) == (0, False)


async def test_a_burst_larger_than_a_page_is_followed_to_its_end(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 24)) as s:
        log = Log(10)
        s.widget.set_source(log)
        assert s.text()[9] == " row 10"
        log.rows = 50_000
        s.widget.arrived()
        assert s.text()[-1] == " row 50000"
        assert log.asked < 1_000


async def test_the_cursor_stays_on_its_row_and_scrolls_the_view(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        s.widget.set_source(Log(100))
        await s.pilot.press("k", *["k"] * 20)
        assert s.widget.cursor == 800
        assert s.text()[0] == ">row 80"
        await s.pilot.press("pagedown")
        assert s.widget.cursor == 890
        await s.pilot.press("pageup", "pageup")
        assert s.widget.cursor == 710
        await s.pilot.press("g")
        assert s.text()[0] == ">row 1"
        await s.pilot.press("k", "enter")
        await s.settle()
        assert [m.id for m in s.of(EventFeed.Opened)] == [10]
        assert s.of(EventFeed.Highlighted)[-1].id == 10


async def test_moving_the_cursor_redraws_two_rows(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        s.widget.set_source(Log(100))
        await s.pilot.press("k", "k")
        await s.quiet()
        await s.pilot.press("k")
        assert s.redrawn == [Region(0, 7, 80, 2)]


async def test_the_same_rows_again_redraw_nothing(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        log = Log(4)
        s.widget.set_source(log)
        await s.quiet()
        s.widget.arrived()
        await s.settle()
        assert s.redrawn == []
        log.rows += 1
        s.widget.arrived()
        await s.settle()
        assert s.redrawn == [Region(0, 4, 80, 1)]


async def test_an_empty_source_and_one_that_fills(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        log = Log(0)
        s.widget.set_source(log)
        await s.pilot.press("j", "k", "g", "G", "f", "enter", "pageup")
        assert s.widget.cursor is None
        assert s.text() == [""] * 10
        log.rows = 2
        await s.pilot.press("G")
        s.widget.arrived()
        assert s.text()[:2] == [" row 1", " row 2"]


async def test_another_source_keeps_the_row_that_was_looked_at(stage: Callable[..., Any]) -> None:
    async with stage(EventFeed(), size=(80, 10)) as s:
        s.widget.set_source(Log(100), cursor=505)
        await s.settle()
        assert s.widget.cursor == 510
        assert not s.widget.follow
        await s.pilot.resize_terminal(80, 4)
        assert ">row 51" in s.text()
        await s.pilot.click(EventFeed, offset=(3, 0))
        assert s.text()[0].startswith(">")


async def test_nasty_rows(stage: Callable[..., Any], nasty: str) -> None:
    class One(Log):
        def page(self, **where: Any) -> Sequence[FeedRow]:
            return [FeedRow(row.id, line(nasty)) for row in super().page(**where)]

    async with stage(EventFeed(), size=(80, 10)) as s:
        s.widget.set_source(One(30))
        await s.pilot.press("k", "pageup")
        assert len(s.text()) == 10
