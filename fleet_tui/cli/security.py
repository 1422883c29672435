"""``fleet doctor --security``: the isolation level, proved by trying."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import fleet_paths, print_json, say
from fleet_tui.domain.states import Isolation
from fleet_tui.domain.text import one_line


def report(repo: Path | None, as_json: bool) -> None:
    """Print what a program in an agent's place reaches; exit code 1 when a promise of the level does not hold."""
    from fleet_tui.settings.load import load_settings
    from fleet_tui.watcher import isolation, reach

    paths = fleet_paths(repo)
    settings = load_settings(paths.repository).require().isolation
    paths.create()
    level = isolation.determine(paths, settings)
    tried = reach.try_all(paths, settings, level)
    broken = [attempt for attempt in tried if attempt.broken]
    if as_json:
        facts: dict[str, Any] = {"level": level.isolation.value, "wanted": settings.level, "why": level.why}
        facts |= {"refusal": level.refusal, "network": settings.network, "ok": not broken and not level.refusal}
        print_json({**facts, "tried": [asdict(attempt) for attempt in tried]})
    else:
        say(f"isolation {level.isolation.value} (isolation.level is {settings.level}): {level.why}")
        for attempt in tried:
            mark = "x" if attempt.broken else ("+" if attempt.needed or not attempt.reached else "-")
            what = "reached" if attempt.reached else "not reached"
            why = f": {attempt.why}" if attempt.why else ""
            say(f" {mark} {attempt.act:<8}{attempt.name:<34}{what}{why}")
        say(_verdict(level.isolation, len(broken), level.refusal))
    raise click.exceptions.Exit(1 if broken or level.refusal else 0)


def _verdict(level: Isolation, broken: int, refusal: str) -> str:
    if refusal:
        return f"x {one_line(refusal, 400)}. No agent starts."
    if broken:
        return f"x {broken} promise(s) of {level.value} do not hold: see docs/security.md and isolation.read_only"
    if level is Isolation.L0:
        return "L0 promises none of this: an agent reaches what is marked -, and every merge needs a person."
    return f"Every promise of {level.value} holds here."
