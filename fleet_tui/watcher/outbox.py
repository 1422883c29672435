"""Acts on the world: recorded before and after, never blindly repeated.

An effect is planned, marked *attempting* before the world is touched, and closed with its result. A watcher that finds
an open attempt of a dead predecessor probes the world first: done, not done, or nobody can know (a person decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from fleet_tui.domain.errors import FleetError, Uncertain
from fleet_tui.domain.events import (
    JSON,
    Draft,
    EffectAttempted,
    EffectDone,
    EffectFailed,
    EffectPlanned,
    EffectUncertain,
    draft,
)
from fleet_tui.domain.model import Effect
from fleet_tui.domain.states import EffectClass, EffectState
from fleet_tui.domain.text import clean
from fleet_tui.watcher.context import Context


class Probe(Enum):
    """What a look at the world says about an attempt whose result nobody recorded."""

    DONE = auto()
    HALF_DONE = auto()
    """It was begun, and what is missing can be done without repeating anything."""
    NOT_DONE = auto()
    UNKNOWN = auto()


async def _nothing() -> Sequence[Draft]:
    return ()


@dataclass(frozen=True, slots=True)
class Act:
    """One effect: ``key`` makes it unique, ``perform`` touches the world and returns a result, ``probe`` looks.

    ``consequences`` are recorded in one transaction with the result, so that no crash can come between the two.
    ``complete`` does the rest of an act that was found half done.
    ``precondition`` is what a successor needs to know in order to finish what was begun.
    """

    key: str
    name: str
    effect_class: EffectClass
    target: str
    perform: Callable[[], Awaitable[str]]
    probe: Callable[[], Awaitable[Probe]]
    cause: str | None = None
    complete: Callable[[], Awaitable[str]] | None = None
    consequences: Callable[[], Awaitable[Sequence[Draft]]] = _nothing
    precondition: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return effect_id(self.key)


def effect_id(key: str) -> str:
    """The id of the effect that ``key`` names."""
    return f"effect-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


async def carry_out(ctx: Context, act: Act) -> EffectState:
    """Bring ``act`` to its end; returns DONE, FAILED or UNCERTAIN. Safe to call again at any time.

    Raises:
        FleetError: the act failed now; it is recorded as failed and will be attempted again by the next call.
    """
    effect = await _planned(ctx, act)
    state = await settle(ctx, act, effect)
    return await _attempt(ctx, act, effect.fence + 1) if state is EffectState.READY else state


async def settle(ctx: Context, act: Act, effect: Effect) -> EffectState:
    """Find out what became of an open attempt, without a new one: DONE, READY (it did not happen) or UNCERTAIN."""
    if effect.state not in (EffectState.ATTEMPTING, EffectState.UNCERTAIN):
        return effect.state
    if effect.state is EffectState.ATTEMPTING:
        await ctx.say(EffectUncertain(act.id, effect.fence), act.target)
    verdict = await act.probe()
    if verdict is Probe.HALF_DONE and act.complete is not None:
        await _done(ctx, act, effect.fence, await act.complete())
        return EffectState.DONE
    if verdict in (Probe.UNKNOWN, Probe.HALF_DONE):
        return EffectState.UNCERTAIN
    if verdict is Probe.DONE:
        await _done(ctx, act, effect.fence, "found done after an interruption")
        return EffectState.DONE
    # Said in the log, so that the next attempt is seen not to be a blind repeat.
    closed = EffectFailed(act.id, effect.fence, "found not done after an interruption", retry=True)
    await ctx.say(closed, act.target)
    return EffectState.READY


async def _planned(ctx: Context, act: Act) -> Effect:
    effect = ctx.reader.effect(act.id)
    if effect is None:
        await ctx.say(
            EffectPlanned(act.id, act.name, act.effect_class, act.target, dict(act.precondition)),
            act.target,
            cause=act.cause,
            key=f"plan:{act.key}",
        )
        effect = ctx.reader.effect(act.id)
    if effect is None:
        raise FleetError("effect vanished", act.key, "run `fleet verify --deep`")
    return effect


async def _attempt(ctx: Context, act: Act, fence: int) -> EffectState:
    await ctx.say(EffectAttempted(act.id, fence), act.target, cause=act.cause)
    try:
        result = await act.perform()
    except Uncertain:
        await ctx.say(EffectUncertain(act.id, fence), act.target)
        return EffectState.UNCERTAIN
    except FleetError as error:
        await ctx.record(draft(EffectFailed(act.id, fence, clean(str(error), 2000), retry=True), act.target))
        raise
    await _done(ctx, act, fence, result)
    return EffectState.DONE


async def _done(ctx: Context, act: Act, fence: int, result: str) -> None:
    done = draft(EffectDone(act.id, fence, result[:2000]), act.target, cause=act.cause)
    await ctx.record(done, *await act.consequences())
