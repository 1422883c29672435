"""The merge queue: one landing at a time, by compare-and-swap, of exactly the tree that was gated and approved."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.events import WorkspaceRemoved
from fleet_tui.domain.model import Approval, Effect, PullRequest, Workspace
from fleet_tui.domain.states import LIVE_RUNS, STANDING_ALARMS, EffectState, PullRequestState, RunState, TicketState
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement.command_place import run_lines
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.handover import REPOSITORY
from fleet_tui.watcher.merging.landing import Landing, land_now
from fleet_tui.watcher.merging.mergeview import judgement
from fleet_tui.watcher.outbox import settle
from fleet_tui.watcher.passes.approvals import may_land
from fleet_tui.watcher.repos import following_target, repositories
from fleet_tui.watcher.repos.landings import LANDING, lands
from fleet_tui.watcher.repos.repository import Repository
from fleet_tui.watcher.upstream import landing as there


async def land(ctx: Context) -> None:
    """Land the oldest pull request of each repository that may land.

    The next pass sees the moved base and judges the others there anew.
    """
    if ctx.jobs.running(LANDING):
        return
    gated = sorted(ctx.reader.pull_requests(PullRequestState.GATED), key=lambda p: p.created_ns)
    if not any(_is_stopped(ctx, repository) for repository in ctx.repositories):
        for rule in ("land", there.HELD):
            await alarms.only(ctx, rule, [f"pr:{pull_request.number}" for pull_request in gated])
    usable = [pull_request for pull_request in gated if ctx.usable(pull_request)]
    for repository in ctx.repositories:
        if not _is_stopped(ctx, repository) and not repositories.is_looked_at(ctx, repository):
            await _land_first(ctx, [one for one in usable if ctx.repository_of(one) is repository])


def _is_stopped(ctx: Context, repository: Repository) -> bool:
    """Whether nothing lands there until a person has looked, or it is known what became of the last landing."""
    return lands(ctx, repository) or any(
        alarms.active(ctx, rule, repository.about) for rule in ("landed-differs", "target-diverged")
    )


async def _land_first(ctx: Context, gated: Sequence[PullRequest]) -> None:
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
    if ctx.upstream_of(pull_request) is not None:
        return await there.begin(ctx, landing)
    await land_now(ctx, landing)
    return True


async def finish_interrupted(ctx: Context) -> None:
    """A watcher died while landing: if the commit is on the target the record is completed, else the attempt closed.

    Comes before every pass that looks at the target: to those a landing without its record is somebody else's commit.
    """
    for effect in ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge"):
        landing = Landing(**effect.precondition)  # type: ignore[arg-type]
        is_home = ctx.is_home(landing)
        if is_home and ctx.upstream is None:
            await settle(ctx, landing.act(ctx), effect)
        elif is_home or landing.there:
            await _finish_there(ctx, landing, effect)
        elif ctx.usable(landing):
            title = f"what became of the landing of PR {landing.pr} cannot be told"
            async with alarms.guarding(ctx, "land", f"pr:{landing.pr}", title=title):
                await settle(ctx, landing.act(ctx), effect)


async def _finish_there(ctx: Context, landing: Landing, effect: Effect) -> None:
    if ctx.upstream_of(landing) is None:
        title = f"what became of the landing of PR {landing.pr} in {landing.there} cannot be told"
        response = f"name {landing.there} in `repos.<its name>.github` again, and restart the watcher"
        await alarms.ensure(ctx, "land", f"pr:{landing.pr}", priority=2, title=title, response=response)
    elif ctx.usable(landing):
        there.finish(ctx, landing, effect)


async def follow_user(ctx: Context) -> None:
    """Take in what a person committed to the target branches, and hand over what landed, when that is safe."""
    repositories.look(ctx)
    await following_target.follow(ctx, ctx.home)


async def reclaim(ctx: Context) -> None:
    """Remove the workspaces of shipped tickets, beside the passes; a backup ref keeps whatever they held.

    What an agent left behind decides how long that takes, and whether it can be done.
    """
    for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule=REPOSITORY):
        about = ctx.reader.ticket(int(alarm.about.removeprefix("ticket:")))
        if about is None or about.state in {TicketState.SHIPPED, TicketState.CLOSED}:
            await alarms.clear(ctx, REPOSITORY, alarm.about, "its ticket is done")
    for workspace in ctx.reader.workspaces():
        if _is_left(ctx, workspace) and ctx.usable(workspace):
            ctx.jobs.start(f"reclaim:{workspace.ticket}", lambda workspace=workspace: _reclaim(ctx, workspace))  # type: ignore[misc]


def _is_left(ctx: Context, workspace: Workspace) -> bool:
    """Whether its ticket has shipped, and nobody works there or is about to."""
    ticket = ctx.reader.ticket(workspace.ticket)
    if ticket is None or ticket.state is not TicketState.SHIPPED or ctx.reader.runs(*LIVE_RUNS, ticket=ticket.number):
        return False
    queued = ctx.reader.runs(RunState.QUEUED, ticket=ticket.number)
    return not any(ctx.jobs.running(f"start:{run.id}") for run in queued)


async def _reclaim(ctx: Context, workspace: Workspace) -> None:
    title = f"the workspace of ticket #{workspace.ticket} cannot be removed"
    response = f"look into {workspace.path}"
    async with alarms.guarding(
        ctx, "reclaim", f"ticket:{workspace.ticket}", title=title, response=response, passing=True
    ):
        await _remove(ctx, workspace)


async def _remove(ctx: Context, workspace: Workspace) -> None:
    repository = ctx.repository_of(workspace)
    paths = await repository.workspaces.create(workspace.ticket, workspace.branch, workspace.base_sha)
    origin = Origin(f"workspace teardown of ticket #{workspace.ticket}", f"ticket:{workspace.ticket}")
    await run_lines(
        ctx, repository, ctx.settings.for_repository(repository.name).workspace.teardown, paths.path, origin
    )
    if not _is_left(ctx, workspace):
        return  # somebody began there while it was tidied
    backup = await repository.workspaces.remove(workspace.ticket, "shipped")
    removed = WorkspaceRemoved(workspace.ticket, workspace.path, backup, "shipped")
    await ctx.say(removed, f"ticket:{workspace.ticket}", key=f"removed:{workspace.ticket}:{workspace.branch}")
