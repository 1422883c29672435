"""How full the contexts of runs are, as their programs say it: recorded when that has moved visibly, and not too often.

An agent can say it too: what cannot be is passed over.
"""

from __future__ import annotations

from fleet_tui.domain.events import ContextFilled
from fleet_tui.domain.model import MOST_CONTEXT_PERCENT, Run
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.watcher.context import Context

STEP_PERCENT = 5
"""Of the window, or of what was used before where its size is not known."""
_EVERY_NS = 5_000_000_000
_LEAST_WINDOW, _MOST_TOKENS = 1_000, 100_000_000


async def told(ctx: Context, run: Run, filled: Filled) -> None:
    """Take in what the program of ``run`` says. A source that knows the window is not replaced by one that does not."""
    now = ctx.reader.run(run.id)
    if now is None or not can_be(filled) or (now.context_window is not None and filled.window is None):
        return
    ctx.contexts_waiting.pop(run.id, None)
    if not has_moved(now, filled):
        return
    if 0 <= ctx.now_ns() - ctx.contexts_told_ns.get(run.id, 0) < _EVERY_NS:
        ctx.contexts_waiting[run.id] = filled
        return
    ctx.contexts_told_ns[run.id] = ctx.now_ns()
    event = ContextFilled(run.id, run.agent, filled.used, filled.window, filled.source)
    await ctx.say(event, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}")


async def settle(ctx: Context, run: Run, *, last: bool = False) -> None:
    """Record what came too soon after the one before, when its time has come, or it is the ``last`` word."""
    if last:
        ctx.contexts_told_ns.pop(run.id, None)
    waiting = ctx.contexts_waiting.get(run.id)
    if waiting is not None:
        await told(ctx, run, waiting)
    if last:
        ctx.contexts_told_ns.pop(run.id, None)


def can_be(filled: Filled) -> bool:
    """Whether a context may look like that; the last answer may go some way beyond the window."""
    if not 0 <= filled.used <= _MOST_TOKENS:
        return False
    window = filled.window
    if window is None:
        return True
    return _LEAST_WINDOW <= window <= _MOST_TOKENS and filled.used * 100 <= window * MOST_CONTEXT_PERCENT


def has_moved(run: Run, filled: Filled) -> bool:
    """Whether it differs by a step from what is known of the run; also down, after its program has compacted it."""
    if run.context_used is None or run.context_source != filled.source:
        return True
    if (run.context_window is None) != (filled.window is None):
        return True
    used, window = filled.used - run.context_used, (filled.window or 0) - (run.context_window or 0)
    step = STEP_PERCENT * (run.context_window or run.context_used)
    return max(abs(used), abs(window)) * 100 >= step
