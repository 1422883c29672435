"""The board's moves, layouts and cursor."""

from __future__ import annotations

from textual.app import App, ComposeResult

from fleet_widgets.board_view import BoardCard, BoardColumn, BoardView, step
from fleet_widgets.lines import Span

LANES = (("a", "b", "c"), (), ("d",), ("e", "f"))


def test_moves_go_over_empty_lanes_and_stop_at_the_edges() -> None:
    assert step(LANES, "b", 0, 1) == "d"
    assert step(LANES, "c", 0, 2) == "f"
    assert step(LANES, "f", 0, 1) == "f"
    assert step(LANES, "a", -1, 0) == "a"
    assert step(LANES, "f", 0, -1) == "d"


def column(name: str, keys: str) -> BoardColumn:
    cards = tuple(BoardCard(key, ((Span(f"card {key}"),), (Span("more"),))) for key in keys)
    return BoardColumn(((Span(name),), (Span("oldest"),)), (Span(f"band {name}"),), cards)


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield BoardView()


def rows(view: BoardView) -> list[str]:
    return [view.strip(y).text.rstrip() for y in range(view.size.height)]


async def test_columns_where_they_fit_and_bands_where_not() -> None:
    app = Bare()
    async with app.run_test(size=(60, 12)) as pilot:
        view = app.query_one(BoardView)
        view.set_columns((column("one", "ab"), column("two", ""), column("three", "c")))
        view.focus()
        await pilot.pause()
        assert rows(view)[:3] == [
            f"{'one':<20}{'two':<20}three",
            f"{'oldest':<20}{'oldest':<20}oldest",
            f" {'card a':<39} card c",
        ]
        await pilot.press("j", "l")
        assert view.selected == "c"
        await pilot.resize_terminal(54, 12)
        await pilot.pause()
        assert rows(view)[:5] == ["band one", f" {'card a':<26} card b", "band two", "band three", ">card c"]
        await pilot.press("k", "l")
        assert view.selected == "b"
        assert all(view.strip(y).cell_length == 54 for y in range(12))


async def test_the_cursor_goes_with_its_card_and_stays_in_view() -> None:
    app = Bare()
    async with app.run_test(size=(60, 8)) as pilot:
        view = app.query_one(BoardView)
        view.set_columns((column("one", "abcdefgh"), column("two", ""), column("three", "z")))
        view.focus()
        view.select("h")
        await pilot.pause()
        assert ">card h" in rows(view)[-2]
        assert rows(view)[0].startswith("one")  # heads do not scroll away
        view.set_columns((column("one", "abc"), column("two", "h"), column("three", "z")))
        assert view.selected == "h"
        view.set_columns((column("one", "abc"), column("two", ""), column("three", "z")))
        assert view.selected is None


async def test_the_first_card_of_a_band_comes_into_view_with_the_name_of_its_band() -> None:
    app = Bare()
    async with app.run_test(size=(30, 4)) as pilot:
        view = app.query_one(BoardView)
        view.set_columns((column("one", "abcdefgh"), column("two", "z")))
        view.focus()
        view.select("z")
        await pilot.pause()
        view.select("a")
        await pilot.pause()
        assert rows(view)[0] == "band one"
