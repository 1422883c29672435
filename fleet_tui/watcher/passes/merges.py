"""The merge queue: one landing at a time, by compare-and-swap, of exactly the tree that was gated and approved."""

from __future__ import annotations

import shlex

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.events import TargetMoved, TargetPublished, WorkspaceRemoved
from fleet_tui.domain.model import Approval, PullRequest, Workspace
from fleet_tui.domain.states import LIVE_RUNS, STANDING_ALARMS, EffectState, PullRequestState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.git.values import PublishState, SyncState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.command_place import run_lines
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.handover import REPOSITORY
from fleet_tui.watcher.landing import Landing, land_now
from fleet_tui.watcher.mergeview import judgement
from fleet_tui.watcher.outbox import settle
from fleet_tui.watcher.passes.approvals import may_land
from fleet_tui.watcher.upstream import landing as there
from fleet_tui.watcher.upstream import target

_LOOK_AT_TARGET_NS = 2_000_000_000


async def land(ctx: Context) -> None:
    """Land the oldest pull request that may land. The next pass sees the moved base and judges the others anew."""
    if alarms.active(ctx, "landed-differs", "fleet") or alarms.active(ctx, "target-diverged", "fleet"):
        return
    if ctx.jobs.running(there.LANDING):
        return
    gated = sorted(ctx.reader.pull_requests(PullRequestState.GATED), key=lambda p: p.created_ns)
    for rule in ("land", there.HELD):
        await alarms.only(ctx, rule, [f"pr:{pull_request.number}" for pull_request in gated])
    for pull_request in gated:
        allowed, approval = False, None
        number = pull_request.number
        async with alarms.guarding(ctx, "land", f"pr:{number}", title=f"PR {number} cannot land"):
            allowed, approval = await may_land(ctx, pull_request)
        if allowed and await _land(ctx, pull_request, approval):
            return


async def _land(ctx: Context, pull_request: PullRequest, approval: Approval | None) -> bool:
    """Whether the others have to wait for it: what waits for something on the forge keeps nobody."""
    now = await judgement(ctx, pull_request)
    if now.unmet is not None:
        return True  # the gates pass will deal with it
    landing = Landing(
        pr=pull_request.number,
        ticket=pull_request.ticket,
        head=pull_request.head_sha,
        base=now.base,
        commit=now.view.commit,
        tree=now.view.tree,
        approval=approval.id if approval else None,
    )
    if ctx.upstream is not None:
        return await there.begin(ctx, landing)
    await land_now(ctx, landing)
    return True


async def finish_interrupted(ctx: Context) -> None:
    """A watcher died while landing: if the commit is on the target the record is completed, else the attempt closed.

    Comes before every pass that looks at the target: to those a landing without its record is somebody else's commit.
    """
    for effect in ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge"):
        landing = Landing(**effect.precondition)  # type: ignore[arg-type]
        if ctx.upstream is not None:
            there.finish(ctx, landing, effect)
            continue
        await settle(ctx, landing.act(ctx), effect)


async def _target_may_have_moved(ctx: Context) -> bool:
    """A cheap look at the user's branch, a few times a minute at most: the full comparison starts several processes."""
    fleet = ctx.reader.fleet()
    settled = fleet.published_sha == fleet.target_sha == await ctx.base()
    if settled and ctx.now_ns() - ctx.looked_at_target_ns < _LOOK_AT_TARGET_NS:
        return False
    ctx.looked_at_target_ns = ctx.now_ns()
    return not settled or await ctx.user.branch_sha(ctx.control.target) != ctx.tip


