"""Runs that were lost with the tmux server or the host: noticed once, all of them; a person restores many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import Event, RunRestored, RunStopRequested, TmuxLost, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.governance import restoring
from fleet_tui.governance.lifecycle import LOST
from fleet_tui.governance.restoring import Work
from fleet_tui.store.reader import EventFilter
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.records import SPEC, read_exit
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args

RULE = "restore"
_ABOUT = "fleet"
_RESPONSE = "`fleet restore --plan` shows what would start, in order; `fleet restore` starts it"
_OVER = "everything that was lost goes on or was given up"
_MOST = 10_000


# -- noticing ----------------------------------------------------------------------------------------------------------


async def notice(ctx: Context, live: Sequence[Run], panes: Mapping[str, object]) -> frozenset[str]:
    """The runs that are or were lost, when any of ``live`` is without its pane: those that are seen so for the first
    time are told together, since a person is asked when they are many. ``panes``: the sessions that are there, looked
    at later than ``live``."""
    missing = [run for run in live if run.session not in panes]
    if not missing:
        return frozenset()
    known = frozenset(run for event in _told(ctx) for run in event.payload["runs"])
    gone = [run for run in missing if run.id not in known and _was_lost(ctx, run)]
    # One that has not begun is begun later; with others it was lost with them.
    if not any(run.state is not RunState.STARTING for run in gone):
        return known
    lost = [run.id for run in gone]
    restarted = any(_other_boot(ctx, run) for run in gone)
    asks = restoring.must_ask(ctx.settings.limits, len(lost), waiting=bool(held(ctx)))
    await ctx.say(TmuxLost(lost, "host" if restarted else "tmux", asks), _ABOUT)
    return known | set(lost)


def _was_lost(ctx: Context, run: Run) -> bool:
    """Not ended meanwhile, in order or by itself: a pane stays until the end of its run is recorded."""
    fresh, record = ctx.reader.run(run.id), read_exit(ctx.paths.run_dir(run.id))
    return fresh is not None and fresh.state in LIVE_RUNS and (record is None or record.reason == "hangup")


def _other_boot(ctx: Context, run: Run) -> bool:
    run_dir = ctx.paths.run_dir(run.id)
    return not (run_dir / SPEC).is_file() or runner_client.is_of_another_boot(run_dir)


def _told(ctx: Context) -> list[Event]:
    return ctx.reader.events(EventFilter(kinds=(TmuxLost.kind,)), after=0, limit=_MOST)


def is_lost(ctx: Context, run: Run) -> bool:
    """Whether ``run`` was seen without its pane before it ended."""
    return any(run.id in event.payload["runs"] for event in _told(ctx))


def asks_about(ctx: Context, run: Run) -> bool:
    """Whether a person is asked before ``run``, which has ended, is replaced."""
    return run.state_reason.startswith(LOST) and any(
        run.id in event.payload["runs"] for event in _told(ctx) if event.payload.get("asks")
    )


# -- asking ------------------------------------------------------------------------------------------------------------


def held(ctx: Context) -> list[Run]:
    """The queued runs that wait for a person to restore them, in the order in which they are to begin."""
    return start_order(ctx, [run for run in ctx.reader.runs(RunState.QUEUED) if run.held and not run.stop_requested])


def work_of(ctx: Context, run: Run) -> Work:
    family = ctx.settings.family(run.role).name
    ticket = ctx.reader.ticket(run.ticket) if run.ticket is not None else None
    return Work(run, family) if ticket is None else Work(run, family, ticket.priority)


def start_order(ctx: Context, waiting: Sequence[Run]) -> list[Run]:
    """What goes on with lost work begins first, in the order of :mod:`governance.restoring`; then the others, oldest
    first."""
    lost = [run for run in waiting if _replaces_lost(ctx, run)]
    others = sorted((run for run in waiting if run not in lost), key=lambda run: run.queued_ns)
    return [*(work.run for work in restoring.in_order(work_of(ctx, run) for run in lost)), *others]


def _replaces_lost(ctx: Context, run: Run) -> bool:
    previous = ctx.reader.run(run.previous) if run.previous else None
    return previous is not None and previous.state_reason.startswith(LOST)


def open_losses(ctx: Context) -> list[Event]:
    """The losses of which something waits for a person, or is still ending and will."""
    waiting = {run.previous for run in held(ctx)}
    live = {run.id for run in ctx.reader.runs(*LIVE_RUNS)} if waiting else set()
    asked = [event for event in _told(ctx) if event.payload.get("asks")]
    return [event for event in asked if not (waiting | live).isdisjoint(event.payload["runs"])]


async def ask(ctx: Context) -> None:
    """One alarm while something that was lost waits for a person."""
    losses = open_losses(ctx)
    count = sum(len(event.payload["runs"]) for event in losses)
    if not losses:
        await alarms.clear(ctx, RULE, _ABOUT, _OVER)
        return
    host = any(event.payload["cause"] == "host" for event in losses)
    what = "the host was restarted" if host else "their tmux server died"
    runs = f"{count} runs were" if count > 1 else "1 run was"
    title = f"{runs} lost when {what}: nothing of that starts before you have seen the plan"
    standing = alarms.active(ctx, RULE, _ABOUT)
    if standing is not None and standing.title != one_line(title):
        await alarms.clear(ctx, RULE, _ABOUT, "more was lost")
    await alarms.ensure(ctx, RULE, _ABOUT, priority=2, title=title, response=_RESPONSE)


# -- a person's word ---------------------------------------------------------------------------------------------------


async def restore(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Let what was lost begin again: all of it, or what ``names`` (agents or runs) say; of that only ``runs``, where
    they are given: those that the person was shown. Done twice it changes nothing.

    Raises:
        UsageError: a name that nothing here has.
    """
    chosen = _chosen(ctx, args)
    drafts = [
        draft(
            RunRestored(run.id, run.agent, run.previous or ""), f"run:{run.id}", actor=actor, key=f"restored:{run.id}"
        )
        for run in chosen
    ]
    if drafts:
        await ctx.record(*drafts)
    return _answer(chosen, "start in this order, as places and memory allow: ")


