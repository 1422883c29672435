"""The wall: place is memory, the cursor belongs to a key, and nothing is redrawn that did not change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from fleet_widgets.lines import Line, Span, fill, join, line, lines_of, to_strip
from fleet_widgets.palette import GREY, palette
from fleet_widgets.pane_wall import LiveView, PaneWall, Tile
from fleet_widgets.wall_layout import layout
from fleet_widgets.wall_tiles import TileRow, changed_from


def tile(n: int, *, state: str = "RUN", live: bool = False, rows: tuple[str, ...] = ("ticket", "budget")) -> Tile:
    head = line(f"* {n:02} agent-{n} ", fill("─", "quiet"), f" {state} 5s")
    return Tile(f"k{n}", head, lines_of(rows), live, line(f"     * {n:02} agent-{n} {state}"))


def tiles(count: int, **options: Any) -> list[Tile | None]:
    return [tile(n, **options) for n in range(1, count + 1)]


@given(
    st.integers(1, 300), st.integers(1, 90), st.integers(0, 200), st.sampled_from(["auto", "micro", "small", "large"])
)
def test_every_layout_stays_inside_its_space(width: int, height: int, slots: int, density: Any) -> None:
    grid = layout(width, height, slots, density)
    assert grid.columns * grid.width <= width
    assert grid.rows * grid.height <= height
    assert grid.width > 0
    assert grid.height > 0
    assert sorted(grid.cell(p) for p in range(grid.capacity)) == sorted(
        (c, r) for c in range(grid.columns) for r in range(grid.rows)
    )
    assert all(grid.position(*grid.cell(p)) == p for p in range(grid.capacity))
    for position in range(grid.capacity):
        column, row = grid.cell(position)
        assert grid.at(column * grid.width, row * grid.height) == position


def test_no_rows_are_left_over_that_tiles_can_use() -> None:
    assert [layout(80, 16, slots, "auto").height for slots in (2, 6, 8, 10, 12, 16, 30)] == [16, 5, 4, 3, 2, 2, 1]
    assert layout(80, 24, 2, "small").height == 7, "a taller one would be a large tile"


@pytest.mark.parametrize(
    ("slots", "size", "density", "pages"),
    [
        (1, (120, 34), "large", 1),
        (4, (120, 34), "large", 1),
        (9, (120, 34), "large", 1),
        (30, (151, 56), "large", 1),
        (30, (120, 34), "small", 1),
        (30, (80, 18), "micro", 1),
        (50, (80, 18), "micro", 1),
        (60, (80, 18), "micro", 2),
        (8, (80, 18), "small", 1),
        (12, (80, 18), "small", 1),
        (12, (80, 16), "micro", 1),
    ],
)
async def test_the_largest_density_at_which_all_fit(
    stage: Callable[..., Any], slots: int, size: tuple[int, int], density: str, pages: int
) -> None:
    async with stage(PaneWall(), size=size) as s:
        s.widget.set_tiles(tiles(slots))
        await s.settle()
        assert (s.widget.shown_density, s.widget.pages) == (density, pages)
        assert any("agent-1 " in row for row in s.text())


async def test_small_tiles_stand_in_rows_and_micro_in_columns(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        await s.settle()
        assert s.text()[0].startswith(" * 01 agent-1 ───────── RUN 5s * 02 agent-2 ───")
        assert s.text()[1].split() == ["ticket"] * 4
        s.widget.density = "micro"
        await s.settle()
        assert " ".join(s.text()[0].split()) == "* 01 agent-1 RUN * 11 agent-11 RUN * 21 agent-21 RUN"
        # Where there is room, the first of the tile's own rows stands below.
        assert s.text()[1] == "".join(f"{' ' * 7}ticket".ljust(40) for _ in range(3)).rstrip()
        assert " ".join(s.text()[18].split()) == "* 10 agent-10 RUN * 20 agent-20 RUN * 30 agent-30 RUN"


async def test_holes_keep_the_place_of_the_others(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        slots = tiles(30)
        s.widget.set_tiles(slots)
        await s.settle()
        before = s.text()
        slots[1] = None
        s.widget.set_tiles(slots)
        await s.quiet()
        assert s.text()[0].find("03 agent-3") == before[0].find("03 agent-3")
        assert "agent-2 " not in s.text()[0]
        s.widget.select("k1")
        await s.pilot.press("l")
        assert s.widget.selected == "k3"


async def test_equal_input_redraws_nothing(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30, live=True))
        s.widget.set_live("k2", lines_of(["hello"]), size=(80, 24))
        await s.quiet()
        s.widget.set_tiles(tiles(30, live=True))
        s.widget.set_live("k2", lines_of(["hello"]), [0], size=(80, 24))
        await s.settle()
        assert s.redrawn == []
        assert s.of(PaneWall.VisibleChanged) == []


async def test_one_changed_row_redraws_one_row_of_one_tile(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        await s.quiet()
        slots = tiles(30)
        slots[5] = tile(6, state="ASK")
        s.widget.set_tiles(slots)
        await s.settle()
        assert s.redrawn == [Region(31, 4, 29, 1)]  # without the column of the sign
        assert " ASK 5s" in s.text()[4]


async def test_live_text_redraws_only_visible_rows_that_changed(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4, live=True, rows=("ticket",)))
        rows = [line(f"row {n}") for n in range(40)]
        s.widget.set_live("k2", rows, size=(120, 40))
        await s.quiet()
        view = s.widget.visible_live()["k2"]
        assert view == LiveView(first=25, last=39, width=59, height=15)
        rows[3] = line("out of sight")
        rows[30] = line("in sight", (" red", "p1"))
        rows[31] = line("and this")
        s.widget.set_live("k2", rows, [3, 30, 31])
        await s.settle()
        assert s.redrawn == [Region(61, 7, 59, 1), Region(61, 8, 59, 1)]
        assert s.text()[7][60:].strip() == "in sight red"


PARTS = st.builds(
    Span, st.text("ab 漢e\u0301\t", max_size=8), st.sampled_from(["normal", "quiet"]), st.booleans(), st.integers(0, 2)
)


@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4), st.booleans())
@example(old=[Span("a" * 19)], new=[Span("a")], longer=True)
@example(old=[Span("a" * 17 + "漢")], new=[Span("a")], longer=True)
@example(old=[Span("developer", gives=1), Span(" #2 ")], new=[Span("Keep accented letters", gives=2)], longer=True)
def test_what_is_sent_again_of_a_row_makes_the_new_row(old: list[Span], new: list[Span], longer: bool) -> None:
    before, after = TileRow(text=tuple(old)), TileRow(text=(*old, *new) if longer else tuple(new))
    first = changed_from(before, after, 20)
    assert 0 <= first < 20
    shown = [[("", None), *in_cells(to_strip(row.text, 19, GREY))] for row in (before, after)]
    assert [*shown[0][:first], *shown[1][first:]] == shown[1]


def in_cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """A character and its style per cell; the second half of a wide one is empty."""
    found: list[tuple[str, Style | None]] = []
    for segment in strip:
        for character in segment.text:
            size = cell_len(character)
            if size:
                found += [(character, segment.style), *[("", segment.style)] * (size - 1)]
            elif found:
                found[-1] = (found[-1][0] + character, found[-1][1])
    return found


async def test_parts_of_a_row_are_those_of_the_whole_row(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(130, 34)) as s:
        s.widget.set_tiles(tiles(7, live=True, rows=("ticket",)))
        s.widget.select("k2")
        s.widget.set_live("k2", lines_of(["row 漢字 one", "two"]), size=(120, 40))
        for y in range(34):
            for x, width in ((0, 130), (0, 43), (44, 12), (40, 50), (86, 43), (120, 10), (129, 1)):
                part = Region(x, y, width, 1)
                (strips,) = s.widget.render_parts([part])
                assert in_cells(join(strips, width)) == in_cells(s.widget.render_lines(part)[0])


async def test_a_view_follows_the_text_not_the_blank_rows_below_it(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4, live=True, rows=()))
        assert s.widget.visible_live()["k1"].first == 0
        s.widget.set_live("k1", lines_of([f"row {n}" for n in range(30)] + [""] * 10), size=(120, 40))
        await s.settle()
        assert s.text()[16].startswith(" row 29")
        assert s.widget.visible_live()["k1"] == LiveView(first=14, last=39, width=59, height=16)


async def test_another_part_of_the_pane_is_asked_for_when_it_was_cleared(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4, live=True, rows=()))
        s.widget.set_live("k1", lines_of([f"row {n}" for n in range(40)]), size=(120, 40))
        asked = s.widget.visible_live()["k1"]
        await s.quiet()
        s.widget.set_live("k1", [()] * (40 - asked.first), first=asked.first)
        await s.settle()
        assert s.of(PaneWall.VisibleChanged)
        assert s.widget.visible_live()["k1"].first < asked.first


async def test_more_rows_are_asked_for_when_a_tile_gives_them_room(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4, live=True, rows=("ticket", "budget")))
        s.widget.set_live("k1", lines_of([f"row {n}" for n in range(40)]), size=(120, 40))
        first = s.widget.visible_live()["k1"].first
        await s.quiet()
        s.widget.set_tiles(tiles(4, live=True, rows=()))
        await s.settle()
        assert s.of(PaneWall.VisibleChanged)
        assert s.widget.visible_live()["k1"].first == first - 2


async def test_only_the_live_tiles_of_the_page_are_asked_for(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(60, 8)) as s:
        s.widget.density = "small"
        slots = tiles(10, live=True, rows=("ticket",))
        slots[1] = tile(2, live=False)
        s.widget.set_tiles(slots)
        await s.quiet()
        assert s.widget.pages == 3
        assert list(s.widget.visible_live()) == ["k1", "k3", "k4"]
        await s.pilot.press("pagedown")
        assert list(s.widget.visible_live()) == ["k5", "k6", "k7", "k8"]
        assert s.widget.selected == "k5"
        assert s.of(PaneWall.VisibleChanged)
        s.widget.density = "micro"
        await s.settle()
        assert s.widget.visible_live() == {}


async def test_the_cursor_belongs_to_the_key(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(12))
        s.widget.select("k3")
        await s.quiet()
        reordered = tiles(12)
        reordered[2], reordered[7] = reordered[7], reordered[2]
        s.widget.set_tiles(reordered)
        assert s.widget.selected == "k3"
        await s.settle()
        assert s.of(PaneWall.Selected) == []
        reordered[7] = None
        s.widget.set_tiles(reordered)
        await s.settle()
        assert s.widget.selected is None
        assert [m.key for m in s.of(PaneWall.Selected)] == [None]
        await s.pilot.press("enter")
        assert s.of(PaneWall.Opened) == []


async def test_keys_move_open_and_mark(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        await s.pilot.press("j")
        assert s.widget.selected == "k1"
        await s.pilot.press("j", "l", "down", "right", "h", "k", "enter")
        assert s.widget.selected == "k6"
        await s.pilot.press("G")
        s.widget.toggle_mark(s.widget.selected)
        await s.pilot.press("g", "plus", "minus")
        s.widget.toggle_mark(s.widget.selected)
        s.widget.toggle_mark(s.widget.selected)
        await s.settle()
        assert s.widget.marked == {"k30"}
        assert [m.key for m in s.of(PaneWall.Opened)] == ["k6"]
        assert s.widget.selected == "k1"
        assert all(message.control is s.widget for message in s.of(PaneWall.Selected))


async def test_moving_the_cursor_redraws_two_heads(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        s.widget.select("k1")
        await s.quiet()
        await s.pilot.press("l")
        assert s.redrawn == [Region(0, 0, 30, 1), Region(30, 0, 30, 1)]
        assert s.text()[0][30] == "▌"


async def test_the_cursor_goes_on_to_the_next_page_and_back(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(60, 8)) as s:
        s.widget.density = "small"
        s.widget.set_tiles(tiles(7))
        s.widget.select("k4")
        await s.pilot.press("j")
        assert (s.widget.selected, s.widget.page) == ("k5", 1)
        await s.pilot.press("k")
        assert (s.widget.selected, s.widget.page) == ("k4", 0)
        s.widget.select("k7")
        assert s.widget.page == 1


async def test_vanished_keys_lose_their_marks(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(3))
        s.widget.mark(["k1", "k3", "unknown"])
        assert s.widget.marked == {"k1", "k3"}
        s.widget.set_tiles(tiles(2))
        await s.settle()
        assert s.widget.marked == {"k1"}
        s.widget.mark_all()
        assert s.widget.marked == {"k1", "k2"}
        s.widget.mark_all()
        assert s.widget.marked == frozenset()


async def test_a_range_follows_the_cursor_in_the_order_of_the_slots(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(6))
        s.widget.mark(["k6"])
        s.widget.select("k3")
        s.widget.begin_range("k3")
        assert (s.widget.marked, s.widget.draws_range) == ({"k3", "k6"}, True)
        s.widget.select("k5")
        assert s.widget.marked == {"k3", "k4", "k5", "k6"}
        s.widget.select("k2")
        assert s.widget.marked == {"k2", "k3", "k6"}
        s.widget.set_tiles(list(reversed(tiles(6))))  # nothing is marked by what moves by itself
        assert s.widget.marked == {"k2", "k3", "k6"}
        s.widget.end_range(keep=False)
        assert (s.widget.marked, s.widget.draws_range) == ({"k6"}, False)
        s.widget.begin_range("k2")
        s.widget.select("k1")
        s.widget.end_range(keep=True)
        s.widget.select("k5")
        assert s.widget.marked == {"k1", "k2", "k6"}
        s.widget.begin_range("k5")
        s.widget.set_tiles(tiles(2), hidden=["k5", "k6"])
        assert not s.widget.draws_range
        s.widget.select("k2")
        assert s.widget.marked == {"k1", "k2", "k5", "k6"}


async def test_marks_that_are_set_end_a_range(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4))
        s.widget.select("k1")
        s.widget.begin_range("k1")
        s.widget.mark([])
        s.widget.select("k4")
        assert s.widget.marked == frozenset()


async def test_hidden_keys_keep_their_marks_until_they_are_gone(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(4))
        s.widget.mark(["k1", "k3"])
        s.widget.set_tiles(tiles(2), hidden=["k3", "k4"])
        await s.settle()
        assert s.widget.marked == {"k1", "k3"}
        s.widget.mark_all()
        assert s.widget.marked == {"k1", "k2", "k3"}
        s.widget.mark_all()
        assert s.widget.marked == {"k3"}
        s.widget.set_tiles(tiles(2), hidden=["k4"])
        await s.settle()
        assert s.widget.marked == frozenset()
        assert s.of(PaneWall.MarksChanged)[-1].marked == frozenset()


async def test_a_mark_is_a_sign_of_its_own_beside_the_cursor(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        s.widget.select("k1")
        s.widget.mark(["k1", "k2"])
        await s.settle()
        assert [s.text()[0][at] for at in (0, 30, 60)] == ["╋", "+", " "]


async def test_a_click_selects_and_a_second_opens(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30))
        await s.settle()
        await s.pilot.click(PaneWall, offset=(35, 5))
        assert s.widget.selected == "k6"
        await s.pilot.click(PaneWall, offset=(35, 5))
        assert [m.key for m in s.of(PaneWall.Opened)] == ["k6"]


async def test_old_data_is_dimmed_and_the_palette_can_change(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles([Tile("k", line(("[1!]", "p1"), " x"))])
        await s.settle()
        s.widget.dimmed = True
        stale = s.widget.palette.style("stale")
        assert {segment.style for segment in s.widget.strip(0)} == {stale}
        s.widget.dimmed = False
        s.widget.palette = palette("mono", ascii=True)
        s.widget.select("k")
        assert s.text()[0].startswith(">[1!] x")
        assert next(iter(s.widget.strip(0))).style == palette("mono").style("focus")


async def test_a_key_may_stand_in_one_slot_only(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall()) as s:
        with pytest.raises(ValueError, match="two slots"):
            s.widget.set_tiles([tile(1), tile(1)])


async def test_a_dropped_pane_leaves_no_text(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(80, 24)) as s:
        s.widget.set_tiles(tiles(1, live=True))
        s.widget.set_live("k1", lines_of(["secret"]), size=(80, 24))
        s.widget.set_live("unknown", lines_of(["nobody"]), size=(80, 24))
        assert any("secret" in row for row in s.text())
        s.widget.drop_live("k1")
        assert not any("secret" in row for row in s.text())


async def test_nasty_text_stays_in_its_tile(stage: Callable[..., Any], nasty: str) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        bad: Line = line(nasty, (nasty, "p1"))
        s.widget.set_tiles([Tile("bad", bad, (bad,), live=True, cell=bad), tile(2), tile(3), tile(4)])
        s.widget.set_live("bad", [bad] * 40, size=(120, 40))
        await s.settle()
        for density in ("large", "small", "micro"):
            s.widget.density = density
            await s.settle()
            assert any("02 agent-2" in row for row in s.text())
        assert s.widget.app.is_running


async def test_resize_storm_keeps_cursor_and_widths(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(120, 34)) as s:
        s.widget.set_tiles(tiles(30, live=True))
        s.widget.select("k17")
        for size in ((80, 24), (30, 5), (1, 1), (200, 60), (60, 16), (10, 3), (120, 34)):
            await s.pilot.resize_terminal(*size)
            s.text()
            assert s.widget.selected == "k17"
            assert s.widget.page * s.widget._grid.capacity <= 16 < (s.widget.page + 1) * s.widget._grid.capacity


async def test_focus_elsewhere_makes_the_cursor_quiet(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(80, 24)) as s:
        s.widget.set_tiles(tiles(1))
        s.widget.select("k1")
        assert next(iter(s.widget.strip(0))).style == s.widget.palette.style("focus")
        s.widget.screen.set_focus(None)
        await s.settle()
        assert next(iter(s.widget.strip(0))).style == s.widget.palette.style("quiet")


async def test_where_there_is_no_pane_the_end_of_the_text_stands(stage: Callable[..., Any]) -> None:
    async with stage(PaneWall(), size=(80, 10)) as s:
        rested = replace(tile(1), text=lines_of([f"event {n}" for n in range(20)]))
        s.widget.set_tiles([rested, replace(tile(2), text=lines_of(["one event"]))])
        s.widget.density = "large"
        await s.settle()
        left = [row[:40].strip() for row in s.text()]
        right = [row[40:].strip() for row in s.text()]
        assert left[1:] == ["ticket", "budget", *(f"event {n}" for n in range(13, 20))]
        assert right[1:5] == ["ticket", "budget", "one event", ""]
        s.widget.set_tiles([replace(rested, live=True), None])
        s.widget.set_live("k1", lines_of(["of the pane"]), size=(80, 24))
        assert [row[:40].strip() for row in s.text()][1:5] == ["ticket", "budget", "of the pane", ""]
        s.widget.set_tiles([rested, None])
        assert "event 19" in s.text()[9]
        s.widget.density = "small"
        await s.settle()
        assert [row[:40].strip() for row in s.text()][1:4] == ["ticket", "budget", "event 16"]
        s.widget.density = "micro"
        await s.settle()
        assert not any("event" in row for row in s.text())
