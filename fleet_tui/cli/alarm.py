"""``fleet alarm``: what is abnormal and what is expected of you."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import (
    act,
    age,
    fitted,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.states import AlarmState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import MOST_SHELVED_S
from fleet_tui.readmodel.alarms import read_alarms

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


@click.group()
def alarm() -> None:
    """List, explain, acknowledge and shelve alarms.

    \b
    Examples:
      fleet alarm list
      fleet alarm ack alarm-1m7y22az8xmdsrp9m
      fleet alarm shelve alarm-1m7y22az8xmdsrp9m --for 30m --reason "known, ticket 377"
    """


@alarm.command("list")
@click.option("--all", "everything", is_flag=True, help="Every alarm that there ever was.")
@repo_option
@json_option
def list_(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List alarms in the room's order, each with the response expected of you.

    The most urgent first, each with what probably follows from it; then what cleared within a day before anybody had
    seen it, then the shelf.

    \b
    Example:
      fleet alarm list --json
    """
    reader = open_reader(fleet_paths(repo))
    found = reader.alarms() if everything else [row.alarm for row in read_alarms(reader, time.time_ns()).rows]
    if as_json:
        print_json(found)
        return
    now = time.time_ns()
    cells = [
        (
            f"P{a.priority}",
            _state(a, now),
            age(a.raised_ns, now),
            f"{'↳ ' if a.first else ''}{a.title}",
            a.response,
            a.id,
        )
        for a in found
    ]
    print_table(("", "STATE", "SINCE", "WHAT", "DO", "ALARM"), cells, empty="no alarms")


@alarm.command()
@click.argument("name", metavar="ALARM")
@click.option("--group", is_flag=True, help="Also those that probably follow from it.")
@repo_option
def ack(name: str, group: bool, repo: Path | None) -> None:
    """Acknowledge ALARM: you have seen it; its condition is not changed.

    \b
    Example:
      fleet alarm ack alarm-1m7y22az8xmdsrp9m --group
    """
    act(repo, "acknowledge", {"alarm": name, "group": group})


@alarm.command()
@click.argument("name", metavar="ALARM")
@click.option("--for", "duration", default="30m", show_default=True, help="How long: 5m, 2h, at most 8h.")
@click.option("--reason", required=True, help="Why it may wait; goes into the log.")
@repo_option
def shelve(name: str, duration: str, reason: str, repo: Path | None) -> None:
    """Put ALARM out of sight for a while; its condition still stands, and it comes back by itself.

    \b
    Example:
      fleet alarm shelve alarm-1m7y22az8xmdsrp9m --for 2h --reason "the gate is being mended"
    """
    act(repo, "shelve", {"alarm": name, "for_s": _seconds(duration), "reason": reason})


@alarm.command()
@click.argument("name", metavar="ALARM")
@repo_option
def unshelve(name: str, repo: Path | None) -> None:
    """Bring ALARM back in sight now.

    \b
    Example:
      fleet alarm unshelve alarm-1m7y22az8xmdsrp9m
    """
    act(repo, "unshelve", {"alarm": name})


@alarm.command()
@click.argument("name", metavar="ALARM")
@repo_option
@json_option
def explain(name: str, repo: Path | None, as_json: bool) -> None:
    """Say what ALARM means: consequence, response, time allowed, what came first, and what followed from it.

    \b
    Example:
      fleet alarm explain alarm-1m7y22az8xmdsrp9m
    """
    from fleet_tui.settings.load import load_settings

    paths = fleet_paths(repo)
    alarms = open_reader(paths).alarms()
    found = next((each for each in alarms if each.id == name), None)
    if found is None:
        raise UsageError("no such alarm", one_line(name, 80), "fleet alarm list --all")
    meaning = load_settings(paths.repository, project_required=False).require().alarms.get(found.rule)
    facts = {
        "alarm": found.id,
        "rule": found.rule,
        "priority": found.priority,
        "state": found.state,
        "unseen": found.acknowledged_by is None,
        "shelved_until_ns": found.shelved_until_ns,
        "shelved_reason": found.shelved_reason or None,
        "what": found.title,
        "about": found.about,
        "response": found.response,
        "consequence": meaning.consequence if meaning else "not written down",
        "respond_within_s": meaning.respond_within_s if meaning else None,
        "follows": found.first,
        "followed_by": [each.id for each in alarms if each.first == found.id],
    }
    if as_json:
        print_json(facts)
        return
    told = {key: value for key, value in facts.items() if key not in {"unseen", "shelved_until_ns", "shelved_reason"}}
    for key, value in {**told, "state": _state(found, time.time_ns())}.items():
        shown = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        say(f"{key:16} {one_line(shown, 400) or '-'}")


def _state(alarm: Alarm, now_ns: int) -> str:
    if alarm.state is AlarmState.CLEARED and alarm.acknowledged_by is None:
        return "cleared unseen"
    if alarm.state is not AlarmState.SHELVED or alarm.shelved_until_ns is None:
        return alarm.state.value
    left_s = max(0, (alarm.shelved_until_ns - now_ns) // 1_000_000_000)
    return f"shelved {left_s // 60} m: {fitted(alarm.shelved_reason, 60)}"


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS_S:
        raise UsageError(
            "not a time", one_line(text, 40), f"write it like 30m or 2h, at most {MOST_SHELVED_S // 3600}h"
        )
    return int(number) * _UNITS_S[unit]
