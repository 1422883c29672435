"""The wall as it was last shown: kept when the room is left, on the terminal at once at the next start."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from fleet_tui.tui.last_picture import OLDEST_NS, LastPicture

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND
ROWS = ["top line", "an agent works", "hints"]
SIZE = (70, 3)


@pytest.fixture
def last(tmp_path: Path) -> LastPicture:
    return LastPicture(tmp_path / "wall.json")


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """The reading end, and a terminal of ``SIZE``."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as out:
        yield ours, out
    os.close(ours)


def test_it_comes_back_with_its_age(last: LastPicture, tmp_path: Path) -> None:
    last.keep(ROWS, SIZE, NOW)
    assert last.rows(SIZE, NOW + 250 * SECOND) == [
        " loading: this is what the wall showed at 08:00:00, 4 min ago", "an agent works", "hints",
    ]  # fmt: skip
    assert last.rows(SIZE, NOW + 3 * SECOND)[0].endswith(", 3 s ago")
    assert last.rows(SIZE, NOW + 7300 * SECOND)[0].endswith(", 2 h ago")
    assert [path.name for path in tmp_path.iterdir()] == ["wall.json"]
    assert (tmp_path / "wall.json").stat().st_mode & 0o077 == 0


def test_what_does_not_fit_is_not_shown(last: LastPicture) -> None:
    assert last.rows(SIZE, NOW) == []
    last.keep(ROWS, SIZE, NOW)
    assert last.rows((71, 3), NOW) == []
    assert last.rows(SIZE, NOW + OLDEST_NS + 1) == []
    assert last.rows(SIZE, NOW - SECOND) == []


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"at_ns": "x"}', json.dumps({"at_ns": NOW, "size": SIZE, "rows": [""]}), "1" * 2_000_000],
    ids=["empty", "nonsense", "list", "no instant", "too few rows", "huge"],
)
def test_a_spoilt_file_is_none(last: LastPicture, tmp_path: Path, text: str) -> None:
    (tmp_path / "wall.json").write_text(text)
    assert last.rows(SIZE, NOW) == []


def test_what_others_put_there_steers_nothing(last: LastPicture, tmp_path: Path) -> None:
    rows = ["x", "a\x1b[2Jb\x1b]52;c;eA==\x07c\nd\te", "\x9b31m" + "y" * 500]
    last.keep(rows, SIZE, NOW)
    shown = last.rows(SIZE, NOW)
    assert shown[1:] == ["abc d e", "y" * 70]
    (tmp_path / "elsewhere").write_text((tmp_path / "wall.json").read_text())
    (tmp_path / "wall.json").unlink()
    (tmp_path / "wall.json").symlink_to(tmp_path / "elsewhere")
    assert last.rows(SIZE, NOW) == []
    (tmp_path / "wall.json").unlink()
    os.mkfifo(tmp_path / "wall.json")  # reading one that nobody writes would take for ever
    assert last.rows(SIZE, NOW) == []


def test_a_directory_that_is_gone_keeps_none(tmp_path: Path) -> None:
    LastPicture(tmp_path / "none" / "wall.json").keep(ROWS, SIZE, NOW)


def test_it_goes_when_the_room_does_not_come(last: LastPicture, terminal: tuple[int, TextIO]) -> None:
    ours, out = terminal
    last.keep(ROWS, SIZE, NOW)

    def fails() -> None:
        with last.on(out, NOW):
            raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        fails()
    seen = os.read(ours, 4096)
    assert seen.startswith(b"\x1b[?1049h")
    assert b"loading" in seen
    assert b"an agent works" in seen
    assert seen.endswith(b"\x1b[?1049l")


def test_it_stays_for_the_room_that_takes_over(last: LastPicture, terminal: tuple[int, TextIO]) -> None:
    ours, out = terminal
    last.keep(ROWS, SIZE, NOW)
    with last.on(out, NOW):
        os.read(ours, 4096)
        last.taken_over()
    out.write("end")
    out.flush()
    assert os.read(ours, 4096) == b"end"


def test_without_a_picture_or_a_terminal_nothing_is_written(last: LastPicture, terminal: tuple[int, TextIO]) -> None:
    ours, out = terminal
    with last.on(out, NOW):
        pass
    last.keep(ROWS, SIZE, NOW)
    for nowhere in (None, io.StringIO()):
        with last.on(nowhere, NOW):
            pass
    out.write("end")
    out.flush()
    assert os.read(ours, 4096) == b"end"


async def test_the_wall_is_kept_when_the_room_is_left(fleet: Any, last: LastPicture, until: Any) -> None:
    room = fleet.room(last_picture=last)
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: room.picture.snapshot is not None)
        await pilot.press("q", "q")
    rows = last.rows((120, 40), fleet.now_ns())
    assert any("dev-1" in row for row in rows)
    assert not any("leave the room?" in row for row in rows)


async def test_another_screen_is_not_kept(fleet: Any, last: LastPicture, until: Any) -> None:
    room = fleet.room(last_picture=last)
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: room.picture.snapshot is not None)
        await pilot.press("5")
        await until(lambda: room.current_mode == "events")
        room.exit(129)  # as a hang-up does
    assert last.rows((120, 40), fleet.now_ns()) == []
