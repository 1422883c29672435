"""The cursor: survives restarts, and a damaged file skips rather than repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.watcher.cursor import Cursor


def test_first_look_remembers_the_default(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    assert Cursor(path).read(default=7) == 7
    assert Cursor(path).read(default=99) == 7


def test_written_position_survives(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    cursor = Cursor(path)
    cursor.write(3)
    cursor.write(12)
    assert cursor.read(default=0) == Cursor(path).read(default=0) == 12
    assert [entry.name for entry in tmp_path.iterdir()] == ["cursor"]


@pytest.mark.parametrize("damage", ["", "x", "1.5", "\0"])
def test_damage_counts_as_nothing_known(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cursor"
    path.write_text(damage)
    assert Cursor(path).read(default=40) == 40
    assert path.read_text() == "40"


def test_unchanged_position_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    cursor = Cursor(path)
    cursor.write(5)
    path.unlink()
    cursor.write(5)
    assert not path.exists()
