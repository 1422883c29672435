"""``fleet team``: groups of agents, what is done to all of one, and (in ``team_make``) how they are made."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import (
    find_repository,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.cli.selecting import Batch, on_team
from fleet_tui.cli.team_make import add, create, drop, remove, revisions, rollback, spawn
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.readmodel.values import AgentTile
    from fleet_tui.settings.schema import AgentSettings, Settings


@click.group()
def team() -> None:
    """Groups of agents: make them of templates or a preset, see how they are, act on all of one at once.

    A team is a name for some agents, in .fleet/teams/NAME.yaml or under `teams:` of .fleet/config.yaml; every act on
    agents takes it (`--team NAME`), and so does the filter of the room (`team:NAME`).

    \b
    Examples:
      fleet team create web --from backend-developer:2,security-reviewer
      fleet team spawn web-service --name shop
      fleet team list
      fleet team pause web
    """


for _command in (create, spawn, add, drop, remove, revisions, rollback):
    team.add_command(_command)


@team.command("list")
@repo_option
@json_option
def list_(repo: Path | None, as_json: bool) -> None:
    """List the teams with who is in them and what they do, and the agents that are in none.

    \b
    Examples:
      fleet team list
      fleet team list --json
    """
    settings, tiles, place = _known(repo)
    states = {one.name: _states(one.agents, tiles) for one in settings.teams}
    alone = [agent.name for agent in settings.agents if not settings.teams_of(agent.name)]
    if as_json:
        rows = [
            {"name": one.name, "agents": list(one.agents), "states": states[one.name], "file": place(one.name)}
            for one in settings.teams
        ]
        print_json({"teams": rows, "unassigned": alone})
        return
    cells = [
        (one.name, len(one.agents), _in_words(states[one.name]), ", ".join(one.agents), place(one.name))
        for one in settings.teams
    ]
    print_table(("TEAM", "AGENTS", "STATES", "WHO", "FILE"), cells, empty="no teams: fleet team create NAME --from …")
    if alone and cells:
        say(f"in no team: {one_line(', '.join(alone), 1000)}")


@team.command()
@click.argument("name")
@repo_option
@json_option
def show(name: str, repo: Path | None, as_json: bool) -> None:
    """Show who is in the team NAME, what each is and does, and what they may spend.

    \b
    Examples:
      fleet team show web
      fleet team show web --json
    """
    settings, tiles, place = _known(repo)
    found = settings.team(name)
    rows = [_member(settings.agent(one), tiles.get(one)) for one in found.agents]
    if as_json:
        print_json({"name": name, "file": place(name), "agents": rows})
        return
    say(f"team {name} ({one_line(place(name), 200)})")
    cells = [
        tuple(row[key] or "-" for key in ("name", "role", "state", "ticket", "template", "budget")) for row in rows
    ]
    print_table(("AGENT", "ROLE", "STATE", "TICKET", "TEMPLATE", "BUDGET"), cells, empty="nobody is in it")


def _known(repo: Path | None) -> tuple[Settings, dict[str, AgentTile], Callable[[str], str]]:
    """The configuration, the agents as the wall has them (none before the fleet has run), and where a team stands."""
    from fleet_tui.readmodel.queries import read_snapshot
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher.acts.team_history import place_of

    repository, paths = find_repository(repo), fleet_paths(repo)
    there = paths.database.exists()
    tiles = read_snapshot(open_reader(paths), time.time_ns()).tiles if there else ()
    known = {tile.name: tile for tile in tiles}
    return load_settings(repository).require(), known, lambda name: place_of(repository, name)


def _states(names: Sequence[str], tiles: dict[str, AgentTile]) -> dict[str, int]:
    return dict(Counter(str(tiles[name].doing) for name in names if name in tiles))


def _in_words(states: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in states.items()) or "-"


def _member(agent: AgentSettings, tile: AgentTile | None) -> dict[str, Any]:
    from fleet_tui.catalogue.amount import budget_in_words

    budgets = [budget_in_words(budget) for budget in agent.budgets]
    return {
        "name": agent.name,
        "role": agent.role,
        "vendor": agent.vendor,
        "template": agent.template,
        "state": tile.doing if tile is not None else None,
        "ticket": tile.ticket if tile is not None else None,
        "budget": ", ".join(budgets) or None,
    }


_why = click.option("--reason", default="", help="Why; goes into the log.")


@team.command()
@on_team
@_why
def start(batch: Batch, reason: str) -> None:
    """Let the agents of the team NAME take work again: `fleet agent start --team NAME`.

    \b
    Examples:
      fleet team start web
      fleet team start web --dry-run
    """
    batch.ask("start", {"reason": reason})


@team.command()
@on_team
@_why
@click.option("--now", is_flag=True, help="Without the time in which it can be taken back.")
@click.option("--undo", is_flag=True, help="Take back stops that are still held.")
def stop(batch: Batch, reason: str, now: bool, undo: bool) -> None:
    """End the runs of the team NAME: `fleet agent stop --team NAME`.

    \b
    Examples:
      fleet team stop web --reason "wrong track"
      fleet team stop web --undo
    """
    batch.stop(reason, now=now, undo=undo)


@team.command()
@on_team
@_why
def pause(batch: Batch, reason: str) -> None:
    """Freeze the agents of the team NAME and give them no new work.

    \b
    Example:
      fleet team pause web --yes
    """
    batch.ask("pause", {"reason": reason})


@team.command()
@on_team
@_why
def resume(batch: Batch, reason: str) -> None:
    """Let paused agents of the team NAME go on.

    \b
    Example:
      fleet team resume web
    """
    batch.ask("resume", {"reason": reason})
