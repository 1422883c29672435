"""Operator's commands that change an agent: its files are replaced or put back, and recorded as a revision."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.watcher.acts import editing, revisions, team_history
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, number_of, text_of
from fleet_tui.watcher.desks.template_desk import grounds

_LATER = "runs that begin from now on have it"


async def files(ctx: Context, args: Args) -> dict[str, Any]:
    """What an editor begins with."""
    on = await grounds(ctx)
    return await asyncio.to_thread(editing.describe, on, text_of(args, "agent"))


async def edit(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Replace an agent's file, its prompt, or both.

    Raises:
        FleetError: they cannot be, or are not what ``seen`` says.
    """
    await _before(ctx, text_of(args, "agent"))
    done = await asyncio.to_thread(editing.edit, await grounds(ctx), args)
    return await _told(ctx, done, "edited", actor)


async def rollback(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Put an agent's files back to what they were at a revision, also of one that was removed; that is a revision of
    its own.

    Raises:
        UsageError: there is no such revision.
        FleetError: the configuration would have errors with it.
    """
    number = number_of(args, "revision") if args.get("revision") is not None else None
    to = revisions.find(ctx.reader, text_of(args, "agent"), number)
    is_there = to.agent in {agent.name for agent in ctx.settings.agents}
    if is_there:
        await _before(ctx, to.agent)
    done = await asyncio.to_thread(editing.put_back, await grounds(ctx), to, ctx.store.blob, args)
    answer = await _told(ctx, done, "rolled back", actor, to.number)
    teams = [] if is_there else team_history.taken_out(ctx.reader, to.agent)
    back = "".join(f"; fleet team add {team} {to.agent}: it was in that" for team in teams[:5])
    return {**answer, "message": answer["message"] + back}


async def _before(ctx: Context, name: str) -> None:
    # What was in the files until now is a revision of its own, whoever wrote it; the prompt file may be others' too.
    others = editing.sharing(ctx.paths.repository, ctx.settings, name)
    await revisions.note(ctx, _rows(ctx.settings, name, *others), "changed", "watcher")


async def _told(ctx: Context, done: editing.Edited, act: str, actor: str, of: int | None = None) -> dict[str, Any]:
    numbers = await revisions.note(ctx, _rows(done.settings, done.name), act, actor, of)
    await revisions.note(ctx, _rows(done.settings, *done.others), "edited", actor)
    await ctx.reload()
    number = numbers.get(done.name)
    told = f"{done.name} is at revision {number}: {done.written}; {_LATER}"
    return {"message": told, "revision": number, "changed": list(done.changed)}


def _rows(settings: Settings, *names: str) -> list[AgentSettings]:
    return [settings.agent(name) for name in names]
