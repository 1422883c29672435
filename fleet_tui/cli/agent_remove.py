"""``fleet agent remove``: agents taken away with their files; their history stays, and puts them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from fleet_tui.bus import protocol
from fleet_tui.cli.common import ask_watcher, confirm, count, fleet_paths, person_is_there, print_json, print_table, say
from fleet_tui.cli.selecting import Batch, taking_away, tiles_of
from fleet_tui.readmodel.selection import require

Row = dict[str, Any]


@click.command()
@taking_away
def remove(batch: Batch) -> None:
    """Remove NAMES: .fleet/agents/NAME.yaml, the prompt that is NAME's alone, and NAME in teams. Runs, costs, log stay.

    What would go is shown, and a person who is there is asked. It is a revision: `fleet agent rollback NAME` brings
    one back. Refused while one is at work, has a ticket, an open pull request or question, is in quarantine, or is
    needed by the configuration, and for one that stands in .fleet/config.yaml itself: that is edited there.

    \b
    Examples:
      fleet agent remove sam --dry-run
      fleet agent remove sam qa --yes
      fleet agent remove --team night --except lead
    """
    paths = fleet_paths(batch.repo)
    chosen = [tile.name for tile in require(batch.selection, tiles_of(paths))]
    rows: list[Row] = ask_watcher(paths, "preview_removal", {"agents": chosen})["agents"]
    called = f"remove {chosen[0] if batch.alone else count(len(chosen), 'agent')}"
    if batch.alone and "refused" in rows[0]:
        protocol.result_of({**rows[0]["refused"], "ok": False})
    if batch.dry_run and batch.as_json:
        print_json({"act": "remove_agent", "dry_run": True, "selected": [_without_seen(row) for row in rows]})
        return
    if batch.dry_run:
        _show(f"nothing was done; this would {called}:", rows, err=False)
        return
    able = [row for row in rows if "refused" not in row]
    if able and not batch.yes and person_is_there(err=batch.as_json):
        _show(f"{called}:", rows, err=batch.as_json)
        some = "" if len(able) == len(rows) else f" ({len(able)} of them can go)"
        if not confirm(f"{called}{some}?", default=False, err=batch.as_json):
            raise click.Abort
    # Also those that were refused: each has its own result, and it may be otherwise by now.
    seen = {row["agent"]: row.get("seen") for row in rows}
    batch.carry_out("remove_agent", called, list(seen), lambda name: {"seen": seen[name]})


def _without_seen(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "seen"}


def _show(title: str, rows: Sequence[Row], *, err: bool) -> None:
    say(title, err=err)
    print_table(("AGENT", "GOES", "AND"), [_cells(row) for row in rows], empty="", err=err)


def _cells(row: Row) -> tuple[str, str, str]:
    refused = row.get("refused")
    if refused:
        return row["agent"], "-", f"refused: {refused['title']}: {refused['message']}"
    teams = [f"out of the team {team}" for team in row["teams"]]
    return row["agent"], ", ".join(row["files"]), "; ".join([*teams, *row["notes"]]) or "-"
