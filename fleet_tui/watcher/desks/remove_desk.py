"""Operator's commands that remove agents: what would go, and removing it; that is a revision, and can be taken back."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.domain.errors import UsageError
from fleet_tui.watcher.acts import removing, revisions, team_history
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, text_of
from fleet_tui.watcher.desks.template_desk import grounds


async def preview(ctx: Context, args: Args) -> dict[str, Any]:
    """What would become of ``agents``, or why not, in the order in which they can go."""
    names = args.get("agents")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError("agents not understood", "a list of names")
    return {"agents": await asyncio.to_thread(removing.previews, await grounds(ctx), ctx.reader, names)}


async def remove(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Remove the files of an agent. What was in them until now is a revision first, whoever wrote it.

    Raises:
        FleetError: it cannot be removed, or is not what ``seen`` says.
    """
    name, on = text_of(args, "agent"), await grounds(ctx)
    planned = await asyncio.to_thread(removing.plan, on, ctx.reader, name)
    await revisions.note(ctx, [planned.row], "changed", "watcher")
    await team_history.look(ctx, ctx.settings)
    removing.carry_out(on, ctx.reader, planned, args)
    if not ctx.checkout.why:  # at once: until all is recorded, a pass could give it something
        others = tuple(agent for agent in ctx.settings.agents if agent.name != name)
        ctx.settings = ctx.settings.model_copy(update={"agents": others})
    numbers = await revisions.note(ctx, (), "removed", actor, gone=(name,))
    await team_history.note(ctx, planned.settings, "edited", actor)
    await ctx.reload()
    why = f"; not in force yet: {ctx.checkout.why}" if ctx.checkout.why else ""
    return {"message": planned.told + why, "revision": numbers.get(name), **planned.as_dict()}
