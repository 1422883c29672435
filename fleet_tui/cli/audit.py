"""``fleet audit``, ``fleet verify`` and the log's own upkeep."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import click

from fleet_tui.cli.common import fleet_paths, json_option, print_json, repo_option, say
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line

_ROWS = 5


@click.group()
def audit() -> None:
    """Verify and export the event log.

    \b
    Examples:
      fleet audit verify
      fleet audit export > events.jsonl
    """


@audit.command("verify")
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of anchors.log that was kept elsewhere; default: the one beside the database.",
)
@click.option(
    "--db",
    "database",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of the database; its anchors.log lies beside it, or is named with --anchors.",
)
@repo_option
@json_option
def verify_chain(anchors: Path | None, database: Path | None, repo: Path | None, as_json: bool) -> None:
    """Check the hash chain, the sequence, the bodies, the anchors, and that the tables are what the log says.

    Exit code 0 when all holds, 1 when anything is wrong.

    \b
    Examples:
      fleet audit verify --json
      fleet audit verify --anchors /mnt/elsewhere/anchors.log
      fleet audit verify --db backup/fleet.db --anchors /mnt/elsewhere/anchors.log
    """
    from fleet_tui.store import audit as store_audit

    if database is None:
        database = fleet_paths(repo).database
        if not database.exists():
            raise FleetError("this fleet has no log yet", str(database), "fleet up")
    report = store_audit.verify(database, anchors)
    if as_json:
        facts = {field.name: getattr(report, field.name) for field in dataclasses.fields(report)}
        print_json({"ok": report.ok, **facts, "unanchored": report.unanchored})
    else:
        # One wrong event makes many rows wrong: what tells where it is comes first, and is all there.
        derived = {str(difference) for difference in report.differences}
        own = [str(problem) for problem in report.problems if str(problem) not in derived]
        rows = [str(difference) for difference in report.differences]
        for problem in (*own, *rows[:_ROWS]):
            say(f"WRONG {one_line(problem, 2000)}")
        if len(rows) > _ROWS:
            say(f"      and {len(rows) - _ROWS} more rows of the tables, see --json")
        say(str(report))
    raise click.exceptions.Exit(0 if report.ok else 1)


@audit.command()
@repo_option
def export(repo: Path | None) -> None:
    """Write all events as JSON lines with their hashes to standard output.

    \b
    Example:
      fleet audit export > events.jsonl
    """
    from fleet_tui.store import audit as store_audit

    store_audit.export(fleet_paths(repo).database, lambda line: say(line, nl=False))


@click.command()
@click.option("--deep", is_flag=True, help="Also git, workspaces, processes and tmux.")
@repo_option
@json_option
def verify(deep: bool, repo: Path | None, as_json: bool) -> None:
    """Check every promise: log and tables, and with --deep what landed, what was gated, and what runs.

    \b
    Examples:
      fleet verify
      fleet verify --deep --json
    """
    from fleet_tui.watcher.verify import verify_fleet

    problems = asyncio.run(verify_fleet(fleet_paths(repo), deep=deep))
    if as_json:
        print_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            say(f"WRONG {one_line(str(problem), 2000)}")
        say("ok: every promise holds" if not problems else f"{len(problems)} problem(s)")
    raise click.exceptions.Exit(1 if problems else 0)
