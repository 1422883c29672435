"""Operator's commands about teams: look at what one would be, make it, change who is in it, remove it, put it back."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.domain.events import OperatorActed
from fleet_tui.domain.text import one_line
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher.acts import revisions, team_history, teaming
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, number_of, text_of
from fleet_tui.watcher.desks.template_desk import grounds


async def preview(ctx: Context, args: Args) -> dict[str, Any]:
    """What a team would be, without making it."""
    on = await grounds(ctx)
    return await asyncio.to_thread(teaming.preview, on, args)


async def create(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Write the team and its new agents into the project and put them in force.

    Raises:
        FleetError: it cannot be made, or is not what ``seen`` says.
    """
    prepared = await asyncio.to_thread(teaming.create, await grounds(ctx), args)
    names = [agent.name for agent in prepared.agents]
    templates = sorted({agent.template for agent in prepared.agents})
    data = {"team": prepared.name, "members": list(prepared.members), "made": names, "templates": templates}
    await ctx.say(OperatorActed("create_team", data), "fleet", actor=actor)
    # Before the files are looked at: then it would be nobody's act.
    rows = [prepared.settings.agent(name).model_copy(update={"prompt": None}) for name in names]
    await revisions.note(ctx, rows, "created", actor)
    await _in_force(ctx, prepared.settings, "created", actor)
    made = f", made with {', '.join(names)}" if names else ""
    return {"message": one_line(f"team {prepared.name}: {', '.join(prepared.members)}{made}", 1000)}


async def change(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Other members for a team.

    Raises:
        FleetError: it cannot be changed, or is not what ``seen`` says.
    """
    return await _changed(ctx, args, actor, "edited")


async def rollback(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Put a team back to what it was at a revision, also one that was removed; that is a revision of its own.

    Raises:
        FleetError: there is no such revision, or an agent of it is no more.
    """
    number = number_of(args, "revision") if args.get("revision") is not None else None
    to = team_history.find(ctx.reader, text_of(args, "team"), number)
    wanted = {"team": to.team, "agents": list(to.agents or ())}
    return await _changed(ctx, wanted, actor, "rolled back", to.number)


async def _changed(ctx: Context, args: Args, actor: str, act: str, of: int | None = None) -> dict[str, Any]:
    await team_history.look(ctx, ctx.settings)  # what others wrote until now is a revision of its own
    settings = await asyncio.to_thread(teaming.change, await grounds(ctx), args)
    name = text_of(args, "team")
    number = await _in_force(ctx, settings, act, actor, of)
    members = ", ".join(settings.team(name).agents) or "nobody"
    return {"message": one_line(f"team {name} is at revision {number.get(name)}: {members}", 1000)}


async def remove(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Remove a team; its agents stay.

    Raises:
        FleetError: it cannot be removed.
    """
    await team_history.look(ctx, ctx.settings)
    settings = await asyncio.to_thread(teaming.remove, await grounds(ctx), args)
    await _in_force(ctx, settings, "removed", actor)
    return {"message": f"team {one_line(text_of(args, 'team'), 80)} is removed; its agents stay as they are"}


async def _in_force(ctx: Context, settings: Settings, act: str, actor: str, of: int | None = None) -> dict[str, int]:
    numbers = await team_history.note(ctx, settings, act, actor, of)
    await ctx.reload()
    return numbers
