"""``fleet mcp``: the fleet for programs that speak MCP."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from fleet_tui.cli.common import find_repository, repo_option, say


@click.group()
def mcp() -> None:
    """Serve the fleet to programs that speak MCP (Model Context Protocol).

    \b
    Examples:
      fleet mcp config                 what to put into your assistant's settings
      fleet mcp serve
    """


@mcp.command()
@click.option("--acts", is_flag=True, help="Also: talk to agents, pause them, write tickets. Never: decide.")
@repo_option
def serve(acts: bool, repo: Path | None) -> None:
    """Serve over stdin and stdout, until stdin ends. Programs start it; by hand it only waits.

    An assistant of yours may read what you may read. Where an agent's program starts it, it serves that agent: inbox,
    ticket, publish; with the agent's identity and no other.

    \b
    Examples:
      fleet mcp serve
      fleet mcp serve --acts
    """
    if os.environ.get("FLEET_RUN"):
        from fleet_tui.mcp.agent import agent_server

        agent_server().run()
    else:
        from fleet_tui.mcp.operator import operator_server

        operator_server(find_repository(repo), acts=acts).run()


@mcp.command()
@click.option("--acts", is_flag=True, help="Let it also talk to agents, pause them and write tickets.")
@repo_option
def config(acts: bool, repo: Path | None) -> None:
    """Print the entry for an assistant's settings, as most of them take it (`mcpServers`).

    \b
    Example:
      fleet mcp config > .mcp.json
    """
    here = find_repository(repo)
    args = ["-I", "-m", "fleet_tui", "--repo", str(here), "mcp", "serve", *(("--acts",) if acts else ())]
    say(json.dumps({"mcpServers": {"fleet": {"command": sys.executable, "args": args}}}, indent=2))