async def follow_user(ctx: Context) -> None:
    """Take in what a person committed to the target, and hand over what landed, when that is safe."""
    if ctx.upstream is not None:
        await target.follow(ctx, ctx.upstream, _publish)
        return
    if not await _target_may_have_moved(ctx):
        return
    ctx.tip = ""
    sync = await ctx.control.sync_target()
    if sync.state in (SyncState.MISSING, SyncState.DIVERGED):
        # What the alarms tell the person to type needs the commits to be there.
        await ctx.user.offer(ctx.control, sync.ours)
    if sync.state is SyncState.MISSING:
        title = f"your branch {ctx.control.target} is gone: nothing can land"
        response = f"git branch {ctx.control.target} {sync.ours[:12]}"
        await alarms.ensure(ctx, "target-missing", "fleet", priority=2, title=title, response=response)
        return
    await alarms.clear(ctx, "target-missing", "fleet", "the branch is back")
    if sync.state is SyncState.DIVERGED:
        title = f"{ctx.control.target} diverged: you have {(sync.theirs or '')[:8]}, the fleet landed {sync.ours[:8]}"
        response = f"on your {ctx.control.target}: git merge refs/fleet/{ctx.control.target}"
        await alarms.ensure(ctx, "target-diverged", "fleet", priority=2, title=title, response=response)
        return
    await alarms.clear(ctx, "target-diverged", "fleet", "the histories are joined")
    recorded = ctx.reader.fleet().target_sha
    tip = await ctx.control.target_sha()
    if recorded != tip and not ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge"):
        moved = TargetMoved(ctx.control.target, recorded or tip, tip, "user")
        await ctx.say(moved, "fleet")
    await _publish(ctx, tip, sync.theirs or tip)


async def _publish(ctx: Context, tip: str, theirs: str) -> None:
    if ctx.reader.fleet().published_sha == tip:
        return
    result = await ctx.user.publish(ctx.control, tip, theirs)
    if result.state is PublishState.PUBLISHED:
        how = "checkout" if result.where else "branch"
        await ctx.say(TargetPublished(ctx.control.target, tip, how), "fleet")
        await alarms.clear(ctx, "publish-waits", "fleet", "handed over")
    elif result.state is PublishState.WAITING:
        title = f"landed commits wait for your checkout: {one_line(result.reason)}"
        response = _way_out(result.reason, ctx.control.target)
        await alarms.ensure(ctx, "publish-waits", "fleet", priority=3, title=title, response=response)


def _way_out(reason: str, target: str) -> str:
    """What brings landed commits and the person's checkout together. Committing there first would part them."""
    merge = f"git merge --ff-only {shlex.quote(f'refs/fleet/{target}')}"
    if reason.startswith("uncommitted changes"):
        return f"git stash && {merge} && git stash pop"
    if reason.endswith("in progress"):
        return f"finish or abort it; {target} then moves by itself"
    return f"{merge}   (where {target} is checked out)"


async def reclaim(ctx: Context) -> None:
    """Remove the workspaces of shipped tickets, beside the passes; a backup ref keeps whatever they held.

    What an agent left behind decides how long that takes, and whether it can be done.
    """
    for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule=REPOSITORY):
        about = ctx.reader.ticket(int(alarm.about.removeprefix("ticket:")))
        if about is None or about.state in {TicketState.SHIPPED, TicketState.CLOSED}:
            await alarms.clear(ctx, REPOSITORY, alarm.about, "its ticket is done")
    for workspace in ctx.reader.workspaces():
        ticket = ctx.reader.ticket(workspace.ticket)
        if ticket is None or ticket.state is not TicketState.SHIPPED:
            continue
        if ctx.reader.runs(*LIVE_RUNS, ticket=ticket.number):
            continue
        ctx.jobs.start(f"reclaim:{ticket.number}", lambda workspace=workspace: _reclaim(ctx, workspace))  # type: ignore[misc]


async def _reclaim(ctx: Context, workspace: Workspace) -> None:
    title = f"the workspace of ticket #{workspace.ticket} cannot be removed"
    response = f"look into {workspace.path}"
    async with alarms.guarding(
        ctx, "reclaim", f"ticket:{workspace.ticket}", title=title, response=response, passing=True
    ):
        await _remove(ctx, workspace)


async def _remove(ctx: Context, workspace: Workspace) -> None:
    paths = await ctx.workspaces.create(workspace.ticket, workspace.branch, workspace.base_sha)
    origin = Origin(f"workspace teardown of ticket #{workspace.ticket}", f"ticket:{workspace.ticket}")
    await run_lines(ctx, ctx.settings.workspace.teardown, paths.path, origin)
    backup = await ctx.workspaces.remove(workspace.ticket, "shipped")
    removed = WorkspaceRemoved(workspace.ticket, workspace.path, backup, "shipped")
    await ctx.say(removed, f"ticket:{workspace.ticket}", key=f"removed:{workspace.ticket}:{workspace.branch}")
