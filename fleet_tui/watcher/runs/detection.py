"""The detection rules in force, and what they say of a run's screen."""

from __future__ import annotations

import asyncio

from fleet_tui.domain.model import Run
from fleet_tui.settings.problems import Problem
from fleet_tui.settings.schema import Settings
from fleet_tui.vendors.base import Observation
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import RuleSet, Screen
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context

_RESPONSE = "mend the file, or take it away; it counts as soon as it is good"


async def reload(ctx: Context, settings: Settings) -> None:
    """Read every vendor's rules anew; a file that cannot be used is told, and the rules without it count."""
    found = {
        name: await asyncio.to_thread(read_rules, name, vendor.kind, ctx.paths.repository)
        for name, vendor in settings.vendors.items()
    }
    ctx.rules.clear()
    ctx.rules.update({name: rules for name, (rules, _) in found.items()})
    wrong: dict[str, Problem] = {}
    for name, (_, problems) in found.items():
        wrong |= {f"vendor:{name}": problem for problem in problems[:1]}
    titles = {about: f"detection rules of {about.removeprefix('vendor:')}: {wrong[about]}" for about in wrong}
    await alarms.keep(ctx, "detection", titles, priority=3, response=_RESPONSE, over="its rules are good again")


def rules_of(ctx: Context, run: Run) -> RuleSet:
    """The rules for the screen of ``run``."""
    if run.vendor not in ctx.rules:
        # Of a vendor that the configuration has no more, or before it was put in force.
        entry = ctx.settings.vendors.get(run.vendor)
        kind = entry.kind if entry is not None else "command"
        ctx.rules[run.vendor], _ = read_rules(run.vendor, kind, ctx.paths.repository)
    return ctx.rules[run.vendor]


def observed(ctx: Context, run: Run, screen: Screen) -> Observation | None:
    """What the screen says by the rules of the run's vendor; None when no rule matches."""
    return rules_of(ctx, run).classify(screen)
