"""``fleet agent messages``: what was sent to an agent's pane, and how far each came."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.agent_facts import existing
from fleet_tui.cli.common import age, fleet_paths, json_option, open_reader, print_json, print_table, repo_option
from fleet_tui.domain.text import in_brief

_RUNS, _MOST = 20, 50


@click.command()
@click.argument("name")
@repo_option
@json_option
def messages(name: str, repo: Path | None, as_json: bool) -> None:
    """Show the last messages to NAME, newest first: queued, typed, submitted, taken up, or failed, and why.

    \\b
    Examples:
      fleet agent messages dev-1
      fleet agent messages dev-1 --json
    """
    reader = open_reader(fleet_paths(repo))
    existing(reader, name)
    runs = [run.id for run in reader.runs(agent=name, limit=_RUNS)]
    found = sorted((m for run in runs for m in reader.messages(run=run)), key=lambda m: (-m.sent_ns, m.id))[:_MOST]
    rows = [
        {"id": m.id, "run": m.run, "sent_ns": m.sent_ns, "sender": m.sender, "purpose": m.purpose}
        | {"state": m.state.value, "reason": m.reason, "text": m.text}
        for m in found
    ]
    if as_json:
        print_json(rows)
        return
    now_ns = time.time_ns()
    cells = [(age(m.sent_ns, now_ns), m.sender, m.state.value, m.reason, in_brief(m.text, 80)) for m in found]
    print_table(("AGE", "FROM", "STATE", "WHY", "TEXT"), cells, empty="nothing was sent to it")
