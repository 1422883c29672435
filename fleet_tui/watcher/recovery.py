"""What a watcher clears away when it starts: the half-done work of one that was killed."""

from __future__ import annotations

import asyncio
import signal

from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.git.trees import remove_tree
from fleet_tui.tmux import proctree
from fleet_tui.watcher.confinement.commands import COMMAND_MARKER
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import reading

_REVIEW = "review-"


async def clear_interrupted(ctx: Context) -> None:
    """End commands nobody waits for, and delete checkouts that are half made or of runs that ended. Repeatable."""
    await asyncio.to_thread(_end_commands, ctx.commands.fleet)
    for checkout in ctx.paths.gates.glob("*"):
        await remove_tree(checkout)
    await ctx.home.workspaces.tidy()
    wanted = {run.id for run in ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS)}
    for checkout in ctx.home.workspaces.root.glob(f"{_REVIEW}*"):
        name = checkout.name.removeprefix(_REVIEW)
        if name not in wanted:
            await ctx.home.workspaces.remove_review(name)
    await reading.keep_only(ctx.paths, wanted)
    runs.sweep(ctx, [pane.session for pane in await ctx.tmux.panes() or []])


def _end_commands(fleet: str) -> None:
    # Their result would belong to nobody, and their checkout is about to be replaced under them.
    proctree.send(proctree.marked(COMMAND_MARKER, fleet), signal.SIGKILL)
