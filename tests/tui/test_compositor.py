"""What is drawn again is exactly what was asked for, and what stands there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fleet_tui.tui.app import RoomApp
from fleet_tui.tui.compositor import ExactUpdate, RoomCompositor
from fleet_widgets.base import LineWidget


def cells(strips: Sequence[Strip]) -> Iterator[tuple[str, Style | None]]:
    for strip in strips:
        for segment in strip:
            yield from ((character, segment.style) for character in segment.text)


def check(room: RoomApp, dice: random.Random) -> None:
    """Ten random sets of regions against the whole screen as Textual draws it."""
    compositor = room.screen._compositor
    assert isinstance(compositor, RoomCompositor)
    width, height = compositor.size
    whole = [list(cells([strip])) for strip in compositor.render_strips()]
    for _ in range(10):
        regions = [
            Region(dice.randrange(width), dice.randrange(height), dice.randrange(1, width), dice.randrange(1, 4))
            for _ in range(dice.randrange(1, 6))
        ]
        compositor._dirty_regions.update(regions)
        update = compositor.render_partial_update()
        assert isinstance(update, ExactUpdate)
        drawn: set[tuple[int, int]] = set()
        for x, y, strips in update.pieces:
            found = list(cells(strips))
            assert found == whole[y][x : x + len(found)]
            drawn |= {(x + at, y) for at in range(len(found))}
        assert drawn == {
            (x, y)
            for region in regions
            for x in range(region.x, min(region.right, width))
            for y in range(region.y, min(region.bottom, height))
        }


def lines_of(room: RoomApp) -> dict[Widget, tuple[Region, Region]]:
    shown = room.screen._compositor.visible_widgets
    return {widget: where for widget, where in shown.items() if isinstance(widget, LineWidget)}


async def test_parts_of_every_screen_are_those_of_the_whole(fleet: Any, until: Callable[..., Any]) -> None:
    dice = random.Random(1)
    for size in ((80, 24), (200, 60), (60, 16)):
        room = fleet.room()
        async with room.run_test(size=size) as pilot:
            await until(lambda room=room: room.picture.snapshot is not None)
            for keys in ("", "2", "A", "escape", "5", "1", "enter", "question_mark"):
                if keys:
                    await pilot.press(keys)
                await pilot.pause()
                # Where a widget has not heard of its new size yet, what it draws is drawn again soon.
                await until(lambda room=room: all(w.size == at.size for w, (at, _) in lines_of(room).items()))
                check(room, dice)


async def test_a_layer_on_top_is_what_is_drawn(fleet: Any, until: Callable[..., Any]) -> None:
    room = fleet.room()
    async with room.run_test(size=(80, 24)) as pilot:
        await until(lambda: room.picture.snapshot is not None)
        await pilot.press("2")
        await pilot.press("A")
        await until(lambda: room.screen.strip.request is not None)
        await pilot.pause()
        compositor, strip = room.screen._compositor, room.screen.strip
        compositor._dirty_regions.add(strip.region)
        update = compositor.render_partial_update()
        rows = {y: "".join(character for character, _ in cells(strips)) for _, y, strips in update.pieces}
        assert [rows[y].rstrip() for y in range(strip.region.y, strip.region.bottom)] == [
            strip.strip(y).text.rstrip() for y in range(strip.region.height)
        ]
