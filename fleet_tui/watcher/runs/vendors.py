"""The vendor of a run. A fault of its adapter stays its own: it is told, and the watcher goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Run
from fleet_tui.vendors.base import Vendor
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context

log = logging.getLogger(__name__)
T = TypeVar("T")


def vendor_of(ctx: Context, run: Run) -> Vendor:
    """The vendor that the run was started with.

    Raises:
        FleetError: the configuration has it no more.
    """
    return vendor_for(ctx.settings.vendor(run.vendor), run.vendor, repository=ctx.paths.repository)


async def asked(ctx: Context, run: Run, what: Callable[[Vendor], T], instead: T, *, beside: bool = False) -> T:
    """What the adapter answers to ``what``; ``instead``, and an alarm about the vendor, when it breaks.

    ``beside``: in a thread, since it reads files or much of them.
    """
    try:
        vendor = vendor_of(ctx, run)
        return await asyncio.to_thread(what, vendor) if beside else what(vendor)
    except FleetError as error:
        problem = str(error)
    except Exception as error:
        log.exception("the adapter of %s broke at run %s", run.vendor, run.id)
        problem = f"{type(error).__name__}: {error}"
    title = f"the adapter of {run.vendor} broke, its runs are seen through their screens alone: {problem}"
    await alarms.ensure(ctx, "vendor", f"vendor:{run.vendor}", priority=3, title=title, response=alarms.SEE_LOG)
    return instead
