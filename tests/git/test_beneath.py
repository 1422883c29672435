"""Below a directory that somebody else writes: no link on the way is followed, nothing is waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fleet_tui.beneath import Beneath
from fleet_tui.git.locks import clear_stale_locks


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """``top`` with a file, a pipe, a link to a folder outside and one to a file outside."""
    top, outside = tmp_path / "top", tmp_path / "outside"
    (top / "a" / "b").mkdir(parents=True)
    outside.mkdir()
    (top / "a" / "b" / "f").write_text("mine")
    (outside / "f").write_text("theirs")
    (outside / "x.lock").touch()
    (top / "out").symlink_to(outside)
    (top / "link").symlink_to(outside / "f")
    os.mkfifo(top / "pipe")
    return top


def test_what_is_there_is_read(place: Path) -> None:
    with Beneath(place) as top:
        with top.open(b"a/b/f") as file:
            assert file.read() == b"mine"
        assert stat.S_ISDIR(top.stat(b"a").st_mode)
        assert top.link(b"link").endswith(b"outside/f")
        found = dict(top.walk())
    assert found == {
        b"a": stat.S_IFDIR, b"a/b": stat.S_IFDIR, b"a/b/f": stat.S_IFREG,
        b"link": stat.S_IFLNK, b"out": stat.S_IFLNK, b"pipe": 0,
    }  # fmt: skip


@pytest.mark.parametrize("path", [b"out/f", b"link", b"pipe", b"a", b"../outside/f", b"a/../a/b/f", b"a//b/f", b"gone"])
def test_nothing_else_is_opened(place: Path, path: bytes) -> None:
    before = _open_files()
    with Beneath(place) as top, pytest.raises(OSError):
        top.open(path)
    assert _open_files() == before


def _open_files() -> int:
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.is_dir() else 0


def test_a_top_that_is_a_link_is_not_entered(place: Path) -> None:
    with pytest.raises(OSError, match="Not a directory"):
        Beneath(place / "out")


def test_stale_locks_behind_a_link_stay(place: Path) -> None:
    outside = place.parent / "outside" / "x.lock"
    (place / "y.lock").touch()
    (place / "z.lock").symlink_to(outside)
    for lock in (outside, place / "y.lock"):
        os.utime(lock, (1, 1))
    assert clear_stale_locks(place) == [place / "y.lock"]
    assert outside.exists()


def test_what_is_written_replaces_a_link_and_not_its_target(place: Path) -> None:
    with Beneath(place) as top:
        top.folder(b"new/deep")
        top.folder(b"new/deep")
        top.write(b"new/deep/f", b"mine")
        top.write(b"link", b"mine")
        with pytest.raises(OSError, match=r"out|Not a directory|symbolic"):
            top.write(b"out/f", b"mine")
        with pytest.raises(OSError, match=r"out|Not a directory|symbolic"):
            top.folder(b"out/deep")
    assert (place / "new" / "deep" / "f").read_text() == "mine"
    assert (place / "link").read_text() == "mine"
    assert not (place / "link").is_symlink()
    assert (place.parent / "outside" / "f").read_text() == "theirs"
    assert stat.S_IMODE((place / "link").stat().st_mode) == 0o600
