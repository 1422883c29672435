"""``fleet handover``: a note for whoever takes over."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import fleet_paths, json_option, open_reader, print_json, repo_option, say, since_ns
from fleet_tui.readmodel.handover import Handover, read_handover
from fleet_tui.readmodel.needs import command_for


@click.command()
@click.option("--since", default="8h", show_default=True, help="What happened since: 30m, 8h, 1d.")
@repo_option
@json_option
def handover(since: str, repo: Path | None, as_json: bool) -> None:
    """A note for the next shift, as Markdown: what needs a person, who is at what, alarms, budgets, what happened.

    In the room `:handover` writes the same to a file.

    \b
    Examples:
      fleet handover
      fleet handover --since 1d > handover.md
      fleet handover --json
    """
    from fleet_tui.tui.present.handover import handover_text

    paths = fleet_paths(repo)
    begin_ns = since_ns(since)
    assert begin_ns is not None
    found = read_handover(open_reader(paths), time.time_ns(), begin_ns)
    if as_json:
        print_json(_facts(found, paths.fleet))
    else:
        say(handover_text(found, paths.fleet), nl=False)


def _facts(found: Handover, fleet: str) -> dict[str, Any]:
    snapshot = found.snapshot
    return {
        "fleet": fleet,
        "at_ns": snapshot.at_ns,
        "since_ns": found.since_ns,
        "halted": snapshot.fleet.halted or None,
        "config_problems": snapshot.fleet.config_problems,
        "needs": [{"need": item, "command": command_for(item)} for item in snapshot.needs],
        "held": [card.approval for card in found.held],
        "agents": [
            {
                "name": tile.name,
                "role": tile.role,
                "doing": tile.doing,
                "since_ns": tile.since_ns,
                "reason": tile.reason,
                "ticket": tile.ticket,
                "pr": tile.pr,
                "risk": tile.risk,
                "budget": tile.budget,
            }
            for tile in snapshot.tiles
        ],
        "alarms": found.alarms,
        "budgets": found.budgets,
        "counts": found.counts,
        "landed": found.landed,
        "by_persons": found.by_persons,
        "complete": found.complete,
    }
