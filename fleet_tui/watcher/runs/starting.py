"""Bringing a queued run to life: workspace, identity, prompt, process. Every step may be repeated after a crash."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.bus.identity import Origin
from fleet_tui.bus.shim import write_guards, write_mcp
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    Draft,
    MessageSent,
    RunFinished,
    RunStarted,
    RunStateChanged,
    WorkspaceCreated,
    draft,
)
from fleet_tui.domain.ids import branch_for, new_id
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.domain.users import AgentUser
from fleet_tui.governance.dispatch import takes_work
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.tmux import sandbox, scope
from fleet_tui.tmux.records import RunSpec, write_spec
from fleet_tui.tmux.runner_client import runner_argv
from fleet_tui.vendors.base import Launch, LaunchRequest
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement import agent_user, isolation, outlets
from fleet_tui.watcher.confinement.command_place import run_lines
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import tickets
from fleet_tui.watcher.repos import repositories
from fleet_tui.watcher.runs import memory, prompt, reading, spending
from fleet_tui.watcher.runs.environment import agent_environment, bus_socket, install_client
from fleet_tui.watcher.runs.sessions import session_for
from fleet_tui.watcher.runs.vendors import vendor_of

log = logging.getLogger(__name__)
_LONG_TEXT = 4_000


async def start(ctx: Context, run: Run) -> None:
    """Start ``run``; a failure before the process exists ends the run with its reason and asks for a person."""
    try:
        agent = ctx.settings.agent(run.agent)
        workspace, branch, base = await _workspace(ctx, run)
        if await _launch(ctx, run, agent, workspace, branch, base):
            await alarms.clear(ctx, "start", f"agent:{run.agent}", "a later run of it began")
    except FleetError as error:
        fresh = ctx.reader.run(run.id)
        if fresh is not None and fresh.state is RunState.STARTING:
            raise  # all is written but tmux did not do its part: the run is spawned again after a rest
        if await repositories.turned_away(ctx, run):
            return  # it stays queued: nothing of its repository begins now, and an alarm says why
        log.warning("run %s cannot start: %s", run.id, error)
        reason = one_line(f"{error.title}: {error.message}", 400)
        await ctx.say(RunFinished(run.id, "failed", None, None, 0, reason), f"run:{run.id}")
        about = f"agent:{run.agent}"
        response = error.hint or "see `fleet log`"
        await alarms.ensure(
            ctx, "start", about, priority=2, title=f"{run.agent} cannot start: {reason}", response=response
        )
        if run.ticket is not None and run.pr is None:
            await tickets.block(ctx, run.ticket, f"{run.agent} cannot start: {reason}")


async def _workspace(ctx: Context, run: Run) -> tuple[Path, str, str]:
    """The directory, branch and base of a run: authors have one per ticket, others a checkout of their own."""
    family, repository = ctx.settings.family(run.role), ctx.repository_of(run)
    if run.ticket is None or family.name != "author":
        commit = run.head_sha or await repository.control.target_sha()
        return await repository.workspaces.review_checkout(run.id, commit), "", commit
    existing = ctx.reader.workspace(run.ticket)
    if existing is not None and not existing.removed:
        paths = await repository.workspaces.create(run.ticket, existing.branch, existing.base_sha)
        return paths.path, existing.branch, existing.base_sha
    ticket = ctx.reader.ticket(run.ticket)
    base = await repository.control.target_sha()
    paths = await repository.workspaces.create(run.ticket, branch_for(run.ticket, ticket.title if ticket else ""), base)
    origin = Origin(f"workspace set-up of ticket #{run.ticket}", f"ticket:{run.ticket}")
    await run_lines(ctx, repository, ctx.settings.for_repository(repository.name).workspace.setup, paths.path, origin)
    created = WorkspaceCreated(run.ticket, paths.branch, base, str(paths.path))
    await ctx.say(created, f"ticket:{run.ticket}")
    return paths.path, paths.branch, base


async def _launch(ctx: Context, run: Run, agent: AgentSettings, workspace: Path, branch: str, base: str) -> bool:
    """Whether it has begun; else it stays queued, and the passes see to it."""
    run_dir = ctx.paths.run_dir(run.id)
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    install_client(run_dir)
    await reading.prepare(ctx, run, agent)
    launch = await _prepared(ctx, run, agent, workspace)
    _look_for_own(run, launch.program, workspace)
    write_guards(run_dir / "bin", launch.spared)
    contained = await asyncio.to_thread(_contained, ctx, run, launch, workspace)
    token = secrets.token_hex(32)
    spec = _spec(ctx, run, agent, launch, contained, workspace, token)
    write_spec(run_dir, spec)
    if not _may_begin(ctx, run):
        return False
    memory_by = "" if spec.memory_mb is None else "watcher" if ctx.scopes_lack else "kernel"
    started = RunStarted(
        run=run.id,
        session=run.id,
        pane_uuid=secrets.token_hex(16),
        workspace=str(workspace),
        branch=branch,
        base_sha=base,
        isolation=contained.level.value,
        agent_epoch=_epoch(ctx, run.agent),
        token_sha=_digest(token),
        memory_mb=spec.memory_mb,
        memory_by=memory_by,
    )
    drafts = [draft(started, f"run:{run.id}")]
    if launch.paste is not None:
        drafts.append(message(ctx, run.id, "prompt", launch.paste))
    await ctx.record(*drafts)
    fresh = ctx.reader.run(run.id)
    if fresh is not None:
        await spawn(ctx, fresh)
    return True


def _may_begin(ctx: Context, run: Run) -> bool:
    """Whether nobody has held it up since its start began: to make its workspace may take minutes."""
    now, agent = ctx.reader.run(run.id), ctx.reader.agent(run.agent)
    wanted = now is not None and now.state is RunState.QUEUED and not now.stop_requested
    return wanted and agent is not None and takes_work(agent) and not ctx.reader.fleet().halted


async def _prepared(ctx: Context, run: Run, agent: AgentSettings, workspace: Path) -> Launch:
    """What its vendor makes of the run: the command line, with the settings that it needs written.

    Raises:
        FleetError: they cannot be written, or the vendor says why it cannot be started.
    """
    vendor = vendor_of(ctx, run)
    session, resume = session_for(ctx, run, vendor)
    run_dir = ctx.paths.run_dir(run.id)
    request = LaunchRequest(
        run=run.id,
        agent=run.agent,
        role=run.role,
        model=run.model,
        prompt=prompt.resumed(ctx, run) if resume else prompt.build(ctx, run, agent),
        run_dir=run_dir,
        workspace=workspace,
        ticket=run.ticket,
        home=isolation.agent_home(ctx.paths, run.agent),
        session=session,
        resume=resume,
        sandboxed=ctx.level.isolation is not Isolation.L0,
        skills=prompt.skills(ctx.paths.repository, ctx.settings, agent),
        mcp=write_mcp(run_dir / "bin") if vendor.capabilities.mcp and ctx.settings.vendor(run.vendor).mcp else None,
    )
    try:
        return await asyncio.to_thread(vendor.launch, request)
    except OSError as error:
        # Its settings lie in the agent's home, where the agent may have left anything.
        problem = f"{request.home}: {error.strerror or error}"
        raise FleetError(
            "its settings cannot be written", problem, "look there, and remove what is in the way"
        ) from error


def _spec(
    ctx: Context, run: Run, agent: AgentSettings, launch: Launch, contained: _Contained, workspace: Path, token: str
) -> RunSpec:
    """What the runner is told: the command line in its place, its complete environment, its limits."""
    run_dir, home, user = ctx.paths.run_dir(run.id), contained.home, contained.user
    argv, memory_mb = contained.argv, memory.ceiling_mb(ctx, run)
    environment = agent_environment(run, agent, run_dir, workspace, token, launch.env, home, user)
    if memory_mb is not None and not ctx.scopes_lack:
        argv, lent = scope.wrapped(argv, scope.unit_of(run.id), memory_mb, environment)
        environment = environment | lent
    spec = RunSpec(
        run.id,
        argv,
        str(workspace),
        environment,
        str(launch.stdin_file) if launch.stdin_file else None,
        sandboxed=home is not None,
        limit_ms=spending.first_limit_ms(ctx, run),
        memory_mb=memory_mb,
    )
    return spec if home is None else outlets.with_outlet(spec, ctx.settings.isolation, outlets.log_of(run_dir), user)


def _look_for_own(run: Run, program: str, workspace: Path) -> None:
    """A program that is named by its place in the workspace (``./tools/agent``) must be there.

    Raises:
        FleetError: it is not.
    """
    if "/" in program and not os.access(workspace / program, os.X_OK):
        hint = f"commit it, or set vendors.{run.vendor}.argv to where the program is"
        raise FleetError("no such program", f"{program} is not in its workspace", hint)


@dataclass(frozen=True, slots=True)
class _Contained:
    """A command line at the level in force; the agent's own home directory from L1 on, and its user at L2."""

    level: Isolation
    argv: tuple[str, ...]
    home: Path | None = None
    user: AgentUser | None = None


