"""Opening the room again: what it showed is there before anything is loaded, and gives way to what is now."""

from __future__ import annotations

import pytest

from benchmarks.live.fleet import World
from tests.e2e.e2e_support import Place
from tests.e2e.pty_room import pty_room

pytestmark = pytest.mark.slow


def test_the_wall_is_there_at_once_the_next_time(place: Place) -> None:
    place.configure([])
    place.paths.create()
    world = World(place.paths.state, 3)
    try:
        with pty_room(place) as room:
            room.until("agent-000")
            assert b"loading:" not in room.written
            room.keys(b"q")
            room.until("leave the room?")
            room.keys(b"q")
            room.until_gone()
            assert b"left the room; no watcher runs: fleet up starts it" in room.written
        with pty_room(place) as room:
            room.until("agent-000", without="loading:")
            # The old picture stands there first; Textual takes the screen over, and it never comes again.
            before, _, after = room.written.rpartition(b"\x1b[?1049h")
            assert b"loading: this is what the wall showed at" in before
            assert b"agent-000" in before
            assert b"loading:" not in after
        spoilt = place.paths.config.read_text()
        place.paths.config.write_text("version: [")
        with pty_room(place) as room:
            room.until_gone()
            assert b"loading:" in room.written
            assert room.written.index(b"\x1b[?1049l") < room.written.rindex(b"config.yaml")
        place.paths.config.write_text(spoilt)
    finally:
        world._store.close()