async def skip(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """End what was lost instead: the tickets go back, to be taken by anybody who may.

    Raises:
        UsageError: no name is given, or one that nothing here has.
    """
    if not args.get("names"):
        raise UsageError("name missing", "whose work is not to be restored", "fleet restore --skip NAME")
    chosen = _chosen(ctx, args)
    reason = f"not restored: {args.get('reason') or 'by hand'}"
    drafts = [
        draft(RunStopRequested(run.id, one_line(reason, 400)), f"run:{run.id}", actor=actor, key=f"stop-skip:{run.id}")
        for run in chosen
    ]
    if drafts:
        await ctx.record(*drafts)
    return _answer(chosen, "not restored, their tickets go back: ")


def _chosen(ctx: Context, args: Args) -> list[Run]:
    waiting, names, shown = held(ctx), args.get("names") or [], args.get("runs")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError("names not understood", "a list of names of agents or runs")
    for name in names:
        if ctx.reader.agent(name) is None and ctx.reader.run(name) is None:
            agents = ", ".join(sorted({run.agent for run in waiting})) or "nothing waits"
            raise UsageError("no such agent or run", one_line(name, 80), f"to be restored: {agents}")
    named = [run for run in waiting if not names or run.agent in names or run.id in names or run.previous in names]
    return [run for run in named if not isinstance(shown, list) or run.id in shown]


def _answer(chosen: Sequence[Run], what: str) -> dict[str, Any]:
    if not chosen:
        return {"message": "nothing of that waits to be restored", "runs": []}
    return {"message": what + ", ".join(map(words, chosen)), "runs": [run.id for run in chosen]}


def words(run: Run) -> str:
    """``dev (ticket #3)``, ``lee (PR 2)``."""
    about = f" (PR {run.pr})" if run.pr is not None else f" (ticket #{run.ticket})" if run.ticket is not None else ""
    return f"{run.agent}{about}"
