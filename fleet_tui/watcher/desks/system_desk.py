"""What the watcher knows of itself and of what it stands on: its configuration and the parts of the system."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import Any

from fleet_tui import __version__
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.git import command as git
from fleet_tui.settings.explain import value_of
from fleet_tui.settings.problems import Problem
from fleet_tui.store.reader import EventFilter
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos.repository import Repository
from fleet_tui.watcher.upstream.state import LOOK, Upstream

_MOST = 50
_WAL = ("", "-wal")
Part = dict[str, Any]


async def describe(ctx: Context, uptime_s: int) -> dict[str, Any]:
    """Each part says what it is, or ``error`` and what is wrong with it."""
    told = {
        "config": _config(ctx),
        "watcher": {"pid": os.getpid(), "version": __version__, "uptime_s": uptime_s, "host": ctx.host},
        "tmux": await _tmux(ctx),
        "git": await _git(ctx),
        "store": await asyncio.to_thread(_store, ctx),
        "isolation": {"level": ctx.level.isolation.value, "why": ctx.level.why, "refusal": ctx.level.refusal},
        "vendors": await asyncio.to_thread(_vendors, ctx),
    }
    if ctx.upstream is None:
        return told
    others = [one.upstream for one in ctx.others.values() if one.upstream is not None]
    more = {"forges": [{"name": one.local.name, **_forge(ctx, one)} for one in others]} if others else {}
    return {**told, "forge": _forge(ctx, ctx.upstream), **more}


def last_good_ns(ctx: Context) -> int:
    """When the configuration in force was taken over; 0 when none ever was."""
    loaded = ctx.reader.events(EventFilter(kinds=("config_loaded",)), limit=1)
    return loaded[-1].at_ns if loaded else 0


def _config(ctx: Context) -> Part:
    found = ctx.looked_at
    problems = found.problems[:_MOST] if found is not None else ()
    return {
        "policy": ctx.policy,
        "since_ns": last_good_ns(ctx),
        "rejected": found is not None and found.settings is None,
        "files": list(found.sources) if found is not None else [],
        "problems": [{**_problem(ctx, problem)} for problem in problems],
    }


def _problem(ctx: Context, problem: Problem) -> Part:
    assert ctx.looked_at is not None
    return {
        **problem.as_dict(),
        "excerpt": ctx.looked_at.excerpt(problem),
        "in_force": _in_force(ctx, problem.key),
    }


def _in_force(ctx: Context, key: str) -> str:
    """The value that counts instead; empty where nothing does. What is in an `env` map may be a secret."""
    if not key or "env" in key.split("."):
        return ""
    try:
        return one_line(json.dumps(value_of(ctx.settings, key), ensure_ascii=False), 200)
    except (FleetError, TypeError):
        return ""


def _vendors(ctx: Context) -> dict[str, Part]:
    """What works with the programs of the configured agents, and what does not."""
    used = sorted({agent.vendor for agent in ctx.settings.agents})
    return {name: _works(ctx, name) for name in used[:_MOST]}


def _works(ctx: Context, name: str) -> Part:
    try:
        entry = ctx.settings.vendor(name)
        works = vendor_for(entry, name, repository=ctx.paths.repository).capabilities
    except FleetError as error:
        return {"error": one_line(str(error), 200)}
    told = ("guard", "permission", "usage", "money", "limit", "inject", "resume")
    return {**{one: getattr(works, one) for one in told}, "interrupts": bool(entry.interrupt_key)}


async def _tmux(ctx: Context) -> Part:
    try:
        info, panes = await ctx.tmux.alive(), await ctx.tmux.panes()
    except FleetError as error:
        return {"error": one_line(str(error), 200)}
    if info is None:
        return {"error": "no server answers on its socket", "socket": ctx.tmux.socket_name}
    sessions = len({pane.session for pane in panes or ()})
    return {"version": info.version, "socket": ctx.tmux.socket_name, "pid": info.pid, "sessions": sessions}


async def _git(ctx: Context) -> Part:
    try:
        version = await git.version()
        told = {
            "version": ".".join(map(str, version)),
            "target": ctx.home.control.target,
            "base": await ctx.home.base(),
        }
        return told | ({"repositories": [_repository(one) for one in ctx.others.values()]} if ctx.others else {})
    except FleetError as error:
        return {"error": one_line(str(error), 200)}


def _repository(repository: Repository) -> Part:
    """A further repository; ``trouble`` is why nothing of it begins or lands now."""
    told = {"name": repository.name, "path": one_line(str(repository.user.path), 200)}
    return told | {"target": one_line(repository.control.target, 200), "trouble": repository.trouble}


def _forge(ctx: Context, upstream: Upstream) -> Part:
    """When GitHub is looked at next; ``refusal`` is why the last look failed."""
    polling = upstream.polling
    return {
        "repo": upstream.forge.repo,
        "login": upstream.forge.known_login,
        "looked_ns": upstream.succeeded_ns,
        "due_ns": ctx.now_ns() if upstream.job in ctx.jobs.running(LOOK) else upstream.due_ns(ctx.settings),
        "left": polling.budget.remaining,
        "limit": polling.budget.limit,
        "refusal": upstream.trouble,
    }


def _store(ctx: Context) -> Part:
    database = ctx.paths.database
    try:
        size = sum(path.stat().st_size for end in _WAL if (path := database.with_name(database.name + end)).exists())
        free = shutil.disk_usage(database.parent).free
    except OSError as error:
        return {"error": one_line(f"{database}: {error.strerror}", 200)}
    return {"events": ctx.store.reader.last_seq(), "bytes": size, "free_bytes": free}
