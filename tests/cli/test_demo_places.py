"""Where a demo lies, for another terminal; and what a person saved in it, when it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.demo import leftovers, places
from fleet_tui.paths import FleetPaths


def test_the_option_goes_to_the_demo_from_anywhere(shop: Any, terminal: Any, monkeypatch: Any) -> None:
    home = shop.paths.state.parent
    there = places.DemoPlace(str(shop.repository), str(home), str(shop.paths.runtime.parent))
    other = shop.repository.parent / "others"
    other.mkdir(mode=0o700)
    monkeypatch.setenv("FLEET_STATE_HOME", str(other))
    assert "no demo runs" in terminal("--demo", "status")
    with places.written_down(there, other):
        assert f"fleet {shop.paths.fleet}:" in terminal("--demo", "status")
        assert places.newest() == there
    assert not other.exists(), "what the demo was the first to need goes again"
    assert places.newest() is None


def test_the_demo_that_was_begun_last(shop: Any, monkeypatch: Any) -> None:
    home = shop.paths.state.parent
    found = [places.DemoPlace(str(shop.repository), str(n), str(n)) for n in range(2)]
    gone = places.DemoPlace(str(shop.repository / "gone"), "3", "3")
    places.demos(home).mkdir()
    for number, place in enumerate((*found, gone)):
        note = places.demos(home) / f"{number}.json"
        note.write_text(json.dumps({"repository": place.repository, "state": place.state, "runtime": place.runtime}))
        time_ns = time.time_ns() + number * 1_000_000_000
        os.utime(note, ns=(time_ns, time_ns))
    (places.demos(home) / "9.json").write_text("half a no")
    assert places.newest() == found[1]


def test_what_was_saved_is_moved_and_overwrites_nothing(shop: Any, tmp_path: Path) -> None:
    saved = shop.paths.saved
    saved.mkdir()
    (saved / "wall-1.svg").write_text("new")
    (saved / "handover-1.md").write_text("note")
    (saved / "clip").write_text("copied")
    (saved / "link.md").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "wall-1.svg").write_text("old")
    kept = places.keep_saved(shop.paths, tmp_path)
    assert kept == [tmp_path / "handover-1.md", tmp_path / "wall-1-2.svg"]
    assert [file.read_text() for file in kept] == ["note", "new"]
    assert (tmp_path / "wall-1.svg").read_text() == "old"
    assert sorted(file.name for file in saved.iterdir()) == ["clip", "link.md"]


HUNG_UP = """
import os, signal, sys
from fleet_tui.cli import demo
from fleet_tui.cli.main import fleet
def run(place, plan, time_limit):
    os.close(int(sys.argv[2]))  # the terminal is gone: what is written now fails
    if sys.argv[1] == "in the room":
        return 129
    os.kill(os.getpid(), signal.SIGHUP)
demo._run = run
fleet(["demo", "--directory", sys.argv[3], *sys.argv[4:]])
"""


@pytest.mark.parametrize("where", ["in the room", "before it"])
@pytest.mark.parametrize("keep", [[], ["--keep"]], ids=["", "keep"])
def test_a_demo_whose_terminal_is_closed_is_removed(shop: Any, tmp_path: Path, where: str, keep: list[str]) -> None:
    place = tmp_path / "demo"
    master, slave = pty.openpty()
    argv = [sys.executable, "-c", HUNG_UP, where, str(master), str(place), *keep]
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, pass_fds=(master,), cwd=shop.repository)
    os.close(slave)
    os.close(master)
    try:
        assert process.wait(60) == 129
    finally:
        process.kill()
        process.wait()
    assert place.exists() == bool(keep)


@pytest.fixture
def killed(tmp_path: Path) -> Any:
    """What a demo leaves that was killed: its note, its directory, and a file that a person had the room write."""

    def left(name: str, *, keep: bool = False) -> places.DemoPlace:
        there = places.DemoPlace.of(tmp_path / name, "textkit")
        Path(there.repository, ".fleet").mkdir(parents=True)
        program = (
            "import os, signal, sys\nfrom pathlib import Path\nfrom fleet_tui.demo import places\n"
            "with places.written_down(places.DemoPlace(*sys.argv[1:4]), Path(sys.argv[4]), keep=bool(sys.argv[5])):\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        words = [there.repository, there.state, there.runtime, str(tmp_path / "home"), "keep" if keep else ""]
        assert subprocess.run([sys.executable, "-c", program, *words], timeout=60, check=False).returncode == -9
        return there

    return left


def saved_in(there: places.DemoPlace, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patched:
        patched.setenv("FLEET_STATE_HOME", there.state)
        patched.setenv("FLEET_RUNTIME_DIR", there.runtime)
        saved = FleetPaths.of(Path(there.repository)).saved
    saved.mkdir(parents=True)
    (saved / "handover-1.md").write_text("note")
    return saved


def test_what_a_killed_demo_left_is_cleared_by_the_next(
    killed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    told: list[str] = []
    here.mkdir()
    monkeypatch.chdir(here)
    gone, kept = killed("gone"), killed("kept", keep=True)
    saved_in(gone, monkeypatch)
    (tmp_path / "lives" / "textkit").mkdir(parents=True)
    before = dict(os.environ)
    with places.written_down(places.DemoPlace.of(tmp_path / "lives", "textkit"), home):
        leftovers.clear(home, told.append)
        (note,) = places.demos(home).iterdir()
        assert note.name == f"{os.getpid()}.json"
    assert dict(os.environ) == before
    assert not (tmp_path / "gone").exists()
    assert Path(kept.repository).is_dir()
    assert (tmp_path / "lives").is_dir()
    assert (here / "handover-1.md").read_text() == "note"
    assert told == [
        f"removed what a demo that was killed had left: {tmp_path / 'gone'}",
        f"kept what you had saved in it: {here / 'handover-1.md'}",
    ]


def test_a_directory_that_is_another_by_now_stays(killed: Any, tmp_path: Path) -> None:
    told: list[str] = []
    killed("replaced")
    (tmp_path / "replaced").rename(tmp_path / "moved")
    (tmp_path / "replaced").mkdir()
    killed("linked")
    (tmp_path / "linked").rename(tmp_path / "elsewhere")
    (tmp_path / "linked").symlink_to(tmp_path / "elsewhere")
    leftovers.clear(tmp_path / "home", told.append)
    assert told == []
    assert {"replaced", "moved", "linked", "elsewhere"} <= {path.name for path in tmp_path.iterdir()}
