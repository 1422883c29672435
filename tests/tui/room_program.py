"""``python room_program.py DATABASE SOCKET SAVED [CONFIG]``: the real room, to be run in a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fleet_tui.tui import launch

launch.prepare_environment(os.environ)  # before Textual is imported, which reads it then

from fleet_tui.settings.load import PROJECT_FILE  # noqa: E402
from fleet_tui.tui.clipboard import Way  # noqa: E402
from fleet_tui.tui.context import RoomContext  # noqa: E402
from fleet_tui.tui.theme import choose  # noqa: E402

if __name__ == "__main__":
    database, socket, saved, *config = map(Path, sys.argv[1:])
    context = RoomContext(
        database,
        socket,
        "fleet-test-none",
        choose("grey", os.environ),
        live=False,
        copy_to=tuple(Way),
        saved=saved,
        config_files=lambda: dict.fromkeys([PROJECT_FILE], config[0]) if config else {},
    )
    sys.exit(launch.run(context))
