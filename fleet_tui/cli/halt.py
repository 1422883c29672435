"""``fleet halt``: all stop."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import act, repo_option


@click.command()
@click.option("--lift", is_flag=True, help="End the stop: whom it paused goes on.")
@click.option("--reason", default="", help="Why; goes into the log.")
@repo_option
def halt(lift: bool, reason: str, repo: Path | None) -> None:
    """Stop everything at once: every agent's processes are frozen, nothing starts and nothing lands.

    Nothing is lost: frozen agents go on where they were. `fleet agent resume NAME` lets one go on alone.

    \b
    Examples:
      fleet halt --reason "the wrong database"
      fleet halt --lift
    """
    act(repo, "lift" if lift else "halt", {"reason": reason})
