"""What vendors' programs keep in files of their own: their state, where no hook tells of it, and what they used."""

from __future__ import annotations

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.vendors.base import Observation
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import contexts, fusing, metering, sessions, vendors

_LIVING = (RunState.RUNNING, RunState.WAITING)
_EVERY_NS = 2_000_000_000
_MOST_SHORT_LOOKS = 10
_SILENT_NS = 60_000_000_000
_INTERRUPTED = "its turn was interrupted"


async def listen(ctx: Context) -> None:
    """Look at the files of every living run, each beside the loop and not too often."""
    now_ns = ctx.now_ns()
    silent: dict[str, str] = {}
    for run in ctx.reader.runs(*_LIVING):
        if not (run.id in ctx.to_meter or now_ns - ctx.listened_ns.get(run.id, 0) >= _EVERY_NS):
            continue
        if sessions.session_of(ctx, run.id):
            ctx.jobs.start(f"listen:{run.id}", lambda run=run: _listen(ctx, run))  # type: ignore[misc]
    for run in ctx.reader.runs(*_LIVING):
        if await _is_silent(ctx, run, now_ns):
            silent[f"run:{run.id}"] = (
                f"{run.agent}: no hook of {run.vendor} was heard: what it does is neither asked about nor counted"
            )
    response = "look at its pane, and for settings in the repository that switch hooks off; stop it"
    await alarms.keep(ctx, "silent-hooks", silent, priority=2, response=response, over="its hooks are heard")


async def _is_silent(ctx: Context, run: Run, now_ns: int) -> bool:
    """Whether a program that reports the beginning of its session has had the time to and did not."""
    if run.started_ns is None or now_ns - run.started_ns < _SILENT_NS or sessions.session_of(ctx, run.id):
        return False
    works = await vendors.asked(ctx, run, lambda vendor: vendor.capabilities, None)
    return works is not None and works.resume and "hook" in works.state


async def _listen(ctx: Context, run: Run) -> None:
    ctx.listened_ns[run.id] = ctx.now_ns()
    ctx.to_meter.discard(run.id)
    told, allowed = await sessions.looked_at(ctx, run), metering.of_a_look()
    await metering.meter(ctx, run, told, allowed)
    await contexts.settle(ctx, run)
    looks = ctx.short_looks.get(run.id, 0) + 1 if allowed.short else 0
    ctx.short_looks[run.id] = looks
    # Bytes and requests that are left come with the next looks, as after a restart; not if that goes on and on.
    is_over = allowed.short in ("files", "seconds") or looks >= _MOST_SHORT_LOOKS
    await metering.tell_when_short(ctx, run, allowed.short if is_over else "", "one look")
    seen = await _observed(ctx, run, sessions.session_of(ctx, run.id)) or await _observed(ctx, run, told[0])
    now = ctx.reader.run(run.id)
    if seen is not None and now is not None:
        await _take_in(ctx, now, seen)


async def _observed(ctx: Context, run: Run, session: str) -> Observation | None:
    home = ctx.paths.homes / run.agent
    return await vendors.asked(ctx, run, lambda vendor: vendor.observe(home, session), None, beside=True)


async def _take_in(ctx: Context, run: Run, seen: Observation) -> None:
    """A hook's word counts more than the file's, until the file is younger than it."""
    at_ns = seen.at_ns or 0
    if at_ns:
        fusing.note_file(ctx, run, seen.state, at_ns, seen.line)
    if not max(ctx.heard_ns.get(run.id, 0), run.state_ns) < at_ns <= ctx.now_ns() + _EVERY_NS:
        return  # also what claims to come from the future
    if run.state is RunState.RUNNING and seen.state in ("idle", "dialog"):
        reason = _INTERRUPTED if seen.state == "idle" else f"{sessions.ASKS}: {seen.line}"
        await ctx.say(RunStateChanged(run.id, RunState.WAITING.value, metering.SOURCE, reason), f"run:{run.id}")
    elif run.state is RunState.WAITING and seen.state == "working":
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING.value, metering.SOURCE, seen.line), f"run:{run.id}")
    elif run.state is RunState.WAITING and seen.state == "idle":
        await sessions.withdraw_dialogs(ctx, run, "it was refused in its pane")


async def finish(ctx: Context, run: Run) -> None:
    """Count what a run that has ended used since it was last looked at; no dialog of it waits any more."""
    await sessions.withdraw_dialogs(ctx, run, "its run has ended")
    told = await sessions.looked_at(ctx, run, everything=True)
    try:
        if told:
            allowed = metering.of_an_end()
            await metering.meter(ctx, run, told, allowed)
            await metering.settle(ctx, run, told, allowed)
            await metering.tell_when_short(ctx, run, allowed.short, "the end of a run")
        await contexts.settle(ctx, run, last=True)
    finally:
        for known in (ctx.listened_ns, ctx.heard_ns, ctx.contexts_told_ns, ctx.short_looks):
            known.pop(run.id, None)
        ctx.to_meter.discard(run.id)
        ctx.contexts_waiting.pop(run.id, None)
        fusing.forget(ctx, run.id)
        metering.forget(ctx, run.id)
