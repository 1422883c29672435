"""``fleet up`` and bare ``fleet``: the watcher and the control room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from fleet_tui.cli.common import fleet_paths, or_demo, repo_option, say
from fleet_tui.domain.errors import FleetError

if TYPE_CHECKING:
    from fleet_tui.paths import FleetPaths
    from fleet_tui.tui.last_picture import LastPicture


@click.command()
@click.option("--no-room", is_flag=True, help="Only start the watcher.")
@click.option(
    "--theme", type=click.Choice(["auto", "grey", "light", "contrast", "ansi", "mono"]), help="Colours of the room."
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.option("--readonly", is_flag=True, help="Only look: nothing can be done in this room.")
@repo_option
def up(no_room: bool, theme: str | None, ascii_only: bool, readonly: bool, repo: Path | None) -> None:
    """Start the watcher if it is not running, then open the control room.

    \b
    Examples:
      fleet up
      fleet up --no-room
      fleet up --theme mono
    """
    raise click.exceptions.Exit(
        open_fleet(repo, start=True, room=not no_room, theme=theme, ascii_only=ascii_only, readonly=readonly)
    )


def open_fleet(
    repo: Path | None,
    *,
    start: bool,
    room: bool = True,
    theme: str | None = None,
    ascii_only: bool = False,
    readonly: bool = False,
    demo: bool = False,
) -> int:
    """Open the room of the fleet, after starting its watcher when asked; the room's exit code. A ``demo`` ends with
    its room."""
    from fleet_tui.tui import launch
    from fleet_tui.tui.last_picture import LastPicture

    paths = fleet_paths(repo)
    if not paths.config.exists():
        raise FleetError(
            "no fleet here yet", f"{paths.config} does not exist", or_demo("fleet init   (or look first: fleet demo)")
        )
    last = LastPicture(paths.last_picture)
    with last.on(launch.terminal() if room and not ascii_only else None):
        look: Look = {"theme": theme, "ascii_boxes": ascii_only or None, "readonly": readonly, "demo": demo}
        return _open(paths, last, look, start=start, room=room)


class Look(TypedDict):
    """How :func:`fleet_tui.cli.room.open_room` is to show the room."""

    theme: str | None
    ascii_boxes: bool | None
    readonly: bool
    demo: bool


def _open(paths: FleetPaths, last: LastPicture, look: Look, *, start: bool, room: bool) -> int:
    from fleet_tui.settings.load import load_settings

    settings = load_settings(paths.repository).require()
    if start:
        from fleet_tui.watcher import spawn

        started = spawn.start(paths)
        if not room:
            say("watcher started" if started else "the watcher is running already")
    if not room:
        return 0
    if not paths.database.exists():
        raise FleetError("this fleet has never run", str(paths.database), "fleet up")
    from fleet_tui.cli.room import open_room

    return open_room(paths, settings, last=last, **look)
