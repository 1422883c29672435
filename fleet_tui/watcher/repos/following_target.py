"""The target branch of a repository on this machine: a person's commits come in, and what landed is handed over."""

from __future__ import annotations

import shlex
from functools import partial

from fleet_tui.domain.events import TargetMoved, TargetPublished
from fleet_tui.domain.text import one_line
from fleet_tui.git.values import PublishState, SyncState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos import landings
from fleet_tui.watcher.repos.repository import Repository
from fleet_tui.watcher.upstream import target

_LOOK_NS, _LOOK_THERE_NS = 2_000_000_000, 5_000_000_000


def is_due(ctx: Context, repository: Repository) -> bool:
    """Whether it was not looked at for a while: that starts processes."""
    rest_ns = _LOOK_NS if repository.upstream is None else _LOOK_THERE_NS
    return ctx.now_ns() - repository.looked_at_target_ns >= rest_ns


async def follow(ctx: Context, repository: Repository) -> None:
    """Take in what a person committed to the target, here or on the forge, and hand over what landed, when that is
    safe."""
    if repository.upstream is not None:
        if is_due(ctx, repository):
            recorded, _ = _recorded(ctx, repository)
            await target.follow(ctx, repository.upstream, recorded, partial(publish, ctx, repository))
        return
    if not await _may_have_moved(ctx, repository):
        return
    repository.tip = ""
    control, about = repository.control, repository.about
    sync = await control.sync_target()
    if sync.state in (SyncState.MISSING, SyncState.DIVERGED):
        # What the alarms tell the person to type needs the commits to be there.
        await repository.user.offer(control, sync.ours)
    if sync.state is SyncState.MISSING:
        title = f"your branch {_branch(repository)} is gone: nothing can land"
        response = f"git branch {control.target} {sync.ours[:12]}"
        await alarms.ensure(ctx, "target-missing", about, priority=2, title=title, response=response)
        return
    await alarms.clear(ctx, "target-missing", about, "the branch is back")
    if sync.state is SyncState.DIVERGED:
        title = f"{_branch(repository)} diverged: you have {(sync.theirs or '')[:8]}, the fleet landed {sync.ours[:8]}"
        response = f"on your {control.target}: git merge refs/fleet/{control.target}"
        await alarms.ensure(ctx, "target-diverged", about, priority=2, title=title, response=response)
        return
    await alarms.clear(ctx, "target-diverged", about, "the histories are joined")
    lands = landings.lands(ctx, repository)
    if lands and repository.name:
        return  # it is finished once this is known to work; only then what it put there is handed over
    recorded, _ = _recorded(ctx, repository)
    tip = await control.target_sha()
    if recorded != tip and not lands:
        moved = TargetMoved(control.target, recorded or tip, tip, "user", repository.name)
        await ctx.say(moved, about)
    await publish(ctx, repository, tip, sync.theirs or tip)


async def publish(ctx: Context, repository: Repository, tip: str, theirs: str) -> None:
    """Hand ``tip`` over to the person's branch, which is at ``theirs``."""
    if _recorded(ctx, repository)[1] == tip:
        return
    control, about = repository.control, repository.about
    result = await repository.user.publish(control, tip, theirs)
    if result.state is PublishState.PUBLISHED:
        how = "checkout" if result.where else "branch"
        await ctx.say(TargetPublished(control.target, tip, how, repository.name), about)
        await alarms.clear(ctx, "publish-waits", about, "handed over")
    elif result.state is PublishState.WAITING:
        where = f"your checkout of {repository.name}" if repository.name else "your checkout"
        title = f"landed commits wait for {where}: {one_line(result.reason)}"
        response = _way_out(result.reason, control.target)
        await alarms.ensure(ctx, "publish-waits", about, priority=3, title=title, response=response)


async def _may_have_moved(ctx: Context, repository: Repository) -> bool:
    """A cheap look at the user's branch, a few times a minute at most: the full comparison starts several processes."""
    target_sha, published_sha = _recorded(ctx, repository)
    settled = published_sha == target_sha == await repository.base()
    if settled and not is_due(ctx, repository):
        return False
    repository.looked_at_target_ns = ctx.now_ns()
    return not settled or await repository.user.branch_sha(repository.control.target) != repository.tip


def _recorded(ctx: Context, repository: Repository) -> tuple[str, str]:
    """The target's commit, and the one that was handed over last, as the log has them; empty: none yet."""
    if not repository.name:
        fleet = ctx.reader.fleet()
        return fleet.target_sha, fleet.published_sha
    found = next((row for row in ctx.reader.repositories() if row.name == repository.name), None)
    return (found.target_sha, found.published_sha) if found is not None else ("", "")


def _branch(repository: Repository) -> str:
    """Its target as people name it."""
    return f"{repository.control.target} of {repository.name}" if repository.name else repository.control.target


def _way_out(reason: str, target: str) -> str:
    """What brings landed commits and the person's checkout together. Committing there first would part them."""
    merge = f"git merge --ff-only {shlex.quote(f'refs/fleet/{target}')}"
    if reason.startswith("uncommitted changes"):
        return f"git stash && {merge} && git stash pop"
    if reason.endswith("in progress"):
        return f"finish or abort it; {target} then moves by itself"
    return f"{merge}   (where {target} is checked out)"
