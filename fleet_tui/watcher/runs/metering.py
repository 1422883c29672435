"""What runs used, by the transcripts of their programs. An agent may write there: what one look takes has limits."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.model import Run
from fleet_tui.domain.text import one_line
from fleet_tui.vendors.base import Used, Vendor
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks import usage_desk
from fleet_tui.watcher.passes import messages
from fleet_tui.watcher.runs import accounts, contexts, vendors

log = logging.getLogger(__name__)
T = TypeVar("T")
_PART = 1_000_000
"""Bytes of one transcript that are read in one go."""
_MOST_KNOWN = 4_000
"""Transcripts of one run; how far each was read is remembered."""
SOURCE = "file"


@dataclass(slots=True)
class Allowance:
    """What one look at all transcripts of a run may still take. ``data`` in bytes, ``until_s`` by the monotonic clock;
    ``short`` is what was used up first."""

    files: int
    data: int
    until_s: float
    requests: int
    short: str = ""

    def has_more(self) -> bool:
        """Whether there is any left."""
        left = {"files": self.files, "bytes": self.data, "seconds": self.until_s - time.monotonic()}
        used_up = next((name for name, amount in left.items() if amount <= 0), "")
        self.short = self.short or used_up
        return not used_up


def of_a_look() -> Allowance:
    """What is left waits for the next look, two seconds later."""
    return Allowance(files=300, data=32 * _PART, until_s=time.monotonic() + 2, requests=200)


def of_an_end() -> Allowance:
    """What is left is never read. An agent could write requests that never were: they do not flood the log."""
    return Allowance(files=2_000, data=256 * _PART, until_s=time.monotonic() + 30, requests=20_000)


async def meter(ctx: Context, run: Run, told: Sequence[str], allowed: Allowance) -> None:
    """Report the requests that the transcripts of the sessions ``told`` have, as far as ``allowed``. After a restart
    they are read from their beginning: what was counted before changes nothing."""
    home = ctx.paths.homes / run.agent
    for path in await _paths(ctx, run, home, told, allowed):
        if not allowed.has_more():
            break
        rest = allowed.data - max(_PART, allowed.data // 2)  # for the others
        while await _part(ctx, run, home, path, allowed):
            if allowed.data <= rest or allowed.until_s <= time.monotonic():
                allowed.short = allowed.short or "bytes"
                break
        allowed.files -= 1
        if allowed.short == "requests":
            break


async def settle(ctx: Context, run: Run, told: Sequence[str], allowed: Allowance) -> None:
    """Of a run that has ended: requests that were under way, and what they used, nobody says any more."""
    home = ctx.paths.homes / run.agent
    for session in told:
        for one in await _told_by(ctx, run, lambda vendor, one=session: vendor.left_open(home, one)):  # type: ignore[misc]
            if allowed.requests > 0:
                allowed.requests -= 1
                await _report(ctx, run, one)


def forget(ctx: Context, run: str, but: frozenset[bytes] = frozenset()) -> None:
    """How far its transcripts were read is of no use any more, for all ``but`` these."""
    for place in [place for place in ctx.read_up_to if place[0] == run and place[1] not in but]:
        del ctx.read_up_to[place]


async def tell_when_short(ctx: Context, run: Run, short: str, what: str) -> None:
    """An alarm while there is more than may be read."""
    if not short:
        await alarms.clear(ctx, "transcripts", f"run:{run.id}", "all of them are read")
        return
    title = f"{run.agent}: its transcripts are more than {what} may read ({short}): some of its use is not counted"
    response = f"look at what {run.agent} writes into its home; stop it if that is no program's doing"
    await alarms.ensure(ctx, "transcripts", f"run:{run.id}", priority=2, title=title, response=response)


async def _paths(ctx: Context, run: Run, home: Path, told: Sequence[str], allowed: Allowance) -> list[bytes]:
    """The first of them always first, then who was never read, then who was not read for the longest time: nobody who
    makes new files keeps the others out of sight for ever."""
    found: dict[bytes, None] = {}
    now_s = time.monotonic()
    for session in told:
        if found and time.monotonic() - now_s > (allowed.until_s - now_s) / 2:
            allowed.short = allowed.short or "seconds"
            break  # the rest is for reading them
        found.update(dict.fromkeys(await _told_by(ctx, run, lambda vendor, one=session: vendor.transcripts(home, one))))  # type: ignore[misc]
    paths = list(found)
    if len(paths) > _MOST_KNOWN:
        del paths[_MOST_KNOWN:]
        allowed.short = allowed.short or "files"
    forget(ctx, run.id, frozenset(paths))
    order = {place: number for number, place in enumerate(ctx.read_up_to)}
    paths[1:] = sorted(paths[1:], key=lambda path: order.get((run.id, path), -1))
    return paths


async def _part(ctx: Context, run: Run, home: Path, path: bytes, allowed: Allowance) -> bool:
    """Take in what the next part of a transcript says; whether there may be more of it."""
    place = (run.id, path)
    start = ctx.read_up_to.pop(place, 0)
    ctx.read_up_to[place] = start  # as the last one that was looked at
    lines, up_to, size = await asyncio.to_thread(_new_lines, home, path, start)
    allowed.data -= size
    if up_to == start:
        return False
    for one in await _told_by(ctx, run, lambda vendor: vendor.read_usage(lines)):
        if not (one.untold or any((one.fresh, one.output, one.cache_read, one.cache_write))):
            continue
        if ctx.reader.has_key(usage_desk.file_key(run, one.request)):
            continue
        if allowed.requests <= 0:
            allowed.short = "requests"
            return False  # this part is read once more
        allowed.requests -= 1
        await _report(ctx, run, one)
    for limit in await _told_by(ctx, run, lambda vendor: vendor.read_limits(lines)):
        key = f"limit-file:{run.agent}:{one_line(limit.id)}"
        await accounts.met(ctx, run, limit.reset_ns, SOURCE, limit.reason, key)
    prompts = await _told_by(ctx, run, lambda vendor: vendor.read_prompts(lines))
    if prompts:
        await messages.told_by_file(ctx, run, prompts, SOURCE)
    filled = await vendors.asked(ctx, run, lambda vendor: vendor.read_context(lines), None, beside=True)
    if filled is not None:
        await contexts.told(ctx, run, filled)
    ctx.read_up_to[place] = up_to
    return True


async def _told_by(ctx: Context, run: Run, what: Callable[[Vendor], Sequence[T]]) -> Sequence[T]:
    """What the adapter finds; nothing when it breaks."""
    nothing: Sequence[T] = ()
    return await vendors.asked(ctx, run, lambda vendor: tuple(what(vendor)), nothing, beside=True)


async def _report(ctx: Context, run: Run, used: Used) -> None:
    """One that cannot be is told where it is refused; the others count."""
    counts = {"input_tokens": used.fresh, "output_tokens": used.output}
    cached = {"cache_read": used.cache_read, "cache_write": used.cache_write}
    counts |= {} if used.reasoning is None else {"reasoning_tokens": used.reasoning}
    said = {"model": used.model, "request_id": used.request, "cost_microusd": used.cost_microusd}
    key = usage_desk.file_key(run, used.request)
    if used.untold:
        await usage_desk.report_untold(ctx, run, used.model, used.request, key)
        return
    try:
        await usage_desk.report(ctx, run, {**counts, **cached, **said}, key, from_file=True)
    except UsageError as error:
        log.warning("a record of %s is passed over: %s", run.id, error)


def _new_lines(home: Path, path: bytes, start: int) -> tuple[Sequence[bytes], int, int]:
    """The whole lines of a file from ``start`` on, where they end, and how many bytes were read for them; of one that
    was cut, from its beginning."""
    try:
        with Beneath(home) as top, top.open(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(start if start <= size else 0)
            begun = file.tell()
            data = file.read(_PART)
    except OSError:
        return (), start, 0
    end = data.rfind(b"\n") + 1
    if not end and len(data) == _PART:
        end = len(data)  # one line longer than all that is read at once: it is passed over
    return data[:end].splitlines(), begun + end, len(data)
