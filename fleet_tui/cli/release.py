"""``fleet release``: whether a pull request may land, for scripts and people."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import PULL_REQUEST, ask_watcher, fleet_paths, open_reader, print_json, repo_option
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.governance.release import Ground, Reason


@click.group()
def release() -> None:
    """Ask whether a pull request may land.

    \b
    Example:
      fleet release check 2
    """


@release.command()
@click.argument("number", type=PULL_REQUEST)
@repo_option
@click.pass_context
def check(ctx: click.Context, number: int, repo: Path | None) -> None:
    """Print as JSON whether pull request NUMBER may land now, and every reason why not.

    Looked at are its gates (or required checks) on what would land, conflicts, drafts, requested changes, missing and
    outdated approvals, open conversations and the rules of the target branch. The exit code is 0 when it may land,
    1 when not, or when that cannot be found out.

    \b
    Examples:
      fleet release check 2
      fleet release check 2 | jq -r '.reasons[].message'
    """
    paths = fleet_paths(repo)
    if open_reader(paths).pull_request(number) is None:
        raise UsageError("no such pull request", f"PR {number}", "fleet pr list")
    try:
        answer = ask_watcher(paths, "release_check", {"pr": number})
    except UsageError:
        raise
    except FleetError as error:
        answer = {"pr": number, "ready": False, "reasons": [_untold(error)]}
    print_json(answer)
    ctx.exit(0 if answer.get("ready") is True else 1)


def _untold(error: FleetError) -> dict[str, str]:
    told = f"{error.title}: {error.message}" if error.message else error.title
    return Reason(Ground.UNKNOWN, told).as_dict()
