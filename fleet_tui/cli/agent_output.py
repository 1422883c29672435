"""``fleet agent output``: what a running agent shows in its pane."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.agent_facts import existing
from fleet_tui.cli.common import fleet_paths, json_option, open_reader, print_json, repo_option, say
from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.domain.model import Run


@click.command()
@click.argument("name")
@click.option("--lines", type=click.IntRange(0, 5000), default=0, help="So many lines above its screen as well.")
@repo_option
@json_option
def output(name: str, lines: int, repo: Path | None, as_json: bool) -> None:
    """Print what the pane of NAME shows now. What a run showed that has ended: fleet agent logs.

    \b
    Examples:
      fleet agent output dev-1
      fleet agent output dev-1 --lines 200 --json
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    existing(reader, name)
    runs = reader.runs(*LIVE_RUNS, agent=name)
    if not runs:
        raise Conflict("nothing is running", f"{name} has no live run", f"fleet agent logs {name}")
    shown = [(run, asyncio.run(_screen(paths.tmux_socket_name, run, lines))) for run in runs]
    if as_json:
        print_json([{"agent": name, "run": r.id, "ticket": r.ticket, "lines": text.splitlines()} for r, text in shown])
        return
    for run, text in shown:
        say(one_line(f"{run.id} {run.state.value}" + (f" on ticket #{run.ticket}" if run.ticket else "")))
        for line in text.rstrip().splitlines():
            say(f"    | {line}")


async def _screen(socket: str, run: Run, history: int) -> str:
    from fleet_tui.tmux.server import TmuxServer

    server = TmuxServer(socket)
    pane = next((one for one in await server.panes() or () if one.uuid == run.pane_uuid), None)
    if pane is None:
        raise Conflict("its pane is gone", run.id, f"fleet agent explain {run.agent}")
    return await server.capture(pane, history=history)
