"""The merge queue: one landing at a time, by compare-and-swap, of exactly the tree that was gated and approved."""

from __future__ import annotations

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import (
    Draft,
    EffectFailed,
    PullRequestMerged,
    TargetMoved,
    TargetPublished,
    TicketShipped,
    WorkspaceRemoved,
    draft,
)
from fleet_tui.domain.model import Approval, PullRequest
from fleet_tui.domain.states import LIVE_RUNS, ApprovalState, EffectClass, EffectState, PullRequestState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.git.values import PublishState, SyncState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context, MergeView
from fleet_tui.watcher.mergeview import gate_results, gates_in_force, merge_view
from fleet_tui.watcher.outbox import Act, Probe, carry_out
from fleet_tui.watcher.passes.approvals import may_land
from fleet_tui.watcher.shell import run_lines

_LOOK_AT_TARGET_NS = 2_000_000_000


async def land(ctx: Context) -> None:
    """Land the oldest pull request that may land. The next pass sees the moved base and judges the others anew."""
    if alarms.active(ctx, "landed-differs", "fleet") or alarms.active(ctx, "target-diverged", "fleet"):
        return
    await _finish_interrupted(ctx)
    for pull_request in sorted(ctx.reader.pull_requests(PullRequestState.GATED), key=lambda p: p.created_ns):
        allowed, approval = await may_land(ctx, pull_request)
        if allowed:
            await _land(ctx, pull_request, approval)
            return


async def _land(ctx: Context, pull_request: PullRequest, approval: Approval | None) -> None:
    base = await ctx.base()
    view = await merge_view(ctx, pull_request, base)
    results = gate_results(ctx, view.tree, gates := await gates_in_force(ctx, base))
    if view.conflict or len(results) != len(gates):
        return  # the gates pass will deal with it
    act = _act(ctx, pull_request, base, view)
    try:
        state = await carry_out(ctx, act)
    except Conflict:
        return  # somebody moved the target: judged anew on the new base
    if state is EffectState.DONE:
        await _landed(ctx, pull_request, approval, base, view)


def _act(ctx: Context, pull_request: PullRequest, base: str, view: MergeView) -> Act:
    async def perform() -> str:
        ctx.tip = ""
        if not await ctx.control.land(view.commit, base):
            raise Conflict("target moved", f"{ctx.control.target} is no longer at {base[:8]}")
        return view.commit

    async def probe() -> Probe:
        tip = await ctx.control.target_sha()
        done = tip == view.commit or await ctx.control.is_ancestor(view.commit, tip)
        return Probe.DONE if done else Probe.NOT_DONE

    key = f"merge:{pull_request.number}:{pull_request.head_sha}:{base}"
    return Act(key, "merge", EffectClass.CAS, f"pr:{pull_request.number}", perform, probe)


async def _landed(
    ctx: Context, pull_request: PullRequest, approval: Approval | None, base: str, view: MergeView
) -> None:
    tip = await ctx.control.target_sha()
    tree = await ctx.control.tree_of(view.commit)
    if tree != view.tree or not await ctx.control.is_ancestor(view.commit, tip):
        title = f"what landed for #{pull_request.number} is not what was gated ({tree[:8]} ≠ {view.tree[:8]})"
        response = "look at the target branch before anything else lands"
        await alarms.ensure(ctx, "landed-differs", "fleet", priority=1, title=title, response=response)
        return
    await ctx.record(*_merged(ctx, pull_request, approval.id if approval else None, base, view.commit, view.tree))


def _merged(
    ctx: Context, pull_request: PullRequest, approval: str | None, base: str, commit: str, tree: str
) -> list[Draft]:
    number, target = pull_request.number, ctx.control.target
    merged = PullRequestMerged(number, pull_request.ticket, pull_request.head_sha, base, commit, tree, target, approval)
    key = f"{number}:{commit}"
    return [
        draft(merged, f"pr:{number}", key=f"merged:{key}"),
        draft(TargetMoved(target, base, commit, "merge"), "fleet", key=f"moved:{key}"),
        draft(
            TicketShipped(pull_request.ticket, number, commit), f"ticket:{pull_request.ticket}", key=f"shipped:{key}"
        ),
    ]


async def _finish_interrupted(ctx: Context) -> None:
    """A watcher died while landing: if the commit is on the target the record is completed, else the attempt closed."""
    for effect in ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge"):
        number = int(effect.target.removeprefix("pr:"))
        pull_request = ctx.reader.pull_request(number)
        # The target as the log knows it is the base on which the interrupted landing was attempted.
        base = ctx.reader.fleet().target_sha
        view = await merge_view(ctx, pull_request, base) if pull_request else None
        act = _act(ctx, pull_request, base, view) if pull_request and view else None
        if act is None or act.id != effect.id or await act.probe() is not Probe.DONE:
            closed = EffectFailed(effect.id, effect.fence, "not on the target after a restart", retry=True)
            await ctx.say(closed, effect.target)
        elif pull_request and view and await carry_out(ctx, act) is EffectState.DONE:
            held = [a for a in ctx.reader.approvals(ApprovalState.HELD, pr=number) if a.base_sha == base]
            await _landed(ctx, pull_request, held[0] if held else None, base, view)


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
    if not await _target_may_have_moved(ctx):
        return
    ctx.tip = ""
    sync = await ctx.control.sync_target()
    if sync.state is SyncState.MISSING:
        title = f"your branch {ctx.control.target} is gone: nothing can land"
        response = f"git branch {ctx.control.target} {sync.ours[:12]}"
        await alarms.ensure(ctx, "target-missing", "fleet", priority=2, title=title, response=response)
        return
    await alarms.clear(ctx, "target-missing", "fleet", "the branch is back")
    if sync.state is SyncState.DIVERGED:
        title = f"{ctx.control.target} diverged: you have {(sync.theirs or '')[:8]}, the fleet landed {sync.ours[:8]}"
        response = f"merge refs/fleet/{ctx.control.target} into your {ctx.control.target}"
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
        response = f"commit or stash your changes; until then the commits are at refs/fleet/{ctx.control.target}"
        await alarms.ensure(ctx, "publish-waits", "fleet", priority=3, title=title, response=response)


async def reclaim(ctx: Context) -> None:
    """Remove the workspaces of shipped tickets; a backup ref keeps whatever they held."""
    for workspace in ctx.reader.workspaces():
        ticket = ctx.reader.ticket(workspace.ticket)
        if ticket is None or ticket.state is not TicketState.SHIPPED:
            continue
        if ctx.reader.runs(*LIVE_RUNS, ticket=ticket.number):
            continue
        paths = await ctx.workspaces.create(workspace.ticket, workspace.branch, workspace.base_sha)
        await run_lines(
            ctx.settings.workspace.teardown, paths.path, ctx.settings.workspace.time_limit_s, what="teardown"
        )
        backup = await ctx.workspaces.remove(workspace.ticket, "shipped")
        removed = WorkspaceRemoved(workspace.ticket, workspace.path, backup, "shipped")
        await ctx.say(removed, f"ticket:{workspace.ticket}", key=f"removed:{workspace.ticket}:{workspace.branch}")
