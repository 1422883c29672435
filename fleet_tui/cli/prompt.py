"""``fleet prompt``: what an agent will be told, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import find_repository, json_option, print_json, repo_option, say
from fleet_tui.domain.text import one_line


@click.group()
def prompt() -> None:
    """Show what an agent is told.

    \b
    Example:
      fleet prompt show dev-1
    """


@prompt.command()
@click.argument("agent")
@repo_option
@json_option
def show(agent: str, repo: Path | None, as_json: bool) -> None:
    """Print the standing layers of AGENT's prompt with their origin; ticket and assignment are added per run.

    \b
    Example:
      fleet prompt show dev-1
    """
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher.prompt import standing_parts

    repository = find_repository(repo)
    settings = load_settings(repository).require()
    layers = standing_parts(repository, settings, settings.agent(agent))
    if as_json:
        print_json(layers)
        return
    for layer in layers:
        say(f"── {one_line(layer.origin)} ({len(layer.text)} characters)")
        say(layer.text)
