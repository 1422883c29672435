"""``fleet queue``: what needs a person, in the room's order, each with what answers it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import age, fleet_paths, json_option, open_reader, print_json, repo_option, say
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.needs import command_for, is_decided, seen_by
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.values import NeedItem, NeedKind

_REASONS = {
    NeedKind.ALARM: "an alarm that nobody has acknowledged",
    NeedKind.QUESTION: "an agent waits for an answer",
    NeedKind.APPROVAL: "nothing lands before a person has decided",
    NeedKind.HELD: "approved; until it lands it can be undone",
    NeedKind.BLOCKED: "a ticket that goes on when a person lets it",
}
_KEYS = {
    NeedKind.ALARM: ("need.acknowledge",),
    NeedKind.QUESTION: ("agent.message",),
    NeedKind.APPROVAL: ("approval.approve", "approval.reject", "approval.changes"),
    NeedKind.HELD: ("act.undo",),
    NeedKind.BLOCKED: ("ticket.unblock",),
}
_KEYS_BY_RULE = {
    "blocked": "ticket.unblock",
    "budget": "agent.extend",
    "budget-wanted": "agent.extend",
    "budget-warning": "agent.extend",
    "contained-runs": "agent.stop",
    "crash-loop": "ticket.unblock",
    "delivery": "agent.attach",
    "halt": "fleet.halt",
    "idle": "agent.message",
    "quarantine": "agent.release",
    "silent-hooks": "agent.stop",
    "turn-failed": "agent.message",
    "usage-limit": "account.resume",
}
"""The rows of the room's table of keys that answer a need where `w` leads; an alarm's by its rule, where its matter is
an agent's or the fleet's and one key decides it."""


_OF_NOBODY = frozenset({"halt", "usage-limit"})
"""Rules of alarms behind which no agent stands, and which a key decides where `w` leads."""


def what(item: NeedItem) -> str:
    """Whom it is about, and what it is."""
    return one_line(f"{item.who}: {item.title}" if item.who else item.title)


@click.command()
@repo_option
@json_option
def queue(repo: Path | None, as_json: bool) -> None:
    """What needs you, the most urgent first, as in the room.

    Each with the reason, how long it has waited, and the key in the room (behind `w`, which leads there) or the command
    that answers it. Of an alarm that a person decides, `seen` only says that you know of it.

    \b
    Examples:
      fleet queue
      fleet queue --json
    """
    paths = fleet_paths(repo)
    now_ns = time.time_ns()
    needs = read_snapshot(open_reader(paths), now_ns).needs
    keys = _keymap(paths.repository)
    if as_json:
        print_json([_facts(place, item, keys) for place, item in enumerate(needs, start=1)])
        return
    if not needs:
        say("nothing needs you")
        return
    say(f"needs you: {len(needs)}, the most urgent first")
    for place, item in enumerate(needs, start=1):
        say(f"{place:>2}. P{item.priority} {age(item.since_ns, now_ns):>3}  {what(item)}")
        say(f"    why: {_why(item, now_ns)}")
        say(f"    room: w, then {' or '.join(_shown(item, keys))}    command: {command_for(item)}")
        if item.kind is NeedKind.ALARM and is_decided(item):
            say(f"    seen, and still to be decided: {seen_by(item)}")


def _why(item: NeedItem, now_ns: int) -> str:
    parts = [_REASONS[item.kind]]
    if item.followers:
        parts.append(f"the first of {item.followers + 1}")
    if item.response:
        parts.append(f"expected of you: {one_line(item.response)}")
    if item.deadline_ns is not None and item.deadline_ns > now_ns:
        ends = "lands" if item.kind is NeedKind.HELD else "expires"
        parts.append(f"{ends} in {age(now_ns, item.deadline_ns)}")
    return "; ".join(parts)


def _facts(place: int, item: NeedItem, keys: dict[str, str]) -> dict[str, Any]:
    return {
        "place": place,
        "kind": item.kind,
        "id": item.id,
        "priority": item.priority,
        "agent": item.agent,
        "about": item.about or None,
        "pr": item.pr,
        "title": item.title,
        "reason": _REASONS[item.kind],
        "response": item.response or None,
        "since_ns": item.since_ns,
        "deadline_ns": item.deadline_ns,
        "followers": item.followers,
        "keys": _shown(item, keys),
        "command": command_for(item),
        "seen_command": seen_by(item) if item.kind is NeedKind.ALARM else None,
    }


def _shown(item: NeedItem, keys: dict[str, str]) -> list[str]:
    from fleet_tui.tui.keys.names import shown

    decides = _KEYS_BY_RULE.get(item.rule) if is_decided(item) else None
    if decides is not None and (item.agent is not None or item.rule in _OF_NOBODY):
        return [shown(keys[decides].split(",")[0])]
    return [shown(keys[identity].split(",")[0]) for identity in _KEYS[item.kind]]


def _keymap(repository: Path) -> dict[str, str]:
    """The room's keys, with the person's own ones where the configuration can be read."""
    from fleet_tui.settings.load import load_settings
    from fleet_tui.tui.keys.keymap import effective

    settings = load_settings(repository, project_required=False).settings
    return effective(settings.ui.keymap if settings is not None else {})
