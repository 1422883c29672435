"""A person stops a run, or has its work begin again: both are held for a while, in which they can be taken back.

What ends a run by rule (budget, quarantine's release, a newer commit) is not held: nobody pressed a wrong key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_tui.domain.errors import NothingToDo
from fleet_tui.domain.events import Draft, Event, RunStopHeld, RunStopRequested, RunStopUndone, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, text_of
from fleet_tui.watcher.merging.handover import has_delivered

_SECOND = 1_000_000_000


async def stop(ctx: Context, runs: Sequence[Run], reason: str, actor: str, *, now: bool) -> dict[str, Any]:
    """Runs that wait to begin end at once: nothing is lost with them.

    Raises:
        NothingToDo: the stop of all of them is held already.
    """
    wanted = [run for run in runs if now or run.stop_until_ns is None]
    if not wanted:
        raise NothingToDo("it is being stopped", in_words(ctx, runs[0]))
    await ctx.record(*(asked(ctx, run, reason, actor, now=now) for run in wanted))
    held = [found for run in wanted if (found := ctx.reader.run(run.id)) is not None and found.stop_until_ns]
    if held:
        return {"message": f"{in_words(ctx, held[0])}; workspaces and logs are kept", **until(held[0])}
    return {"message": f"{len(wanted)} run(s) will stop; workspaces and logs are kept"}


def until(run: Run) -> dict[str, Any]:
    """For who counts down."""
    return {"hold_until_ns": run.stop_until_ns}


def asked(ctx: Context, run: Run, reason: str, actor: str, *, again: bool = False, now: bool = False) -> Draft:
    """What is recorded when a person stops ``run`` (``again``: and has its work begin anew): of one that lives it is
    held first, unless it is to be ``now``."""
    at_once = now or run.stop_requested or run.state not in LIVE_RUNS
    hold_s = 0 if at_once else ctx.settings.approval.hold_s
    if not hold_s:
        return _ended(run, reason, actor, again)
    until_ns = ctx.now_ns() + round(hold_s * _SECOND)
    return draft(RunStopHeld(run.id, reason, until_ns, again), f"run:{run.id}", actor=actor)


def _ended(run: Run, reason: str, actor: str, again: bool, cause: str | None = None) -> Draft:
    key = restart_key(run) if again else None
    return draft(RunStopRequested(run.id, reason), f"run:{run.id}", actor=actor, cause=cause, key=key)


def restart_key(run: Run) -> str:
    """Of the stop after which the work of ``run`` begins anew."""
    return f"stop-restart:{run.id}"


def in_words(ctx: Context, run: Run) -> str:
    """``dev-1 stops in 8 s; `fleet agent stop dev-1 --undo` takes it back``."""
    if run.stop_until_ns is None:
        return f"the run of {run.agent} ends anyway"
    left_s = max(0, -((ctx.now_ns() - run.stop_until_ns) // _SECOND))
    what = "begins its work again" if run.stop_again else "stops"
    return f"{run.agent} {what} in {left_s} s; `fleet agent stop {run.agent} --undo` takes it back"


async def undo(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Take back the stop of ``run``, or of every run of ``agent``, while it is held.

    Raises:
        NothingToDo: none is held.
    """
    name = text_of(args, "run") if "run" in args else text_of(args, "agent")
    found = ctx.reader.runs(*LIVE_RUNS)
    runs = [run for run in found if name in (run.id, run.agent) and run.stop_until_ns is not None]
    if not runs:
        raise NothingToDo("nothing to undo", f"no stop of {found_name(found, name)} is held")
    await ctx.record(*(draft(RunStopUndone(run.id), f"run:{run.id}", actor=actor) for run in runs))
    return {"message": f"{runs[0].agent} goes on"}


def found_name(runs: Sequence[Run], name: str) -> str:
    """The agent of the run ``name``, else ``name`` itself."""
    return next((run.agent for run in runs if run.id == name), name)


async def end_held(ctx: Context) -> None:
    """Stop the runs whose time to take it back is over, as who asked for it: also after a new start of the watcher."""
    for run in ctx.reader.runs(*LIVE_RUNS):
        if run.stop_until_ns is not None and run.stop_until_ns <= ctx.now_ns():
            await _end(ctx, run)


async def before_its_time(ctx: Context, run: Run) -> Run:
    """The stop of a run that broke off while it was held: what a person does not want any more is not begun anew."""
    now = ctx.reader.run(run.id) or run  # it takes a while to end
    if now.stop_until_ns is not None:
        await _end(ctx, now)
    return ctx.reader.run(run.id) or now


async def _end(ctx: Context, run: Run) -> None:
    held, why_not = _held(ctx, run), _void(ctx, run)
    if why_not:
        await ctx.say(RunStopUndone(run.id, why_not), f"run:{run.id}", cause=held.id)
    else:
        await ctx.record(_ended(run, str(held.payload["reason"]), held.actor, run.stop_again, held.id))


def _held(ctx: Context, run: Run) -> Event:
    wanted = EventFilter(kinds=(RunStopHeld.kind,), subjects=(f"run:{run.id}",))
    return ctx.reader.events(wanted, limit=1)[-1]


def _void(ctx: Context, run: Run) -> str:
    """Why its work does not begin again after all; a stop stays one whatever happened meanwhile."""
    if not run.stop_again:
        return ""
    agent = ctx.reader.agent(run.agent)
    if agent is not None and agent.quarantined:
        return "its agent was quarantined meanwhile"
    return "it has handed its work over meanwhile" if has_delivered(ctx, run) else ""
