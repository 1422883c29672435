"""``python room.py DATABASE SOCKET TMUX``: the real control room on a given log and tmux server."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fleet_tui.tui import launch

launch.prepare_environment(os.environ)  # before Textual is imported, which reads it then

from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.theme import choose


def later() -> int:
    """An hour on: the runs of the log are not counted in seconds any more, as in a fleet that has been at work."""
    return time.time_ns() + 3_600_000_000_000


if __name__ == "__main__":
    database, socket, tmux = sys.argv[1:]
    look = choose("grey", os.environ)
    sys.exit(launch.run(RoomContext(Path(database), Path(socket), tmux, look, clock=later)))
