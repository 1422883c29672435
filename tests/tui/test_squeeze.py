"""Fewer bytes for the terminal, and the same cells."""

from __future__ import annotations

import subprocess
import sys

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from fleet_tui.tui.squeeze import squeezed
from fleet_tui.tui.terminal import Way, room_driver

WIDTH, HEIGHT = 120, 4
STYLES = ["1", "2", "3", "4", "7", "9", "31", "97", "44", "103", "38;5;9", "48;5;200", "38;2;1;2;3", "48;2;9;8;7"]
CODES = st.lists(st.sampled_from(STYLES), min_size=1, max_size=4, unique=True)
TEXTS = st.one_of(
    st.text("ab 漢é", max_size=12),
    st.integers(0, 30).map(lambda size: " " * size),
    st.integers(9, 20).map(lambda size: "x" + " " * size + "y"),
)
PIECES = st.tuples(CODES, TEXTS).map(lambda both: f"\x1b[{';'.join(both[0])}m{both[1]}\x1b[0m")
MOVES = st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH)).map(lambda at: f"\x1b[{at[0]};{at[1]}H")
OTHER = st.sampled_from(["plain", "\x1b]8;;http://x\x1b\\", "\x1b[?25l", "\x1b[2K"])
GROUND = (
    "\x1b[48;2;30;33;36m" + "".join(f"\x1b[{row};1H{'.' * WIDTH}" for row in range(1, HEIGHT + 1)) + "\x1b[0m\x1b[H"
)


def cells(text: str) -> list[tuple[object, ...]]:
    """What is seen: of a blank only its ground and what is drawn on it."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    pyte.Stream(screen).feed(GROUND + text)
    found: list[tuple[object, ...]] = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            cell = screen.buffer[y][x]
            if cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough):
                found.append((" ", cell.bg))
            else:
                found.append(tuple(cell))
    return [*found, (screen.cursor.x, screen.cursor.y)]


@given(st.lists(st.one_of(PIECES, MOVES, OTHER), max_size=12), st.booleans())
def test_the_same_cells_whatever_is_written(parts: list[str], erase: bool) -> None:
    # Textual begins every part of a row with a move, and never writes beyond the right edge.
    text = "".join(
        part if part.endswith("H") else f"\x1b[{1 + at % HEIGHT};{1 + at % 5}H{part}" for at, part in enumerate(parts)
    )
    assert cells(squeezed(text, erase=erase)) == cells(text)


@given(st.lists(PIECES, max_size=3), st.booleans())
def test_pieces_side_by_side_stay_side_by_side(parts: list[str], erase: bool) -> None:
    text = "\x1b[2;1H" + "".join(parts) + "\x1b[0m\x1b[44mend\x1b[0m"
    assert cells(squeezed(text, erase=erase)) == cells(text)


def test_a_row_with_its_padding_takes_few_bytes() -> None:
    normal = "38;2;196;200;204;48;2;30;33;36"
    row = f"\x1b[3;1H\x1b[{normal}mstate\x1b[0m\x1b[1;{normal}m RUN\x1b[0m\x1b[{normal}m{' ' * 200}\x1b[0m"
    assert squeezed(row, erase=True) == f"\x1b[3;1H\x1b[{normal}mstate\x1b[1m RUN\x1b[200X\x1b[200C\x1b[0m"
    assert len(squeezed(row, erase=False)) < 280


@pytest.mark.parametrize(
    ("environ", "can"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "screen"}, False),
        ({"TERM": "screen", "TMUX": "/tmp/x,1,0"}, True),
        ({"TERM": "nothing-of-that-name"}, False),
    ],
)
def test_erasing_in_colour_is_asked_of_those_who_can(environ: dict[str, str], can: bool) -> None:
    # In a process of its own: the library of terminals knows one for each.
    code = "from fleet_tui.tui.squeeze import *; import os; print(erases_in_colour(os.environ))"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(can)


async def test_a_frame_is_one_write() -> None:
    written: list[str] = []

    class Kept(HeadlessDriver):
        def write(self, data: str) -> None:
            written.append(data)

    driver = room_driver(Kept, Way(lambda size, took_s: None))(App())
    for data in ("\x1b[?25l", "\x1b[?2026h", "\x1b[1;1H\x1b[1mtext\x1b[0m", "\x1b[?2026l"):
        driver.write(data)
    assert written == ["\x1b[?25l", "\x1b[?2026h\x1b[1;1H\x1b[1mtext\x1b[0m\x1b[?2026l"]
