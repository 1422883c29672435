"""Where the watcher's commands run: what they run is a branch's code, so from L1 on it is held in as agents are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.states import Isolation
from fleet_tui.git.trees import remove_tree
from fleet_tui.tmux import sandbox
from fleet_tui.watcher.confinement import agent_user, isolation, outlets
from fleet_tui.watcher.confinement.commands import Command, CommandPlace
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos.repository import Repository

log = logging.getLogger(__name__)


async def run_lines(
    ctx: Context, repository: Repository, commands: Sequence[Command], tree: Path, origin: Origin
) -> None:
    """Run the commands that set up or tear down the workspace ``tree`` one after the other, in one place.

    Raises:
        FleetError: one failed, or there is no place for them.
    """
    if commands:
        async with command_place(ctx, repository, tree, commands) as place:
            await ctx.commands.run_lines(commands, place, origin, ctx.settings.workspace.time_limit_s)


@asynccontextmanager
async def command_place(
    ctx: Context, repository: Repository, tree: Path, commands: Sequence[Command]
) -> AsyncIterator[CommandPlace]:
    """A place for ``commands`` in ``tree``, of ``repository``, at the level in force, with a home directory that
    ends with it.

    Nothing that one branch's code leaves in a home directory (a poisoned cache, a changed setting) is there for the
    next: what shall last belongs into ``tree``.

    Raises:
        FleetError: that level cannot be had any more, or another is demanded.
    """
    if ctx.level.refusal:
        raise FleetError("no isolation", ctx.level.refusal, "fleet doctor --security")
    if ctx.level.isolation is Isolation.L0:
        await asyncio.to_thread(agent_user.give, (tree,), None)
        yield CommandPlace(tree)
        return
    home = ctx.paths.gates / f".home-{new_id('command')}"
    try:
        yield await asyncio.to_thread(_confined, ctx, repository.control.path, tree, home, commands)
    finally:
        _log_of(home).unlink(missing_ok=True)
        await throw_away(home)


async def serving(ctx: Context, control: Path, place: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """``argv``, a git that serves from the repository in ``place``, held in at the level in force.

    It borrows from the repository ``control``. An agent writes there: what it planted (a link, other objects) leads
    nowhere that the agent cannot see itself.

    Raises:
        FleetError: that level cannot be had any more, or another is demanded.
    """
    if ctx.level.refusal:
        raise FleetError("no isolation", ctx.level.refusal, "fleet doctor --security")
    if ctx.level.isolation is Isolation.L0:
        return argv
    view = await asyncio.to_thread(isolation.view_of_repository, ctx.paths, ctx.settings.isolation, place, control)
    return sandbox.wrap(_bubblewrap(), view, argv)


def _bubblewrap() -> str:
    program = sandbox.bubblewrap()
    if program is None:
        raise FleetError("no isolation", "bubblewrap (bwrap) is gone", "install it again, or restart the watcher")
    return program


def _confined(ctx: Context, control: Path, tree: Path, home: Path, commands: Sequence[Command]) -> CommandPlace:
    program = _bubblewrap()
    level, settings = ctx.level.isolation, ctx.settings.isolation
    user = agent_user.find(settings.user) if level is Isolation.L2 else None
    home.mkdir(mode=0o700)
    view = isolation.view_of_command(ctx.paths, settings, tree, home, commands, control, user)
    log_file = _log_of(home)
    return CommandPlace(tree, level, home, program, view, outlets.outlet(settings, log_file, user), log_file)


def _log_of(home: Path) -> Path:
    """Beside what the sandbox shows."""
    return home.with_name(f"{home.name}.network.log")


async def throw_away(directory: Path) -> None:
    """Delete what a branch's code wrote to, whatever rights it left there."""
    try:
        await remove_tree(directory)
    except FleetError as error:
        log.warning("what a command wrote stays until the next start: %s", error)
