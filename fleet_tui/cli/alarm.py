"""``fleet alarm``: what is abnormal and what is expected of you."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import act, age, fleet_paths, json_option, open_reader, print_json, print_table, repo_option
from fleet_tui.domain.states import AlarmState


@click.group()
def alarm() -> None:
    """List and acknowledge alarms.

    \b
    Examples:
      fleet alarm list
      fleet alarm ack alarm-1m7y22az8xmdsrp9m
    """


@alarm.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that cleared.")
@repo_option
@json_option
def list_(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List alarms, the most urgent first, each with the response expected of you.

    \b
    Example:
      fleet alarm list --json
    """
    reader = open_reader(fleet_paths(repo))
    found = reader.alarms(*(() if everything else (AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED)))
    if as_json:
        print_json(found)
        return
    now = time.time_ns()
    cells = [(f"P{a.priority}", a.state.value, age(a.raised_ns, now), a.title, a.response, a.id) for a in found]
    print_table(("", "STATE", "SINCE", "WHAT", "DO", "ALARM"), cells, empty="no alarms")


@alarm.command()
@click.argument("name", metavar="ALARM")
@repo_option
def ack(name: str, repo: Path | None) -> None:
    """Acknowledge ALARM: you have seen it; its condition is not changed.

    \b
    Example:
      fleet alarm ack alarm-1m7y22az8xmdsrp9m
    """
    act(repo, "acknowledge", {"alarm": name})
