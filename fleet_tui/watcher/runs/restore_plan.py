"""What ``fleet restore --plan`` tells: what would be started, in order, with what, and what will not, and why."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Run
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.git.worktree import Worktree
from fleet_tui.governance.admission import refusal
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import accounts, admission, programs, restoring, spending, vendors
from fleet_tui.watcher.runs.replacing import still_wanted
from fleet_tui.watcher.runs.sessions import session_for

_LOOK_S = 10.0
"""How long one look at the workspaces may take: they are as large as their agents made them."""
_MOST_ROOM = 1000

Facts = dict[str, Any]


async def make(ctx: Context) -> Facts:
    """The plan, as it is now. Nothing of it is changed by looking."""
    waiting = restoring.held(ctx)
    items = await asyncio.gather(*(_item(ctx, run) for run in waiting))
    losses = restoring.open_losses(ctx)
    return {
        "lost": sum(len(event.payload["runs"]) for event in losses),
        "causes": sorted({event.payload["cause"] for event in losses}),
        "since_ns": min((event.at_ns for event in losses), default=None),
        "runs": [{"place": place, **item} for place, item in enumerate(items, start=1)],
        "not_restored": _others(ctx, waiting),
        "host": await _host(ctx),
    }


async def _item(ctx: Context, run: Run) -> Facts:
    session, budget = await _session(ctx, run), _tightest(ctx, run)
    return {
        "run": run.id,
        "replaces": run.previous,
        "agent": run.agent,
        "role": run.role,
        "ticket": run.ticket,
        "pr": run.pr,
        "vendor": run.vendor,
        "model": run.model,
        "why": restoring.work_of(ctx, run).why,
        "session": session,
        "budget": None if budget is None else _left(budget),
        "workspace": await _workspace(ctx, run),
        "waits_for": _waits_for(ctx, run),
    }


async def _session(ctx: Context, run: Run) -> Facts:
    known, resumes = await vendors.asked(ctx, run, lambda vendor: session_for(ctx, run, vendor), ("", False))
    if resumes:
        return {"id": known, "resumes": True, "why": "goes on in the session that it was in"}
    able = await vendors.asked(ctx, run, lambda vendor: vendor.capabilities.resume, False)
    why = "it had not said which session it works in" if able else f"{run.vendor} cannot take up a session again"
    return {"id": None, "resumes": False, "why": f"starts afresh: {why}"}


def _tightest(ctx: Context, run: Run) -> Standing | None:
    """Of the budgets that it spends from, the one with the smallest part left."""
    found = spending.of_run(ctx, run)
    return min(found, key=lambda standing: (standing.ceiling - standing.used) / max(1, standing.ceiling), default=None)


def _left(standing: Standing) -> Facts:
    rule = standing.rule
    left = max(0, standing.ceiling - standing.used)
    whose = "the fleet" if rule.scope == "fleet" else f"{rule.scope} {one_line(standing.name, 60)}"
    told = f"{show_amount(rule.unit, left)} of {show_amount(rule.unit, standing.ceiling)} left ({whose})"
    return {"scope": rule.scope, "name": standing.name, "unit": rule.unit, "left": left, "told": told}


async def _workspace(ctx: Context, run: Run) -> Facts:
    """Of an author's run: whether its files are there, and whether they differ from what the fleet has of them."""
    row = ctx.reader.workspace(run.ticket) if run.ticket is not None else None
    if ctx.settings.family(run.role).name != "author" or row is None or row.removed:
        return {"state": "new", "why": "a fresh checkout is made"}
    path = Path(row.path)
    if not path.is_dir():
        return {"state": "missing", "path": row.path, "why": "made again from what was pushed last"}
    ticket = ctx.reader.ticket(row.ticket)
    pull_request = ctx.reader.pull_request(ticket.pr) if ticket is not None and ticket.pr is not None else None
    base, what = (pull_request.head_sha, "handed over") if pull_request is not None else (row.base_sha, "checked out")
    control = ctx.repository_of(run).control.path
    tree = Worktree(control, path, base, ctx.paths.scratch / f"restore-{secrets.token_hex(8)}")
    try:
        async with asyncio.timeout(_LOOK_S):
            await tree.look()
            changed = len(await tree.diff())
    except (FleetError, OSError, TimeoutError) as error:
        why = "takes too long to look at" if isinstance(error, TimeoutError) else one_line(str(error), 200)
        return {"state": "unknown", "path": row.path, "why": why}
    finally:
        await asyncio.to_thread(tree.forget)
    if not changed:
        return {"state": "clean", "path": row.path, "why": f"as it was {what}"}
    files = "1 file differs" if changed == 1 else f"{changed} files differ"
    return {"state": "dirty", "path": row.path, "changed": changed, "why": f"{files} from what was {what}; kept as is"}


