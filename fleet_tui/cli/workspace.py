"""``fleet workspace``: where agents work, and the disk they use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from fleet_tui.cli.common import fleet_paths, json_option, open_reader, print_json, print_table, repo_option, say
from fleet_tui.domain.text import one_line


@click.group()
def workspace() -> None:
    """List workspaces with their disk use. A removed one's content stays at its backup ref in the control repository.

    \b
    Examples:
      fleet workspace list
      fleet workspace list --all --json
    """


@workspace.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were removed.")
@repo_option
@json_option
def list_(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List workspaces by ticket.

    \b
    Examples:
      fleet workspace list
      git --git-dir CONTROL show BACKUP_REF        look into a removed one
    """
    from fleet_tui.git.control import ControlRepository
    from fleet_tui.git.workspace import Workspaces

    paths = fleet_paths(repo)
    reader = open_reader(paths)
    control = ControlRepository(paths.control, paths.repository, reader.fleet().target)
    used = asyncio.run(Workspaces(control, paths.workspaces).disk_usage())
    rows = [
        {
            "ticket": row.ticket,
            "branch": row.branch,
            "path": None if row.removed else row.path,
            "bytes": used.get(row.ticket, 0),
            "backup_ref": row.backup_ref,
        }
        for row in reader.workspaces(include_removed=everything)
    ]
    if as_json:
        print_json({"control": str(paths.control), "workspaces": rows, "bytes": sum(used.values())})
        return
    cells = [
        (f"#{r['ticket']}", r["branch"], _size(r["bytes"]), r["path"] or f"removed, kept at {r['backup_ref']}")
        for r in rows
    ]
    print_table(("TICKET", "BRANCH", "DISK", "WHERE"), cells, empty="no workspaces")
    say(f"control repository {paths.control}")
    for other in reader.repositories():
        say(f"control repository of {one_line(other.name, 60)} {paths.control_of(other.name)}")


def _size(count: object) -> str:
    size = float(count) if isinstance(count, int) else 0.0
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
