"""The further repositories: opened and looked at beside the passes. One that fails holds up its own tickets alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from pathlib import Path

from fleet_tui.domain.errors import FleetError, SetupError
from fleet_tui.domain.model import Run
from fleet_tui.domain.text import one_line
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.user import UserRepository
from fleet_tui.git.workspace import Workspaces
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement.command_place import serving
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos import following_target
from fleet_tui.watcher.repos.repository import Repository

UNUSABLE = "repo-unusable"
_JOB = "repo:"
_OPENING_S = 10.0
_UNSEEN = "it was not looked at yet"
_NO_BRANCH = "git switch to the branch that work is to land on, or set `target_branch` of it in `repos`"

log = logging.getLogger(__name__)


def home(paths: FleetPaths, target: str) -> Repository:
    """The repository that the fleet lives in."""
    control = ControlRepository(paths.control, paths.repository, target)
    return Repository(control, UserRepository(paths.repository), Workspaces(control, paths.workspaces))


def others(paths: FleetPaths, settings: Settings) -> dict[str, Repository]:
    """The repositories of `repos`; nothing is looked at."""
    found = {}
    for name, repo in settings.repos.items():
        place = repo.place(paths.repository)
        control = ControlRepository(paths.control_of(name), place, repo.target_branch or "")
        workspaces = Workspaces(control, paths.workspaces)
        found[name] = Repository(control, UserRepository(place), workspaces, name, trouble=_UNSEEN)
    return found


def hold_in(ctx: Context) -> None:
    """Have what is fetched from agents served from inside the sandbox."""
    for repository in ctx.repositories:
        repository.control.confine = partial(serving, ctx, repository.control.path)


async def open_known(ctx: Context) -> None:
    """Clear up in the control repositories that are there, before anything of before goes on in them.

    What fails now, or does not answer in time, is looked at again beside the passes, and told there.
    """
    known = [one for one in ctx.others.values() if (one.control.path / "HEAD").is_file()]
    await asyncio.gather(*map(_open_in_time, known))


async def _open_in_time(repository: Repository) -> None:
    with contextlib.suppress(FleetError, OSError, TimeoutError):
        async with asyncio.timeout(_OPENING_S):
            await _open(repository)
            repository.opened = True


def look(ctx: Context) -> None:
    """Look at each that is due, as a job: what becomes of a disk or a share decides how long that takes."""
    for repository in ctx.others.values():
        if following_target.is_due(ctx, repository):
            ctx.jobs.start(f"{_JOB}{repository.name}", partial(_look, ctx, repository))


def is_looked_at(ctx: Context, repository: Repository) -> bool:
    """Whether that is under way: then nothing lands there."""
    return bool(repository.name) and f"{_JOB}{repository.name}" in ctx.jobs.running(_JOB)


async def _look(ctx: Context, repository: Repository) -> None:
    try:
        if not repository.opened:
            await _open(repository)
            repository.opened = True
        else:
            await repository.control.target_sha()  # ours may be damaged as well as theirs
        await following_target.follow(ctx, repository)
    except Exception as error:
        if not isinstance(error, FleetError):
            log.exception("looking at %s failed", repository.called)
        await _tell(ctx, repository, error)
    else:
        repository.trouble = ""
        await alarms.clear(ctx, UNUSABLE, repository.about, "it can be worked in again")


async def _open(repository: Repository) -> None:
    """Find out where work lands, and have a control repository: in the state directory, like that of the home."""
    control = repository.control
    if not control.target:
        control.target = await _target(repository, control.path.parent / "target")
    await control.ensure()


async def _target(repository: Repository, remembered: Path) -> str:
    """The branch that was checked out when the fleet first saw it."""
    if remembered.is_file():
        return remembered.read_text(encoding="utf-8").strip()
    branch = (await repository.user.inspect()).branch
    if branch is None:
        told = f"{repository.user.path} has no branch checked out, so it is unclear where work should land"
        raise SetupError("HEAD is detached", told, _NO_BRANCH)
    remembered.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remembered.write_text(branch, encoding="utf-8")
    return branch


async def _tell(ctx: Context, repository: Repository, error: Exception) -> None:
    repository.looked_at_target_ns = ctx.now_ns()
    hint = error.hint if isinstance(error, FleetError) else ""
    reason = f"{error.title}: {error.message}" if isinstance(error, FleetError) else f"{type(error).__name__}: {error}"
    repository.trouble = one_line(reason, 300)
    title = f"the repository {repository.name} cannot be worked in: {repository.trouble}"
    response = hint or f"look at {repository.user.path}; its tickets go on by themselves afterwards"
    await alarms.ensure(ctx, UNUSABLE, repository.about, priority=2, title=title, response=response)


async def turned_away(ctx: Context, run: Run) -> bool:
    """Whether ``run`` could not begin because its repository cannot be worked in now: that is no fault of its agent."""
    if not ctx.usable(run):
        return True
    repository = ctx.repository_of(run)
    if not repository.name:
        return False
    try:
        await repository.user.inspect()
        await repository.control.target_sha()
    except FleetError as error:
        await _tell(ctx, repository, error)
        return True
    return False