def _waits_for(ctx: Context, run: Run) -> list[str]:
    """What keeps it from beginning when it is restored; each has to be mended by itself."""
    agent, name = ctx.reader.agent(run.agent), one_line(run.agent, 60)
    spent = next((standing for standing in spending.of_run(ctx, run) if standing.spent), None)
    account = accounts.held_by(ctx, run)
    found = [
        (agent is None or not agent.configured, f"{name} is not in the configuration any more"),
        (agent is not None and not agent.enabled, f"{name} is not enabled"),
        (agent is not None and agent.quarantined, f"{name} is quarantined: fleet agent release {name}"),
        (agent is not None and agent.paused, f"{name} is paused: fleet agent resume {name}"),
        (bool(ctx.reader.fleet().halted), "everything is stopped: fleet halt --lift"),
        (bool(ctx.level.refusal), one_line(ctx.level.refusal, 200)),
        (spent is not None, spending.describe(spent) if spent is not None else ""),
        (account is not None, f"the usage limit of {account.id}" if account is not None else ""),
        (run.vendor in programs.lacking(ctx), f"the program of {one_line(run.vendor, 60)} is missing: fleet doctor"),
        (not still_wanted(ctx, run), "its work is done by another, or not wanted any more"),
    ]
    return [words for holds, words in found if holds]


def _others(ctx: Context, waiting: list[Run]) -> list[Facts]:
    """Of the open losses, what does not wait for a person."""
    replaced = {run.previous for run in waiting}
    ids = [run for event in restoring.open_losses(ctx) for run in event.payload["runs"] if run not in replaced]
    runs = [run for run in map(ctx.reader.run, ids) if run is not None]
    successors = {run.previous: run for run in ctx.reader.runs() if run.previous}
    return [
        {"run": run.id, "agent": run.agent, "ticket": run.ticket, "pr": run.pr, "why": why}
        for run in runs
        if (why := _why_not(ctx, run, successors.get(run.id)))
    ]


def _why_not(ctx: Context, run: Run, successor: Run | None) -> str:
    if successor is not None:
        skipped = ctx.reader.has_key(f"stop-skip:{successor.id}")
        return "not restored, as a person wanted" if skipped else f"restored: {successor.state.value}"
    if run.state in LIVE_RUNS:
        return "its processes are still ending: look again in some seconds"
    if run.state is not RunState.CRASHED:
        return f"it had ended all the same: {run.state.value}"
    if ctx.reader.has_key(f"given-up:{run.id}"):
        return "it was lost or crashed too often: its ticket waits for you"
    return "its work is done by another, or not wanted any more" if not still_wanted(ctx, run) else ""


async def _host(ctx: Context) -> Facts:
    """What is free, and how many runs more the host would bear now by ``limits``."""
    host, limits = await asyncio.to_thread(admission.look), ctx.settings.limits
    living = len(ctx.reader.runs(*LIVE_RUNS))
    places = max(0, limits.max_running - living)
    room = next(
        (n for n in range(min(places, _MOST_ROOM)) if refusal(host, limits, living=living + n, coming=n)), places
    )
    return {
        "available_mb": host.available_mb,
        "pressure": host.pressure,
        "expected_mb": limits.memory_run_mb,
        "reserve_mb": limits.memory_reserve_mb,
        "room_for": room,
        "max_running": limits.max_running,
    }
