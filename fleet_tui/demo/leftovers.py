"""What a demo left that was killed: the next one ends its agents and removes its directory."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet_tui.demo import places
from fleet_tui.demo.places import Leftover
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.paths import FleetPaths
from fleet_tui.watcher import spawn


def clear(home: Path, say: Callable[[str], object]) -> None:
    """Clear up after the dead demos of this user; what cannot be is said, and stays. What a person saved there is moved
    to the directory where this demo is begun."""
    with places.leftovers(home) as found:
        for left in found:
            try:
                kept = _cleared(left)
            except (OSError, FleetError) as error:
                say(one_line(f"a demo that was killed left {left.directory}; it stays: {error}", 1000))
                continue
            places.forget(left.note, home)
            if not left.keep:
                say(one_line(f"removed what a demo that was killed had left: {left.directory}", 1000))
            for file in kept:
                say(one_line(f"kept what you had saved in it: {file}", 1000))


def _cleared(left: Leftover) -> list[Path]:
    """End what still runs of it and remove it; the files of the person's, where they are now."""
    if not left.directory.exists():
        return []
    with _environment_of(left):
        paths = FleetPaths.of(Path(left.place.repository))
        if spawn.living_runs(paths) and not spawn.is_running(paths):
            spawn.start(paths)  # only a watcher can end agents in order
        spawn.stop(paths, with_agents=True)
        if left.keep:
            return []
        kept = places.keep_saved(paths, Path.cwd())
    shutil.rmtree(left.directory)
    return kept


@contextlib.contextmanager
def _environment_of(left: Leftover) -> Iterator[None]:
    """As in the demo's own process, for the while."""
    before = dict(os.environ)
    left.place.enter()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
