"""Operator's commands that change an agent: its files are replaced or put back, and recorded as a revision."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.watcher.acts import editing, revisions
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
    return await _write(ctx, args, "edited", actor)


async def rollback(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Put an agent's files back to what they were at a revision; that is a revision of its own.

    Raises:
        UsageError: there is no such revision.
        FleetError: the configuration would have errors with it.
    """
    number = number_of(args, "revision") if args.get("revision") is not None else None
    to = revisions.find(ctx.reader, text_of(args, "agent"), number)
    wanted = editing.back_to(to, ctx.store.blob)
    told = {"seen": args.get("seen"), "shared": args.get("shared")}
    return await _write(ctx, wanted | told, "rolled back", actor, to.number)


async def _write(ctx: Context, args: Args, act: str, actor: str, of: int | None = None) -> dict[str, Any]:
    # What was in the files until now is a revision of its own, whoever wrote it; the prompt file may be others' too.
    name = text_of(args, "agent")
    others = editing.sharing(ctx.paths.repository, ctx.settings, name)
    await revisions.note(ctx, _rows(ctx.settings, name, *others), "changed", "watcher")
    done = await asyncio.to_thread(editing.edit, await grounds(ctx), args)
    numbers = await revisions.note(ctx, _rows(done.settings, done.name), act, actor, of)
    await revisions.note(ctx, _rows(done.settings, *done.others), "edited", actor)
    await ctx.reload()
    number = numbers.get(done.name)
    told = f"{done.name} is at revision {number}: {done.written}; {_LATER}"
    return {"message": told, "revision": number, "changed": list(done.changed)}


def _rows(settings: Settings, *names: str) -> list[AgentSettings]:
    return [settings.agent(name) for name in names]