def _contained(ctx: Context, run: Run, launch: Launch, workspace: Path) -> _Contained:
    """Put ``launch`` into the level in force.

    Raises:
        FleetError: that cannot be had any more, or another is demanded.
    """
    if ctx.level.refusal:
        raise FleetError("no isolation", ctx.level.refusal, "fleet doctor --security")
    if ctx.level.isolation is Isolation.L0:
        agent_user.give(isolation.owned(ctx.paths, run.agent, run.id, workspace), None)
        return _Contained(Isolation.L0, launch.argv)
    program = sandbox.bubblewrap()
    if program is None:
        raise FleetError("no isolation", "bubblewrap (bwrap) is gone", "install it again, or restart the watcher")
    settings = ctx.settings.isolation
    user = agent_user.find(settings.user) if ctx.level.isolation is Isolation.L2 else None
    control = ctx.repository_of(run).control.path
    view = isolation.view_of(ctx.paths, settings, run.agent, run.id, launch, workspace, control, user)
    home = isolation.agent_home(ctx.paths, run.agent)
    return _Contained(ctx.level.isolation, sandbox.wrap(program, view, launch.argv), home, user)


def message(
    ctx: Context, run: str, purpose: str, text: str, *, actor: str = "watcher", key: str | None = None
) -> Draft:
    """A text for the pane of ``run``; long ones are kept as blobs."""
    sha = ctx.store.put_blob(text) if len(text) > _LONG_TEXT else None
    sent = MessageSent(new_id("msg"), run, purpose, text[:_LONG_TEXT], sha)
    return draft(sent, f"run:{run}", actor=actor, key=key)


async def spawn(ctx: Context, run: Run) -> None:
    """Make the run's socket and process exist. Idempotent: an existing pane with the run's uuid is adopted."""
    run_dir = ctx.paths.run_dir(run.id)
    await listen(ctx, run)
    await ctx.tmux.ensure()
    await ctx.tmux.spawn(run.session, runner_argv(run_dir), cwd=Path(run.workspace), uuid=run.pane_uuid)
    now = ctx.reader.run(run.id)
    if now is not None and now.state is RunState.STARTING:  # not contained meanwhile
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, "runner"), f"run:{run.id}")


async def listen(ctx: Context, run: Run) -> None:
    """Serve the run's own socket; its token is known by hash only."""

    def check(token: str) -> bool:
        return secrets.compare_digest(_digest(token), run.token_sha)

    run_dir = ctx.paths.run_dir(run.id)
    guest = agent_user.of_run(run_dir) if run.isolation == Isolation.L2 else None
    await ctx.bus.listen_run(run.id, bus_socket(run_dir), check, guest)


def _epoch(ctx: Context, agent: str) -> int:
    row = ctx.reader.agent(agent)
    return row.epoch if row else 0


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
