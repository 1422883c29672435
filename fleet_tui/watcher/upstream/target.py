"""The target branch on the forge: the control repository follows it, and the person's own branch when that is safe."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fleet_tui.domain.events import TargetMoved
from fleet_tui.domain.states import EffectState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.upstream.state import LANDING, Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

_LOOK_NS = 5_000_000_000
Publish = Callable[[str, str], Awaitable[None]]


async def follow(ctx: Context, upstream: Upstream, publish: Publish) -> None:
    """Take in what the last look at the forge showed of the target, and hand it over to the person's branch."""
    if ctx.now_ns() - ctx.home.looked_at_target_ns < _LOOK_NS or ctx.jobs.running(LANDING):
        return
    if ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge"):
        return  # a landing moves it by itself
    ctx.home.looked_at_target_ns = ctx.now_ns()
    ours, theirs = await ctx.home.control.target_sha(), await upstream.remote.seen(ctx.home.control.target)
    if theirs is None:
        await _tell_missing(ctx, upstream)
        return
    await alarms.clear(ctx, "target-missing", "fleet", "the branch is there")
    if ours != theirs and not await _take_over(ctx, ours, theirs):
        return
    await alarms.clear(ctx, "target-diverged", "fleet", "the histories are joined")
    ctx.home.tip = ""
    recorded, tip = ctx.reader.fleet().target_sha, theirs
    if recorded != tip:
        await ctx.say(TargetMoved(ctx.home.control.target, recorded or tip, tip, "forge"), "fleet")
    mine = await ctx.home.user.branch_sha(ctx.home.control.target)
    if mine is not None and mine != tip:
        await publish(tip, mine)


async def _take_over(ctx: Context, ours: str, theirs: str) -> bool:
    """Whether our target is now where the forge's is: what it has not seen was never landed, so it follows back too."""
    ahead = await ctx.home.control.is_ancestor(theirs, ours)
    if not ahead and not await ctx.home.control.is_ancestor(ours, theirs):
        title = f"{ctx.home.control.target} was rewritten on GitHub: {theirs[:8]} does not contain {ours[:8]}"
        where = shlex.quote(str(ctx.home.control.path))
        response = f"put it right there, or accept it: git --git-dir={where} update-ref {_ref(ctx)} {theirs}"
        await alarms.ensure(ctx, "target-diverged", "fleet", priority=2, title=title, response=response)
        return False
    return await ctx.home.control.follow(theirs, ours)


def _ref(ctx: Context) -> str:
    return shlex.quote(f"refs/heads/{ctx.home.control.target}")


async def _tell_missing(ctx: Context, upstream: Upstream) -> None:
    if not upstream.succeeded_ns:
        return  # nothing was seen yet
    title = f"{ctx.home.control.target} is not on GitHub: nothing can land"
    response = f"push it, or name another branch in `target_branch` ({upstream.remote.address})"
    await alarms.ensure(ctx, "target-missing", "fleet", priority=2, title=title, response=response)
