"""Operator's commands about templates: look at them, look at what an agent would be, make it."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.catalogue.write import agent_path
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import OperatorActed
from fleet_tui.domain.states import TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.watcher.acts import creating, revisions
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, text_of


async def templates(ctx: Context, args: Args) -> dict[str, Any]:
    """The templates in a few words each; with `words` only those in which they occur."""
    return await asyncio.to_thread(creating.listing, await grounds(ctx), str(args.get("words") or "")[:400])


async def template(ctx: Context, args: Args) -> dict[str, Any]:
    """One template in full, with what a form begins with."""
    number = args.get("ticket")
    ticket = number if isinstance(number, int) else None
    return await asyncio.to_thread(creating.describe, await grounds(ctx), text_of(args, "template"), ticket)


async def preview(ctx: Context, args: Args) -> dict[str, Any]:
    """What an agent would be, without making it."""
    on = await grounds(ctx)
    return await asyncio.to_thread(lambda: creating.preview(on, creating.prepare(on, args)))


async def create(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Write the agent into the project and put it in force.

    Raises:
        FleetError: it cannot be made, or is not what ``seen`` says.
    """
    prepared = await asyncio.to_thread(creating.create, await grounds(ctx), args)
    new, ticket = prepared.agent, prepared.ticket
    file = agent_path(new.name)
    number = ticket.number if ticket is not None else None
    data = {"agent": new.name, "template": new.template, "role": prepared.row.role, "file": file, "ticket": number}
    await ctx.say(OperatorActed("create_agent", data), f"agent:{new.name}", actor=actor)
    # Before the files are looked at: then it would be nobody's act.
    await revisions.note(ctx, [prepared.row.model_copy(update={"prompt": None})], "created", actor)
    await ctx.reload()  # before the ticket is ready: until the agent is in force, others would take it
    told = f"{new.name} is made ({file})"
    if ticket is None:
        return {"message": f"{told}; it starts on {', '.join(prepared.row.subscriptions(prepared.settings))}"}
    return {"message": f"{told}; {await _to_its_ticket(ctx, ticket.number, args, actor)}"}


async def _to_its_ticket(ctx: Context, number: int, args: Args, actor: str) -> str:
    """Make a draft ready where that is asked for; what becomes of the ticket, in words."""
    ticket = ctx.reader.ticket(number)
    if ticket is None or ticket.state not in (TicketState.DRAFT, TicketState.READY):
        return f"#{number} was taken by another meanwhile"
    if ticket.state is TicketState.READY:
        return f"it takes #{number} now"
    if not args.get("make_ready"):
        return f"it takes #{number} as soon as that is ready"
    await ctx.forge.set_labels(number, add=[ctx.settings.labels.ready], remove=[])
    await ctx.say(OperatorActed("ready", {"ticket": number}), f"ticket:{number}", actor=actor)
    ctx.look_at_tickets = True
    return f"#{number} is ready and it takes it now"


async def grounds(ctx: Context) -> creating.Grounds:
    """What agents are made, and changed, on."""
    level = ctx.level.isolation.value
    try:
        base = await ctx.home.base()
    except FleetError:
        base = ""  # where the target cannot be read an alarm tells of it
    return creating.Grounds(ctx.paths.repository, ctx.settings, ctx.reader.ticket, level, one_line(base, 40))
