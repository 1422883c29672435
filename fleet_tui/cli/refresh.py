"""``fleet refresh``: what the watcher looks at now and then, at once."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import act, repo_option


@click.command()
@repo_option
def refresh(repo: Path | None) -> None:
    """Have the watcher look at tickets, branches and GitHub at once, as `r` does in the room.

    When GitHub wants to be left alone for a while, it says until when.

    \b
    Example:
      fleet refresh
    """
    act(repo, "poll", {})
