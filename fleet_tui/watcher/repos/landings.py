"""Which landings are under way, and where: nothing else moves that target meanwhile, or takes in what is seen of it."""

from __future__ import annotations

from fleet_tui.domain.states import EffectState
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos.repository import Repository

LANDING, PUBLISHING = "land:", "publish:"
"""How the names of the jobs begin that land a pull request on the forge, or show it there; its number follows."""


def is_at_work(ctx: Context, jobs: str, repository: Repository) -> bool:
    """Whether one of ``jobs`` is under way for a pull request in ``repository``."""
    found = (ctx.reader.pull_request(int(key.removeprefix(jobs))) for key in ctx.jobs.running(jobs))
    return any(pull_request is None or ctx.is_in(pull_request, repository) for pull_request in found)


def lands(ctx: Context, repository: Repository) -> bool:
    """Whether a landing in ``repository`` is under way, or it is not known yet what became of one."""
    merges = ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge")
    found = (ctx.reader.pull_request(int(str(effect.precondition["pr"]))) for effect in merges)
    open_ones = (pull_request is None or ctx.is_in(pull_request, repository) for pull_request in found)
    return is_at_work(ctx, LANDING, repository) or any(open_ones)
