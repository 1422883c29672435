"""Programs that queued runs need and that are not here: nothing is started in vain, the runs wait, a person is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import CANNOT_START, Run
from fleet_tui.domain.states import STANDING_ALARMS, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.vendors.base import Probe
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs.vendors import vendor_of

_RULE = "program"
_ABOUT = "vendor:"

log = logging.getLogger(__name__)


class Look:
    """One look at the programs: at each vendor's at most once."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._seen: dict[str, Probe] = {}

    async def finds(self, run: Run) -> bool:
        """Whether the program of ``run`` can be started, as far as a look at files tells."""
        return (await self._probe(run)).ok

    async def tell(self, waiting: Sequence[Run]) -> None:
        """One alarm per program that is missing, and the reason on every run that waits for it; both go with it."""
        told = lacking(self._ctx)
        for run in waiting:
            if run.vendor in told:
                await self._probe(run)
        missing = {vendor: probe for vendor, probe in self._seen.items() if not probe.ok}
        for vendor, probe in missing.items():
            title, about = f"{vendor} agents cannot start: {probe.problem}", f"{_ABOUT}{vendor}"
            await alarms.ensure(self._ctx, _RULE, about, priority=2, title=title, response=probe.hint)
        over = "the program is there, or nothing waits for it"
        await alarms.only(self._ctx, _RULE, [f"{_ABOUT}{vendor}" for vendor in missing], over)
        for run in waiting:
            await self._say_why(run, missing.get(run.vendor))

    async def _probe(self, run: Run) -> Probe:
        if run.vendor not in self._seen:
            self._seen[run.vendor] = await asyncio.to_thread(_probe, self._ctx, run)
        return self._seen[run.vendor]

    async def _say_why(self, run: Run, probe: Probe | None) -> None:
        words = filter(None, (probe.problem, probe.hint)) if probe is not None else ()
        reason = one_line(f"{CANNOT_START}{'; '.join(words)}", 400) if probe is not None else ""
        fresh = self._ctx.reader.run(run.id)
        if fresh is None or fresh.state is not RunState.QUEUED or self._ctx.jobs.running(f"start:{run.id}"):
            return
        if fresh.state_reason != reason and (reason or fresh.cannot_start):
            await self._ctx.say(RunStateChanged(run.id, RunState.QUEUED, "rule", reason), f"run:{run.id}")


def lacking(ctx: Context) -> frozenset[str]:
    """The vendors whose program is missing, as far as it was needed."""
    standing = ctx.reader.alarms(*STANDING_ALARMS, rule=_RULE)
    return frozenset(alarm.about.removeprefix(_ABOUT) for alarm in standing)


def _probe(ctx: Context, run: Run) -> Probe:
    """What its adapter finds with the PATH that the run would have, which is ours behind fleet's own. What else is
    wrong, a broken adapter too, the start itself says."""
    try:
        return vendor_of(ctx, run).probe()
    except FleetError:
        return Probe(True)
    except Exception:
        log.exception("the adapter of %s cannot look for its program", run.vendor)
        return Probe(True)
