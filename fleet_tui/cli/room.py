"""Opening the control room from the command line."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_tui.cli.common import count, say
from fleet_tui.paths import FleetPaths

if TYPE_CHECKING:
    from fleet_tui.settings.schema import Settings
    from fleet_tui.tui.last_picture import LastPicture

DEMO = "--demo"
"""The option with which any terminal speaks of the demo that runs."""


def open_room(
    paths: FleetPaths,
    settings: Settings,
    *,
    theme: str | None = None,
    ascii_boxes: bool | None = None,
    readonly: bool = False,
    last: LastPicture | None = None,
    demo: bool = False,
) -> int:
    """Show the room of one fleet until the person leaves; the exit code. A ``demo`` ends with its room.

    In a terminal without cursor movement (``TERM=dumb``, a pipe) the fleet's status is printed instead.

    Raises:
        FleetError: no log yet, no such theme, or an unusable keymap.
    """
    from fleet_tui.tui import launch

    launch.prepare_environment(os.environ)
    # Textual reads its environment when it is first imported, so this import stands below the line above.
    from fleet_tui.tui.clipboard import Way
    from fleet_tui.tui.context import RoomContext
    from fleet_tui.tui.governor import Tier
    from fleet_tui.tui.theme import choose

    ui = settings.ui
    context = RoomContext(
        database=paths.database,
        operator_socket=paths.operator_socket,
        tmux_socket_name=paths.tmux_socket_name,
        look=choose(theme or ui.theme, os.environ, ascii_boxes=ui.ascii if ascii_boxes is None else ascii_boxes),
        repository=paths.repository.name,
        keymap=dict(ui.keymap),
        link=None if ui.link == "auto" else Tier(ui.link),
        hold_s=settings.approval.hold_s,
        config_files=partial(config_files, paths),
        start=start_words(paths, os.environ),
        program=fleet_words(DEMO) if demo else program_words(paths, os.environ),
        demo=demo,
        copy_to=tuple(map(Way, ui.copy_to)),
        saved=paths.saved,
        alarms=settings.alarms,
        bell=ui.bell,
        notify=ui.notify,
        readonly=readonly,
        remembered=paths.state / "room.json",
        last_picture=last,
    )
    if not launch.can_show_a_room(os.environ):
        say(launch.status(context), nl=False)
        return 0
    code = launch.run(context)
    if code == 0 and not demo:
        say(_what_goes_on(paths))
    return code


def _what_goes_on(paths: FleetPaths) -> str:
    """For who has left the room: it was a window, and nothing ended with it."""
    from fleet_tui.watcher import spawn

    if not spawn.is_running(paths):
        return "left the room; no watcher runs: fleet up starts it"
    runs = len(spawn.living_runs(paths))
    who = f"the watcher and {count(runs, 'agent')} go on" if runs else "the watcher goes on, no agent is at work"
    return f"left the room; {who}. fleet comes back; fleet watcher stop --with-agents ends all"


def config_files(paths: FleetPaths) -> dict[str, Path]:
    """The project's configuration, the files of its agents and teams and this person's own, as problems name them. A
    link that leads out of the repository is none: a branch could have brought it."""
    from fleet_tui.paths import user_config_file
    from fleet_tui.settings.agentfiles import DIRECTORIES
    from fleet_tui.settings.load import PROJECT_FILE

    own, root = user_config_file(), paths.repository
    files = [
        root / PROJECT_FILE,
        *(path for below in DIRECTORIES.values() for path in sorted((root / below).glob("*.yaml"))),
    ]
    inside = [path for path in files if path.resolve().is_relative_to(root.resolve())]
    return {**{str(path.relative_to(root)): path for path in inside}, str(own): own}


def start_words(paths: FleetPaths, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The words, quoted for a shell, of the line that starts this fleet's watcher from any directory and terminal."""
    return (*program_words(paths, environ), "up", "--no-room")


def program_words(paths: FleetPaths, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The words, quoted for a shell, with which every line about this fleet begins."""
    places = [name for name in ("FLEET_STATE_HOME", "FLEET_RUNTIME_DIR") if environ.get(name)]
    line = [f"{name}={shlex.quote(environ[name])}" for name in places]
    return (*line, *fleet_words("--repo", str(paths.repository)))


def fleet_words(*words: str) -> tuple[str, ...]:
    """``words`` behind this program as any directory finds it, quoted for a shell."""
    program = "fleet" if shutil.which("fleet") else str(Path(sys.argv[0]).resolve())
    return tuple(map(shlex.quote, (program, *words)))
