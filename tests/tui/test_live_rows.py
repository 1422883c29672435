"""Captured rows as lines: parsed once, and not kept for ever."""

from __future__ import annotations

import gc
from typing import Any

from textual.strip import Strip

from fleet_tui.tui import live
from fleet_widgets import lines
from fleet_widgets.palette import GREY

UNLIKE = 6_000
"""Rows that never come again, as a counter in a status line makes them: minutes of a large wall."""


def test_a_row_that_was_there_before_is_the_same_line() -> None:
    (bold,), ((plain, again),) = live.lines_of_rows((b"\x1b[1mhello",)), (live.lines_of_rows((b"hello", b"hello")),)
    assert plain is again
    assert plain != bold
    assert live.lines_of_rows((b"\x1b[1mhello", b"hello"))[1] == bold  # the style goes on


def test_rows_that_never_come_again_are_forgotten() -> None:
    for number in range(UNLIKE):
        (line,) = live.lines_of_rows((b"counted %d" % number,))
        lines.to_strip(line, 40, GREY)
    assert live._line_of_row.cache_info().currsize < UNLIKE
    assert len(lines._CACHE) < UNLIKE


async def test_a_screen_that_was_left_leaves_nothing_behind(fleet: Any, until: Any) -> None:
    room = fleet.room()
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: room.picture.snapshot is not None)

        async def drawn() -> int:
            """Rows that are kept, after the agent's screen was opened, looked at and left, and the help."""
            for key in ("g", "enter", "escape", "question_mark", "escape"):
                await pilot.press(key)
                await pilot.pause()
            await until(lambda: len(room.screen_stack) == 1)
            await pilot.pause()
            gc.collect()
            return sum(isinstance(one, Strip) for one in gc.get_objects())

        await drawn()
        before = await drawn()
        for _ in range(4):
            after = await drawn()
        assert after < before + 100  # a screen has forty rows, and eight were opened
