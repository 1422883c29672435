"""``fleet doctor --security``: the isolation level, proved by trying."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import fleet_paths, print_json, say
from fleet_tui.domain.states import Isolation
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.watcher.confinement.reach import Tried


def report(repo: Path | None, as_json: bool) -> None:
    """Print what programs in an agent's and a gate's place reach; exit code 1 when a promise does not hold."""
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher.confinement import isolation, reach

    paths = fleet_paths(repo)
    settings = load_settings(paths.repository).require().isolation
    paths.create()
    level = isolation.determine(paths, settings)
    tried = reach.try_all(paths, settings, level)
    if as_json:
        facts: dict[str, Any] = {"level": level.isolation.value, "wanted": settings.level, "why": level.why}
        facts |= {"refusal": level.refusal, "network": settings.network, "ok": not tried.broken and not level.refusal}
        print_json({**facts, "tried": _facts(tried.agent), "tried_by_gate": _facts(tried.command)})
    else:
        say(f"isolation {level.isolation.value} (isolation.level is {settings.level}): {level.why}")
        say(f"network: {_network(settings.network, level.isolation)}")
        _list(tried.agent)
        say("A gate, and the set-up and teardown of workspaces:")
        _list(tried.command)
        say(_verdict(level.isolation, tried.broken, level.refusal))
    raise click.exceptions.Exit(1 if tried.broken or level.refusal else 0)


def _facts(tried: list[Tried]) -> list[dict[str, Any]]:
    return [asdict(attempt) for attempt in tried]


def _list(tried: list[Tried]) -> None:
    for attempt in tried:
        mark = "x" if attempt.broken else ("+" if attempt.needed or not attempt.reached else "-")
        what = "reached" if attempt.reached else "not reached"
        why = f": {attempt.why}" if attempt.why else ""
        say(f" {mark} {attempt.act:<8}{attempt.name:<34}{what}{why}")


def _network(allowed: bool | tuple[str, ...], level: Isolation) -> str:
    if level is Isolation.L0:
        return "that of this machine, whatever isolation.network says"
    if isinstance(allowed, bool):
        return "that of this machine" if allowed else "none"
    return f"{one_line(', '.join(allowed), 400) or 'nobody'}, by a proxy"


def _verdict(level: Isolation, broken: int, refusal: str) -> str:
    if refusal:
        return f"x {one_line(refusal, 400)}. No agent and no gate starts."
    if broken:
        return f"x {broken} promise(s) of {level.value} do not hold: see docs/security.md and isolation.read_only"
    if level is Isolation.L0:
        return "L0 promises none of this: an agent and a gate reach what is marked -, and every merge needs a person."
    return f"Every promise of {level.value} holds here."
