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

from fleet_tui.demo import places


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
