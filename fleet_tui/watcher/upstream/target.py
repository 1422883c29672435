"""The target branch on the forge: the control repository follows it, and the person's own branch when that is safe."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fleet_tui.domain.events import TargetMoved
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import PullRequestState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.repos.landings import lands
from fleet_tui.watcher.repos.repository import Repository
from fleet_tui.watcher.upstream.state import Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

Publish = Callable[[str, str], Awaitable[None]]


async def follow(ctx: Context, upstream: Upstream, recorded: str, publish: Publish) -> None:
    """Take in what the last look at the forge showed of the target, which was ``recorded`` last (empty: never), and
    hand it over to the person's branch."""
    local = upstream.local
    local.looked_at_target_ns = ctx.now_ns()
    if lands(ctx, local):
        return  # a landing moves it by itself
    ours, theirs = await local.control.target_sha(), await upstream.remote.seen(local.control.target)
    if theirs is None:
        await _tell_missing(ctx, upstream)
        return
    await alarms.clear(ctx, "target-missing", local.about, "the branch is there")
    if ours != theirs and not await _take_over(ctx, local, ours, theirs):
        return
    await alarms.clear(ctx, "target-diverged", local.about, "the histories are joined")
    local.tip = ""
    if recorded != theirs:
        moved = TargetMoved(local.control.target, recorded or theirs, theirs, "forge", local.name)
        await ctx.say(moved, local.about)
    mine = await local.user.branch_sha(local.control.target)
    if mine is not None and mine != theirs:
        await publish(theirs, mine)


async def _take_over(ctx: Context, local: Repository, ours: str, theirs: str) -> bool:
    """Whether our target is now where the forge's is. It follows back too, as long as nothing that landed is lost."""
    control, target, title = local.control, local.control.target, ""
    if not await control.is_ancestor(theirs, ours):
        if not await control.is_ancestor(ours, theirs):
            title = f"{target} was rewritten on GitHub: {theirs[:8]} does not contain {ours[:8]}"
    elif (lost := _landed_last(ctx, local)) is not None:
        commit = str(lost.merge_sha)
        if await control.is_ancestor(commit, ours) and not await control.is_ancestor(commit, theirs):
            title = f"{target} on GitHub lacks what landed with PR {lost.number}: {theirs[:8]} is before {commit[:8]}"
    if not title:
        return await control.follow(theirs, ours)
    where = shlex.quote(str(control.path))
    response = f"put it right there, or accept it: git --git-dir={where} update-ref {_ref(local)} {theirs}"
    await alarms.ensure(ctx, "target-diverged", local.about, priority=2, title=title, response=response)
    return False


def _landed_last(ctx: Context, local: Repository) -> PullRequest | None:
    """What landed before is in it."""
    merged = ctx.reader.pull_requests(PullRequestState.MERGED)
    here = [one for one in merged if one.merge_sha and one.target == local.control.target and ctx.is_in(one, local)]
    return max(here, key=lambda one: one.changed_ns, default=None)


def _ref(local: Repository) -> str:
    return shlex.quote(f"refs/heads/{local.control.target}")


async def _tell_missing(ctx: Context, upstream: Upstream) -> None:
    local = upstream.local
    if not upstream.succeeded_ns:
        return  # nothing was seen yet
    title = f"{local.control.target} is not on GitHub: nothing can land"
    response = f"push it, or name another branch in `target_branch` ({upstream.remote.address})"
    await alarms.ensure(ctx, "target-missing", local.about, priority=2, title=title, response=response)
