"""The outbox: acts on the world. A result counts only for the attempt whose fence it carries."""

from __future__ import annotations

from fleet_tui.domain.events import (
    EffectAttempted,
    EffectDone,
    EffectFailed,
    EffectPlanned,
    EffectUncertain,
    Event,
    Payload,
    payload_of,
)
from fleet_tui.domain.states import EffectClass, EffectState
from fleet_tui.store.canonical import dumps
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import EFFECT, Tables


def planned(tables: Tables, event: Event) -> None:
    effect = payload_of(event, EffectPlanned)
    if tables.get(EFFECT, effect.effect) is not None:
        return
    act = {"name": effect.name, "target": effect.target, "precondition": dumps(effect.precondition)}
    origin = {"cause": event.cause, "planned_ns": event.at_ns}
    state = {"state": EffectState.READY.value, "fence": 0, "error": "", "result": ""}
    effect_class = EffectClass(effect.effect_class).value
    tables.put(EFFECT, {"id": effect.effect, "effect_class": effect_class, **act, **origin, **state})


def attempted(tables: Tables, event: Event) -> None:
    attempt = payload_of(event, EffectAttempted)
    row = tables.get(EFFECT, attempt.effect)
    if row is not None and attempt.fence > row["fence"]:
        tables.put(EFFECT, {**row, "state": EffectState.ATTEMPTING.value, "fence": attempt.fence})


def done(tables: Tables, event: Event) -> None:
    effect = payload_of(event, EffectDone)
    _conclude(tables, effect.effect, effect.fence, EffectState.DONE, result=effect.result, error="")


def failed(tables: Tables, event: Event) -> None:
    effect = payload_of(event, EffectFailed)
    state = EffectState.READY if effect.retry else EffectState.FAILED
    _conclude(tables, effect.effect, effect.fence, state, error=effect.error)


def uncertain(tables: Tables, event: Event) -> None:
    effect = payload_of(event, EffectUncertain)
    _conclude(tables, effect.effect, effect.fence, EffectState.UNCERTAIN)


def _conclude(tables: Tables, effect: str, fence: int, state: EffectState, **changes: object) -> None:
    row = tables.get(EFFECT, effect)
    if row is not None and row["fence"] == fence and row["state"] not in _FINAL:
        tables.put(EFFECT, {**row, **changes, "state": state.value})


_FINAL = (EffectState.DONE, EffectState.FAILED, EffectState.CANCELLED)

APPLY: dict[type[Payload], Apply] = {
    EffectPlanned: planned,
    EffectAttempted: attempted,
    EffectDone: done,
    EffectFailed: failed,
    EffectUncertain: uncertain,
}
