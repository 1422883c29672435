"""Acts on the world: recorded before and after, never blindly repeated.

An effect is planned, marked *attempting* before the world is touched, and closed with its result. A watcher that finds
an open attempt of a dead predecessor probes the world first: done, not done, or nobody can know (a person decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    EffectAttempted,
    EffectDone,
    EffectFailed,
    EffectPlanned,
    EffectUncertain,
    draft,
)
from fleet_tui.domain.model import Effect
from fleet_tui.domain.states import EffectClass, EffectState
from fleet_tui.watcher.context import Context


class Probe(Enum):
    """What a look at the world says about an attempt whose result nobody recorded."""

    DONE = auto()
    NOT_DONE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Act:
    """One effect: ``key`` makes it unique, ``perform`` touches the world and returns a result, ``probe`` looks."""

    key: str
    name: str
    effect_class: EffectClass
    target: str
    perform: Callable[[], Awaitable[str]]
    probe: Callable[[], Awaitable[Probe]]
    cause: str | None = None

    @property
    def id(self) -> str:
        return f"effect-{hashlib.sha256(self.key.encode()).hexdigest()[:20]}"


async def carry_out(ctx: Context, act: Act) -> EffectState:
    """Bring ``act`` to its end; returns DONE, FAILED or UNCERTAIN. Safe to call again at any time.

    Raises:
        FleetError: the act failed now; it is recorded as failed and will be attempted again by the next call.
    """
    effect = await _planned(ctx, act)
    if effect.state in (EffectState.DONE, EffectState.CANCELLED):
        return effect.state
    if effect.state in (EffectState.ATTEMPTING, EffectState.UNCERTAIN):
        verdict = await _settle(ctx, act, effect)
        if verdict is not EffectState.READY:
            return verdict
    return await _attempt(ctx, act, effect.fence + 1)


async def _planned(ctx: Context, act: Act) -> Effect:
    effect = ctx.reader.effect(act.id)
    if effect is None:
        await ctx.say(
            EffectPlanned(act.id, act.name, act.effect_class, act.target),
            act.target,
            cause=act.cause,
            key=f"plan:{act.key}",
        )
        effect = ctx.reader.effect(act.id)
    if effect is None:
        raise FleetError("effect vanished", act.key, "run `fleet verify --deep`")
    return effect


async def _settle(ctx: Context, act: Act, effect: Effect) -> EffectState:
    if effect.state is EffectState.ATTEMPTING:
        await ctx.say(EffectUncertain(act.id, effect.fence), act.target)
    verdict = await act.probe()
    if verdict is Probe.DONE:
        await ctx.say(EffectDone(act.id, effect.fence, "found done after a restart"), act.target)
        return EffectState.DONE
    return EffectState.UNCERTAIN if verdict is Probe.UNKNOWN else EffectState.READY


async def _attempt(ctx: Context, act: Act, fence: int) -> EffectState:
    await ctx.say(EffectAttempted(act.id, fence), act.target, cause=act.cause)
    try:
        result = await act.perform()
    except FleetError as error:
        await ctx.record(draft(EffectFailed(act.id, fence, str(error)[:2000], retry=True), act.target))
        raise
    await ctx.say(EffectDone(act.id, fence, result[:2000]), act.target, cause=act.cause)
    return EffectState.DONE
