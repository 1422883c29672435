"""``fleet budget``: run time used, and more of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import act, fleet_paths, json_option, open_reader, print_json, print_table, repo_option


@click.group(invoke_without_command=True)
@repo_option
@json_option
@click.pass_context
def budget(ctx: click.Context, repo: Path | None, as_json: bool) -> None:
    """Show and extend run-time budgets.

    \b
    Examples:
      fleet budget
      fleet budget --json
      fleet budget extend dev-1 600 --reason "nearly done"
    """
    if ctx.invoked_subcommand is not None:
        return
    rows: list[dict[str, Any]] = [
        {
            "agent": agent.name,
            "used_s": agent.charged_ms // 1000,
            "ceiling_s": None if agent.budget_s is None else agent.budget_s + agent.extended_s,
            "extended_s": agent.extended_s,
        }
        for agent in open_reader(fleet_paths(repo)).agents()
    ]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            r["agent"],
            f"{r['used_s']} s",
            f"{r['ceiling_s']} s" if r["ceiling_s"] else "none",
            _share(r["used_s"], r["ceiling_s"]),
        )
        for r in rows
    ]
    print_table(("AGENT", "USED", "CEILING", "SHARE"), cells, empty="no agents")


def _share(used_s: int | None, ceiling_s: int | None) -> str:
    return f"{100 * (used_s or 0) // ceiling_s} %" if ceiling_s else "-"


@budget.command()
@click.argument("agent")
@click.argument("seconds", type=click.IntRange(min=1))
@click.option("--reason", default="", help="Why; goes into the log.")
@repo_option
def extend(agent: str, seconds: int, reason: str, repo: Path | None) -> None:
    """Let AGENT run SECONDS longer than its budget.

    \b
    Example:
      fleet budget extend dev-1 600
    """
    act(repo, "extend_budget", {"agent": agent, "seconds": seconds, "reason": reason})
