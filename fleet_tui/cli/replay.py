"""``fleet replay``: the control room on a recorded log."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from fleet_tui.cli.common import say


@click.command()
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--speed", type=click.FloatRange(0.5, 1000), default=1.0, show_default=True, help="Times as fast as it happened."
)
@click.option("--theme", default=None, help="grey, light, contrast, ansi or mono.")
def replay(log: Path, speed: float, theme: str | None) -> None:
    """Open the control room on the recorded LOG: an export, or a copy of a fleet's database.

    Nothing runs and nothing can be done to any fleet: no watcher, no tmux, and LOG itself is only read.
    In the room `p` pauses, `<` and `>` go back and on, `(` and `)` change the speed.

    \b
    Examples:
      fleet audit export > events.jsonl && fleet replay events.jsonl --speed 10
      fleet replay ~/.local/state/fleet/ID/fleet.db
    """
    from fleet_tui.tui import launch

    launch.prepare_environment(os.environ)
    from fleet_tui.paths import state_home
    from fleet_tui.store.recording import Playback, load
    from fleet_tui.tui.clipboard import Way
    from fleet_tui.tui.context import RoomContext
    from fleet_tui.tui.replay import Replay
    from fleet_tui.tui.theme import choose

    recorded = load(log)
    with tempfile.TemporaryDirectory(prefix="fleet-replay-") as place:
        player = Playback(recorded, Path(place) / "fleet.db")
        try:
            played = Replay(player, speed)
            context = RoomContext(
                Path(place) / "fleet.db",
                Path(place) / "none.sock",
                "fleet-replay-none",
                choose(theme or "auto", os.environ),
                repository=log.name,
                live=False,
                bell="off",
                clock=played.now_ns,
                replay=played,
                copy_to=tuple(Way),
                saved=state_home() / "saved",
            )
            if not launch.can_show_a_room(os.environ):
                player.go_to(player.last_ns)
                say(launch.status(context), nl=False)
                return
            code = launch.run(context)
        finally:
            player.close()
    if code:
        raise click.exceptions.Exit(code)
