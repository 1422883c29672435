"""How full the contexts of runs are, as their programs say it: recorded when that has moved visibly."""

from __future__ import annotations

from fleet_tui.domain.events import ContextFilled
from fleet_tui.domain.model import Run
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.watcher.context import Context

STEP_PERCENT = 5
"""Of the window, or of what was used before where its size is not known."""


async def told(ctx: Context, run: Run, filled: Filled) -> None:
    """Take in what the program of ``run`` says. A source that knows the window is not replaced by one that does not."""
    now = ctx.reader.run(run.id)
    if now is None or (now.context_window is not None and filled.window is None) or not has_moved(now, filled):
        return
    event = ContextFilled(run.id, run.agent, filled.used, filled.window, filled.source)
    await ctx.say(event, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}")


def has_moved(run: Run, filled: Filled) -> bool:
    """Whether it differs by a step from what is known of the run; also down, after its program has compacted it."""
    if run.context_used is None or (run.context_window, run.context_source) != (filled.window, filled.source):
        return True
    return abs(filled.used - run.context_used) * 100 >= STEP_PERCENT * (filled.window or run.context_used)
