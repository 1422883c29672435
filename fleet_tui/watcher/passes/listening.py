"""What vendors' programs keep in files of their own: their state, where no hook tells of it, and what they used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from fleet_tui.beneath import Beneath
from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.vendors.base import Limited, Observation, Used, Vendor
from fleet_tui.watcher import accounts, alarms, contexts, fusing, sessions, usage_desk, vendors
from fleet_tui.watcher.context import Context

_LIVING = (RunState.RUNNING, RunState.WAITING)
_EVERY_NS = 2_000_000_000
_MOST_BYTES = 1_000_000
"""Of one transcript in one go."""
_MOST_PARTS = 16
"""Goes at one transcript in one look; the rest comes in the next."""
_MOST_PARTS_AT_THE_END = 256
_MOST_SESSIONS = 10
"""Of one run, that are looked at while it lives; at its end all are."""
_SILENT_NS = 60_000_000_000
_MOST_REQUESTS = 200
_MOST_AT_THE_END = 20_000
"""An agent could write requests that never were: they are charged to it, and do not flood the log."""
_SOURCE = "file"
_INTERRUPTED = "its turn was interrupted"


async def listen(ctx: Context) -> None:
    """Look at the files of every living run, each beside the loop and not too often."""
    now_ns = ctx.now_ns()
    silent: dict[str, str] = {}
    for run in ctx.reader.runs(*_LIVING):
        if not (run.id in ctx.to_meter or now_ns - ctx.listened_ns.get(run.id, 0) >= _EVERY_NS):
            continue
        told = sessions.sessions_of(ctx, run.id)
        if told:
            ctx.jobs.start(f"listen:{run.id}", lambda run=run, told=told: _listen(ctx, run, told))  # type: ignore[misc]
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


async def _listen(ctx: Context, run: Run, told: Sequence[str]) -> None:
    ctx.listened_ns[run.id] = ctx.now_ns()
    ctx.to_meter.discard(run.id)
    home = ctx.paths.homes / run.agent
    await _meter(ctx, run, home, told[-_MOST_SESSIONS:], _MOST_REQUESTS)
    seen = await asyncio.to_thread(_observed, vendors.vendor_of(ctx, run), home, told[-1])
    now = ctx.reader.run(run.id)
    if seen is not None and now is not None:
        await _take_in(ctx, now, seen)


def _observed(vendor: Vendor, home: Path, session: str) -> Observation | None:
    return vendor.observe(home, session)


async def _take_in(ctx: Context, run: Run, seen: Observation) -> None:
    """A hook's word counts more than the file's, until the file is younger than it."""
    at_ns = seen.at_ns or 0
    if at_ns:
        fusing.note_file(ctx, run, seen.state, at_ns, seen.line)
    if not max(ctx.heard_ns.get(run.id, 0), run.state_ns) < at_ns <= ctx.now_ns() + _EVERY_NS:
        return  # also what claims to come from the future
    if run.state is RunState.RUNNING and seen.state in ("idle", "dialog"):
        reason = _INTERRUPTED if seen.state == "idle" else f"{sessions.ASKS}: {seen.line}"
        await ctx.say(RunStateChanged(run.id, RunState.WAITING.value, _SOURCE, reason), f"run:{run.id}")
    elif run.state is RunState.WAITING and seen.state == "working":
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING.value, _SOURCE, seen.line), f"run:{run.id}")
    elif run.state is RunState.WAITING and seen.state == "idle":
        await sessions.withdraw_dialogs(ctx, run, "it was refused in its pane")


async def finish(ctx: Context, run: Run) -> None:
    """Count what a run that has ended used since it was last looked at; no dialog of it waits any more."""
    told = sessions.sessions_of(ctx, run.id)
    if told:
        await _meter(ctx, run, ctx.paths.homes / run.agent, told, _MOST_AT_THE_END, _MOST_PARTS_AT_THE_END)
    await sessions.withdraw_dialogs(ctx, run, "its run has ended")
    for known in (ctx.listened_ns, ctx.heard_ns):
        known.pop(run.id, None)
    ctx.to_meter.discard(run.id)
    fusing.forget(ctx, run.id)
    for place in [place for place in ctx.read_up_to if place[0] == run.id]:
        del ctx.read_up_to[place]


async def _meter(
    ctx: Context, run: Run, home: Path, told: Sequence[str], most: int, most_parts: int = _MOST_PARTS
) -> None:
    """Report the requests that the transcripts of the sessions ``told`` have, up to ``most``; the others wait for the
    next look. After a restart they are read from their beginning: what was counted before changes nothing."""
    vendor = vendors.vendor_of(ctx, run)
    for path in [path for one in told for path in await asyncio.to_thread(vendor.transcripts, home, one)]:
        place = (run.id, path)
        for _ in range(most_parts):
            start = ctx.read_up_to.get(place, 0)
            found, filled, limits, up_to = await asyncio.to_thread(_read, vendor, home, path, start)
            for used in found:
                if ctx.reader.has_key(usage_desk.file_key(run, used.request)):
                    continue
                if not most:
                    return  # this part is read once more
                most -= 1
                await _report(ctx, run, used)
            for limit in limits:
                key = f"limit-file:{run.agent}:{limit.id}"
                await accounts.met(ctx, run, limit.reset_ns, _SOURCE, limit.reason, key)
            if filled is not None:
                await contexts.told(ctx, run, filled)
            if up_to == start:
                break
            ctx.read_up_to[place] = up_to


_Found = tuple[Sequence[Used], Filled | None, Sequence[Limited], int]


def _read(vendor: Vendor, home: Path, path: bytes, start: int) -> _Found:
    lines, up_to = _new_lines(home, path, start)
    used = [one for one in vendor.read_usage(lines) if any((one.fresh, one.output, one.cache_read, one.cache_write))]
    return used, vendor.read_context(lines), vendor.read_limits(lines), up_to


async def _report(ctx: Context, run: Run, used: Used) -> None:
    counts = {"input_tokens": used.fresh, "output_tokens": used.output}
    cached = {"cache_read": used.cache_read, "cache_write": used.cache_write}
    counts |= {} if used.reasoning is None else {"reasoning_tokens": used.reasoning}
    said = {"model": used.model, "request_id": used.request, "cost_microusd": used.cost_microusd}
    await usage_desk.report(
        ctx, run, {**counts, **cached, **said}, usage_desk.file_key(run, used.request), from_file=True
    )


def _new_lines(home: Path, path: bytes, start: int) -> tuple[Sequence[bytes], int]:
    """The whole lines of a file from ``start`` on, and where they end; of one that was cut, from its beginning."""
    try:
        with Beneath(home) as top, top.open(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(start if start <= size else 0)
            begun = file.tell()
            data = file.read(_MOST_BYTES)
    except OSError:
        return (), start
    end = data.rfind(b"\n") + 1
    if not end and len(data) == _MOST_BYTES:
        end = len(data)  # one line longer than all that is read at once: it is passed over
    return data[:end].splitlines(), begun + end
