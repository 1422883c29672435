"""The screens of living runs: what they say by their vendors' rules, which dialogs stand, what no rule knows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fleet_tui.domain.events import ScreenUnmatched
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.settings.load import is_preset
from fleet_tui.store.reader import EventFilter
from fleet_tui.tmux.looks import look as look_at
from fleet_tui.vendors.base import BLOCKING, DialogKind, Observation
from fleet_tui.vendors.screens import Screen
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context, View
from fleet_tui.watcher.desks import guard_desk
from fleet_tui.watcher.runs import detection, fusing, limits_seen, memory, vendors

_LIVING = (RunState.RUNNING, RunState.WAITING)
_EVERY_NS = 2_000_000_000
_SURE_NS = 1_500_000_000
"""How long a dialog stands before a person is told: a picture may be half drawn."""
_ASKED_NS = 15_000_000_000
"""How long other questions stand: a hook may still relay them, a person may be answering."""
_UNKNOWN_NS = 10_000_000_000
_MOST_UNKNOWN = 20
"""Screens of one run that no rule knew and that are told."""
_ASKS: dict[DialogKind, str] = {
    "trust": "asks whether its workspace is trusted",
    "login": "asks for a login or a key",
    "update": "asks about an update",
    "resume": "asks which session to go on with",
    "permission": "asks for a permission in its pane",
    "choice": "asks for a choice in its pane",
    "limit": "asks what to do at its usage limit",
}


async def look(ctx: Context) -> None:
    """Look at all screens beside the loop, not too often; tell which dialogs stand."""
    living = ctx.reader.runs(*_LIVING)
    for gone in ctx.views.keys() - {run.id for run in living}:
        del ctx.views[gone]
    for gone in ctx.fused.keys() - {run.id for run in living}:
        del ctx.fused[gone]
    if living and ctx.now_ns() - ctx.looked_at_screens_ns >= _EVERY_NS:
        ctx.jobs.start("look", lambda: look_now(ctx))
    standing = {f"run:{run.id}": told for run in living if (told := _dialog(ctx, run))}
    response = "attach and answer it: no message reaches the agent before"
    await alarms.keep(ctx, "dialog", standing, priority=2, response=response, over="the dialog is gone")


async def look_now(ctx: Context) -> None:
    """Take in what the screens of all living runs say now."""
    ctx.looked_at_screens_ns = ctx.now_ns()
    runs = {run.session: run for run in ctx.reader.runs(*_LIVING) if run.session}
    panes = [pane for pane in await ctx.tmux.panes() or () if _is_of(runs.get(pane.session), pane.uuid, pane.dead)]
    for session, seen in (await look_at(ctx.tmux, panes)).items():
        await _take_in(ctx, runs[session], Screen(seen.text, seen.title))
    for run in runs.values():
        view = ctx.views.get(run.id)
        if view is None or _kind(view.observation) != ("dialog", "limit"):
            continue
        if view.at_ns - view.since_ns >= _SURE_NS:
            await limits_seen.take_in(ctx, run, view)
    for run in ctx.reader.runs(*_LIVING):
        await fusing.reconcile(ctx, run)


async def explain(ctx: Context, agent: Agent) -> dict[str, Any]:
    """Why each living run of the agent is in its state, by what its sources say now."""
    await look_now(ctx)
    runs = ctx.reader.runs(*LIVE_RUNS, agent=agent.name)
    return {"runs": [fusing.explained(ctx, run) | {"memory": memory.told(ctx, run)} for run in runs]}


def _is_of(run: Run | None, uuid: str, dead: bool) -> bool:
    return run is not None and run.pane_uuid == uuid and not dead


async def _take_in(ctx: Context, run: Run, screen: Screen) -> None:
    before, now_ns = ctx.views.get(run.id), ctx.now_ns()
    rules = detection.rules_of(ctx, run)
    same = before is not None and before.screen == screen and before.rules is rules
    seen = before.observation if before is not None and same else rules.classify(screen)
    goes_on = before is not None and _kind(before.observation) == _kind(seen)
    since_ns = before.since_ns if before is not None and goes_on else now_ns
    ctx.views[run.id] = View(screen, rules, seen, now_ns, since_ns)
    if seen is None and screen.text.strip() and rules.own:
        await _count_unknown(ctx, run, ctx.views[run.id])


def _kind(seen: Observation | None) -> tuple[str, str] | None:
    return None if seen is None else (seen.state, seen.dialog or "")


def _dialog(ctx: Context, run: Run) -> str:
    """What a dialog asks that nobody but a person at its pane can answer; empty: there is none."""
    view = ctx.views.get(run.id)
    if view is None or view.observation is None or view.observation.dialog is None:
        return ""
    asks, stood_ns = view.observation.dialog, view.at_ns - view.since_ns
    if asks in BLOCKING:
        return f"{run.agent}: {run.vendor} {_ASKS[asks]}" if stood_ns >= _SURE_NS else ""
    if stood_ns < _ASKED_NS or guard_desk.open_dialogs(ctx, run):
        return ""  # where the room shows the question, it is answered there
    return f"{run.agent}: {run.vendor} {_ASKS[asks]}"


async def _count_unknown(ctx: Context, run: Run, view: View) -> None:
    """Say once for each stretch of time that no rule knew its screen."""
    if view.at_ns - view.since_ns < _UNKNOWN_NS or ctx.reader.has_key(_key(run, view)):
        return
    told = EventFilter(kinds=(ScreenUnmatched.kind,), subjects=(f"run:{run.id}",))
    if len(ctx.reader.events(told, limit=_MOST_UNKNOWN)) < _MOST_UNKNOWN:
        version = await _version(ctx, run)
        unmatched = ScreenUnmatched(run.id, run.agent, run.vendor, version)
        await ctx.say(unmatched, f"run:{run.id}", key=_key(run, view))


def _key(run: Run, view: View) -> str:
    return f"unmatched:{run.id}:{view.since_ns}"


async def _version(ctx: Context, run: Run) -> str:
    """The version of the run's program, asked for once; empty where it would have to be started to be known."""
    entry = ctx.settings.vendors.get(run.vendor)
    if entry is None or not is_preset(run.vendor, entry):
        return ""
    found = await asyncio.to_thread(lambda: vendors.vendor_of(ctx, run).probe())
    program = Path(found.program) if found.program else None
    try:
        changed_ns = program.stat().st_mtime_ns if program is not None else 0
    except OSError:
        changed_ns = 0
    known = ctx.versions.get(run.vendor)
    if known is None or known[0] != changed_ns:
        asked = await asyncio.to_thread(lambda: vendors.vendor_of(ctx, run).probe(start=True))
        ctx.versions[run.vendor] = known = (changed_ns, asked.version or "")
    return known[1]
