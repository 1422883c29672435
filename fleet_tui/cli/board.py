"""``fleet board``: every ticket in its stage, who has it, since when, and what it waits for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import fleet_paths, json_option, open_reader, print_json, repo_option, say
from fleet_tui.readmodel.pipeline import Board, Pipeline
from fleet_tui.readmodel.queries import read_snapshot

if TYPE_CHECKING:
    from fleet_tui.readmodel.pipeline import Column


@click.command()
@repo_option
@json_option
def board(repo: Path | None, as_json: bool) -> None:
    """Tickets by stage, as on the room's screen 4: with who has them, since when, and who has to move.

    Behind a stage's name: tickets in it / runs that may work in it at a time.

    \b
    Examples:
      fleet board
      fleet board --json
    """
    reader, now_ns = open_reader(fleet_paths(repo)), time.time_ns()
    pipeline = Pipeline(reader)
    while not pipeline.complete:
        pipeline.catch_up()
    found = pipeline.board(read_snapshot(reader, now_ns), now_ns)
    if as_json:
        print_json(_facts(found))
        return
    if not found.cards:
        say('no tickets: fleet ticket new "..." --ready writes one')
        return
    _print(found, now_ns)


def _print(found: Board, now_ns: int) -> None:
    from fleet_tui.tui.present.pipeline import column_title, flow_lines, selected_line
    from fleet_widgets.lines import text_of

    for column in found.columns:
        say(column_title(column) + (" (last 24 h)" if column.stage == "DONE" else ""))
        for card in column.cards:
            late = "  longer than usual" if card.old else ""
            say(f"  {text_of(selected_line(card, now_ns))}{late}")
    say()
    for line in flow_lines(found, now_ns):
        say(text_of(line))


def _facts(found: Board) -> dict[str, Any]:
    slowest = found.slowest
    return {
        "stages": [_column(column) for column in found.columns],
        "slowest": slowest.number if slowest else None,
        "flow": found.flow,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "stage": column.stage,
        "count": column.count,
        "limit": column.limit,
        "usual_s": column.usual_s,
        "tickets": column.cards,
    }
