"""Dividing a ticket: its parts become tickets, and it waits until all of them have shipped."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import TicketSplit
from fleet_tui.domain.model import Ticket
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import TicketState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.base import TicketRecord
from fleet_tui.forge.issues import without_scope
from fleet_tui.governance.fanout.advice import problems
from fleet_tui.governance.fanout.values import Part
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args, number_of, text_of

_MOST_PARTS = 50

log = logging.getLogger(__name__)


async def split(ctx: Context, args: Args, actor: str) -> dict[str, Any]:
    """Make the ``parts`` of ``ticket``. ``body_sha`` is that of the text that they were made of.

    The parts are drafts until all of them are there and the log says so; then they are as ready as the ticket was.

    Raises:
        FleetError: it cannot be divided now, was before, or its parts do not fit together.
    """
    parts, number = _parts(ctx, args), number_of(args, "ticket")
    if number in ctx.dividing:
        raise Conflict("begun already", f"the parts of ticket #{number} are being made", "fleet ticket list")
    ctx.dividing.add(number)
    try:
        return await _split(ctx, args, actor, parts)
    finally:
        ctx.dividing.discard(number)


async def _split(ctx: Context, args: Args, actor: str, parts: Sequence[Part]) -> dict[str, Any]:
    record = await undivided(ctx, number_of(args, "ticket"))
    await _refuse_begun(ctx, record.number)
    if body_sha(record) != text_of(args, "body_sha"):
        told = f"the text of ticket #{record.number} is another now"
        raise Conflict("changed meanwhile", told, f"fleet plan {record.number}")
    ticket = _check(ctx.reader.ticket(record.number), record.number)
    ready = ticket.state is TicketState.READY
    made: list[int] = []
    for part in parts:
        before = [*record.depends_on, *(made[number - 1] for number in part.after)]
        body = f"{_opening(ticket.number)}{one_line(record.title)}\n\n{without_scope(part.body)}"
        repo = part.repo or record.repo
        fields = ((), before, record.priority, part.scope, "" if repo == HOME else repo)
        new = await ctx.forge.create_ticket(part.title, body, *fields)
        made.append(new.number)
    _check(ctx.reader.ticket(ticket.number), ticket.number)
    await ctx.say(TicketSplit(ticket.number, made), f"ticket:{ticket.number}", actor=actor)
    held = await _not_made_ready(ctx, made) if ready else made
    ctx.look_at_tickets = True
    listed = ", ".join(f"#{number}" for number in made)
    then = f"fleet ticket ready {' '.join(map(str, held))} lets agents take them" if held else "agents may take them"
    return {"message": f"ticket #{ticket.number} is done as {listed}: {then}", "parts": made}


async def _not_made_ready(ctx: Context, parts: Sequence[int]) -> list[int]:
    """Those that could not be marked: the ticket is divided all the same."""
    left = []
    for number in parts:
        try:
            await ctx.forge.set_labels(number, add=[ctx.settings.labels.ready])
        except FleetError as error:
            log.warning("part #%d was not marked ready: %s", number, error)
            left.append(number)
    return left


async def _refuse_begun(ctx: Context, number: int) -> None:
    """Raises Conflict: an earlier attempt was broken off, and left parts behind. The forge is asked for that."""
    begun = await ctx.forge.beginning_with(_opening(number))
    if begun:
        listed = ", ".join(f"#{one}" for one in begun)
        told = f"an earlier attempt to divide ticket #{number} made {listed}"
        way = "remove their files in .fleet/tickets" if ctx.upstream is None else "close those issues"
        raise Conflict("begun already", told, f"{way}, then try again")


def body_sha(record: TicketRecord) -> str:
    """Names the text that parts were made of."""
    return hashlib.sha256(record.body.encode()).hexdigest()


async def undivided(ctx: Context, number: int) -> TicketRecord:
    """The ticket as the forge has it, when it can be divided.

    Raises:
        FleetError: it is not there, divided already, or cannot be read.
    """
    _check(ctx.reader.ticket(number), number)
    records = await ctx.forge.tickets() or []
    record = next((one for one in records if one.number == number and not one.problem), None)
    if record is None:
        raise Conflict("changed meanwhile", f"ticket #{number} cannot be read now", "fleet ticket list")
    return record


def _check(ticket: Ticket | None, number: int) -> Ticket:
    if ticket is None:
        told = f"the watcher has not seen #{number}"
        raise UsageError("no such ticket", told, "fleet ticket list; when it is new there, try again")
    if ticket.parts:
        listed = ", ".join(f"#{part}" for part in ticket.parts)
        raise Conflict("divided already", f"ticket #{number} is done as {listed}")
    if ticket.state not in (TicketState.DRAFT, TicketState.READY):
        raise Conflict("too late", f"ticket #{number} is {ticket.state.value}: only what nobody has begun is divided")
    return ticket


def _opening(number: int) -> str:
    return f"Part of #{number}: "


def _parts(ctx: Context, args: Args) -> list[Part]:
    given = args.get("parts")
    if not isinstance(given, list) or len(given) > _MOST_PARTS or not all(isinstance(one, dict) for one in given):
        raise UsageError("parts missing", f"this command needs a list of at most {_MOST_PARTS} `parts`")
    parts = [_part(one) for one in given]
    wrong = problems(parts)
    known = ("", HOME, *ctx.others)
    wrong += [f"there is no repository {part.repo}" for part in parts if part.repo not in known]
    if wrong:
        raise FleetError("the parts do not fit together", "; ".join(wrong), "change them")
    return parts


def _part(given: dict[str, Any]) -> Part:
    scope, after = given.get("scope") or [], given.get("after") or []
    if not isinstance(scope, list) or not isinstance(after, list) or not all(type(one) is int for one in after):
        raise UsageError("not a part", "`scope` is a list of patterns, `after` one of numbers")
    patterns = tuple(one_line(str(pattern)) for pattern in scope)
    texts = (one_line(str(given.get("title") or "")), clean(str(given.get("body") or "")))
    return Part(*texts, patterns, tuple(after), one_line(str(given.get("repo") or ""), 60))
