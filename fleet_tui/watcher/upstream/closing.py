"""Issues that nothing on GitHub closes by itself: their work landed in another repository, or as tickets of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.states import EffectClass, EffectState, TicketState
from fleet_tui.watcher.outbox import Act, Probe, carry_out, effect_id
from fleet_tui.watcher.upstream.state import Upstream

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context


async def close(ctx: Context) -> None:
    """Close each once, beside the passes: who opens it again has a reason to."""
    upstream = ctx.upstream
    if upstream is None:
        return
    for ticket in ctx.reader.tickets():
        number = ticket.number
        if ticket.state is not TicketState.SHIPPED or not (ticket.repo or ticket.parts):
            continue
        if upstream.forge.is_open(number) and not _was_closed(ctx, number):
            upstream.start(ctx, f"close-issue:{number}", lambda number=number: _close(ctx, upstream, number))  # type: ignore[misc]


def _was_closed(ctx: Context, number: int) -> bool:
    effect = ctx.reader.effect(effect_id(_key(number)))
    return effect is not None and effect.state is EffectState.DONE


async def _close(ctx: Context, upstream: Upstream, number: int) -> None:
    issues = upstream.forge.issues

    async def perform() -> str:
        await issues.close(number)
        return "closed"

    async def probe() -> Probe:
        return Probe.NOT_DONE if (await issues.get(number)).open else Probe.DONE

    target = f"ticket:{number}"
    await carry_out(ctx, Act(_key(number), "close issue", EffectClass.MARK, target, perform, probe))
    upstream.forge.note(await issues.get(number))


def _key(number: int) -> str:
    return f"close-issue:{number}"
