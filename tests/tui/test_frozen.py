"""While the watcher is away the room says since when, why, and how to get it back."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.cli.room import start_words
from fleet_tui.paths import FleetPaths
from fleet_tui.tui.present.frame import shell_lines

DEMO = (
    "FLEET_STATE_HOME=/tmp/fleet-abcdefgh/state",
    "FLEET_RUNTIME_DIR=/tmp/fleet-abcdefgh/run",
    "fleet",
    "--repo",
    "/tmp/fleet-abcdefgh/project",
    "up",
    "--no-room",
)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
@pytest.mark.parametrize("keys", ["1", "2", "5", "1\r"])
async def test_the_way_back_is_on_every_screen(
    fleet: Any, until: Any, text: Any, size: tuple[int, int], keys: str
) -> None:
    app = fleet.room(start=DEMO)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press(*("enter" if key == "\r" else key for key in keys))
        await pilot.pause()
        assert "the watcher is away" not in text(app)
        await fleet.server.close()
        fleet.offset_ns = 47_000_000_000
        app.feed.poke()
        await until(lambda: app.picture.health.missed > 0)
        app.screen.tick()
        await pilot.pause()
        shown = text(app)
        rows = shown.splitlines()
        assert "the watcher is away" in shown
        assert "r retry" in rows[1]
        assert ("o attach" in rows[1]) == (keys != "5")
        first = next(at for at, row in enumerate(rows) if "in another terminal" in row) + 1
        command = "\n".join(rows[first:-2])
        assert tuple(shlex.split(command.replace("\\\n", " "))) == DEMO
        await fleet.serve()
        app.feed.poke()
        await until(lambda: "the watcher is away" not in text(app))


def test_the_start_command_carries_the_places_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "with space"
    paths = FleetPaths.of(repository)
    plain = start_words(paths, {"HOME": "/root"})
    assert plain[-4:] == ("--repo", shlex.quote(str(repository)), "up", "--no-room")
    assert "FLEET_STATE_HOME" not in " ".join(plain)
    demo = start_words(paths, {"FLEET_STATE_HOME": "/tmp/a b/state", "FLEET_RUNTIME_DIR": "/tmp/run"})
    assert demo[:2] == ("FLEET_STATE_HOME='/tmp/a b/state'", "FLEET_RUNTIME_DIR=/tmp/run")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(start_words(paths, {})[0]).is_absolute()


def test_a_command_is_broken_so_that_a_shell_reads_it_as_one_line() -> None:
    assert shell_lines(["fleet", "up"], 20) == ["fleet up"]
    parts = shell_lines(DEMO, 50)
    assert all(part.endswith(" \\") for part in parts[:-1])
    assert tuple(" ".join(parts).replace(" \\", "").split()) == DEMO
