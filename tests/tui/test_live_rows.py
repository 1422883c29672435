"""Captured rows as lines: parsed once, and not kept for ever."""

from __future__ import annotations

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
