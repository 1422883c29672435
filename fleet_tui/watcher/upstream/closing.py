"""Issues that GitHub need not close by itself: their work landed in another repository, or as tickets of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.model import Ticket
from fleet_tui.domain.states import EffectClass, EffectState, TicketState
from fleet_tui.watcher.outbox import Act, Probe, carry_out, effect_id

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context
    from fleet_tui.watcher.upstream.state import Upstream


def unclosed(ctx: Context) -> list[int]:
    """The issues that are still to be closed, or seen to be: no list tells of them."""
    return [one.number for one in ctx.reader.tickets() if _is_ours_to_close(one) and not _was_closed(ctx, one.number)]


async def close(ctx: Context) -> None:
    """Close each once, beside the passes: who opens it again, whoever has closed it, has a reason to."""
    upstream = ctx.upstream
    if upstream is None:
        return
    forge = upstream.forge
    for number in [ticket.number for ticket in ctx.reader.tickets() if _is_ours_to_close(ticket)]:
        if (forge.is_open(number) or forge.is_closed(number)) and not _was_closed(ctx, number):
            upstream.start(ctx, f"close-issue:{number}", lambda number=number: _close(ctx, upstream, number))  # type: ignore[misc]


def _is_ours_to_close(ticket: Ticket) -> bool:
    return ticket.state is TicketState.SHIPPED and bool(ticket.repo or ticket.parts)


def _was_closed(ctx: Context, number: int) -> bool:
    effect = ctx.reader.effect(effect_id(_key(number)))
    return effect is not None and effect.state is EffectState.DONE


async def _close(ctx: Context, upstream: Upstream, number: int) -> None:
    issues, others_did = upstream.forge.issues, upstream.forge.is_closed(number)

    async def perform() -> str:
        if others_did:
            return "it was closed already"
        await issues.close(number)
        return "closed"

    async def probe() -> Probe:
        return Probe.NOT_DONE if (await issues.get(number)).open else Probe.DONE

    target = f"ticket:{number}"
    await carry_out(ctx, Act(_key(number), "close issue", EffectClass.MARK, target, perform, probe))
    if not others_did:
        upstream.forge.note(await issues.get(number))


def _key(number: int) -> str:
    return f"close-issue:{number}"
