"""Evidence does not grow for ever: once an hour what has been kept long enough is removed, and the log says what."""

from __future__ import annotations

import asyncio
import logging
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fleet_tui.domain.events import EvidenceRemoved
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS
from fleet_tui.governance.retention import Item, outlived
from fleet_tui.watcher.context import Context

_EVERY_NS = 3600 * 1_000_000_000
_MIB = 1024 * 1024
MOST_AT_ONCE = 500
_BUNDLE = "quarantine-"

log = logging.getLogger(__name__)


async def tidy(ctx: Context) -> None:
    """Look for evidence that has been kept long enough, at the start and then every hour."""
    if ctx.now_ns() - ctx.looked_at_evidence_ns >= _EVERY_NS:
        ctx.looked_at_evidence_ns = ctx.now_ns()
        ctx.jobs.start("evidence-retention", lambda: remove_outlived(ctx))


async def remove_outlived(ctx: Context) -> None:
    """Remove it, and record the names of what is gone; what cannot be removed stays, and is tried again."""
    kept = ctx.settings.evidence
    entries = await asyncio.to_thread(lambda: list(_entries(ctx.paths.evidence)))
    held = _held(ctx)
    items = [Item(name, size, changed, held(name)) for name, size, changed in entries]
    chosen = outlived(items, keep_days=kept.keep_days, keep_bytes=kept.keep_mib * _MIB, now_ns=ctx.now_ns())
    gone = await asyncio.to_thread(_remove, ctx.paths.evidence, chosen[:MOST_AT_ONCE])
    if gone:
        size = sum(item.bytes for item in gone)
        await ctx.say(EvidenceRemoved([item.name for item in gone], size, kept.keep_days, kept.keep_mib), "fleet")


def _entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, bytes and last change of every file and folder; links and the like are left alone."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        info = path.lstat()
        if stat.S_ISREG(info.st_mode):
            yield path.name, info.st_size, info.st_mtime_ns
        elif stat.S_ISDIR(info.st_mode):
            yield path.name, sum(part.lstat().st_size for part in path.iterdir()), info.st_mtime_ns


def _held(ctx: Context) -> Callable[[str], bool]:
    """Whether a name is evidence that somebody may still decide by; also everything that is not known as ours."""
    runs = {run.id: run for run in ctx.reader.runs(limit=1_000_000)}
    gates = {gate.log: gate.pr for gate in ctx.reader.gates()}
    pulls = ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS))
    numbers, tickets = {pull.number for pull in pulls}, {pull.ticket for pull in pulls}
    contained = {agent.name for agent in ctx.reader.agents() if agent.quarantined}

    def of_run(run: Run) -> bool:
        return (
            run.state in LIVE_RUNS
            or run.agent in contained
            or run.pr in numbers
            or (run.ticket is not None and run.ticket in tickets)
        )

    def held(name: str) -> bool:
        if name in gates:
            return gates[name] in numbers
        bundled = name.removeprefix(_BUNDLE).rpartition("-")[0] if name.startswith(_BUNDLE) else None
        run = runs.get(bundled if bundled is not None else name.removesuffix(".log"))
        return run is None or of_run(run)

    return held


def _remove(folder: Path, chosen: Iterable[Item]) -> list[Item]:
    gone = []
    for item in chosen:
        path = folder / item.name
        log.info("evidence %s (%d bytes) has been kept long enough and is removed", item.name, item.bytes)
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("evidence %s cannot be removed: %s", item.name, error.strerror)
        else:
            gone.append(item)
    return gone
