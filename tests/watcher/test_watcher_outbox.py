"""Acts on the world: whatever dies when, none is performed twice unless the world says that it did not happen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import Draft, Note, draft
from fleet_tui.domain.states import EffectClass, EffectState
from fleet_tui.tmux.delivery import DeliveryUncertain
from fleet_tui.watcher.outbox import Act, Probe, carry_out, settle
from tests.watcher.watcher_support import Fleet

CLASSES = list(EffectClass)


class Killed(BaseException):
    """Stands for the end of the process at this point."""


class World:
    """Something that an act changes; ``die`` says where the watcher is killed, ``sees`` what a probe makes of it."""

    def __init__(self, fleet: Fleet, effect_class: EffectClass = EffectClass.ONCE) -> None:
        self.fleet = fleet
        self.effect_class = effect_class
        self.performed = 0
        self.completed = 0
        self.die = ""
        self.error: Exception | None = None
        self.sees: Probe | None = None

    def act(self, *, complete: bool = False) -> Act:
        rest = self._complete if complete else None
        return Act(
            "key-1",
            "deed",
            self.effect_class,
            "pr:1",
            self._perform,
            self._probe,
            complete=rest,
            consequences=self._tell,
        )

    async def carry_out(self, *, complete: bool = False) -> EffectState:
        return await carry_out(self.fleet.ctx, self.act(complete=complete))

    async def killed(self, where: str) -> None:
        self.die = where
        with pytest.raises(Killed):
            await self.carry_out()
        self.die = ""

    @property
    def state(self) -> EffectState:
        (effect,) = self.fleet.ctx.reader.effects()
        return effect.state

    async def _perform(self) -> str:
        if self.die == "before":
            raise Killed
        if self.error is not None:
            raise self.error
        self.performed += 1
        if self.die == "after":
            raise Killed
        return "done it"

    async def _complete(self) -> str:
        self.completed += 1
        return "did the rest"

    async def _probe(self) -> Probe:
        if self.sees is not None:
            return self.sees
        return Probe.DONE if self.performed else Probe.NOT_DONE

    async def _tell(self) -> Sequence[Draft]:
        return [draft(Note("told"), "pr:1")]


@pytest.mark.parametrize("effect_class", CLASSES)
async def test_fifty_calls_perform_once(fleet: Fleet, effect_class: EffectClass) -> None:
    world = World(fleet, effect_class)
    assert [await world.carry_out() for _ in range(50)] == [EffectState.DONE] * 50
    assert world.performed == 1
    assert fleet.kinds()[-4:] == ["effect_planned", "effect_attempted", "effect_done", "note"]
    assert fleet.ctx.reader.effects()[0].effect_class is effect_class


@pytest.mark.parametrize("effect_class", CLASSES)
@pytest.mark.parametrize("where", ["before", "after"])
async def test_kill_around_the_act(fleet: Fleet, effect_class: EffectClass, where: str) -> None:
    world = World(fleet, effect_class)
    await world.killed(where)
    assert world.state is EffectState.ATTEMPTING
    assert await world.carry_out() is EffectState.DONE
    assert world.performed == 1
    assert len(fleet.events("note")) == 1
    assert await world.carry_out() is EffectState.DONE
    assert world.performed == 1


@pytest.mark.parametrize("effect_class", CLASSES)
async def test_what_nobody_can_know_is_never_repeated(fleet: Fleet, effect_class: EffectClass) -> None:
    world = World(fleet, effect_class)
    await world.killed("after")
    world.sees = Probe.UNKNOWN
    assert {await world.carry_out() for _ in range(5)} == {EffectState.UNCERTAIN}
    assert world.performed == 1
    assert len(fleet.events("effect_uncertain")) == 1
    assert fleet.events("note") == []
    world.sees = Probe.DONE
    assert await world.carry_out() is EffectState.DONE
    assert world.performed == 1
    assert len(fleet.events("note")) == 1


async def test_half_done_is_completed_not_repeated(fleet: Fleet) -> None:
    world = World(fleet)
    await world.killed("after")
    world.sees = Probe.HALF_DONE
    assert await world.carry_out() is EffectState.UNCERTAIN, "nobody knows how to complete it"
    assert await world.carry_out(complete=True) is EffectState.DONE
    assert (world.performed, world.completed) == (1, 1)


async def test_refused_act_is_attempted_again_with_the_next_fence(fleet: Fleet) -> None:
    world = World(fleet)
    world.error = Conflict("moved", "x" * 5_000)
    for _ in range(3):
        with pytest.raises(Conflict):
            await world.carry_out()
    world.error = None
    assert await world.carry_out() is EffectState.DONE
    assert [event.payload["fence"] for event in fleet.events("effect_attempted")] == [1, 2, 3, 4]
    assert all(len(event.payload["error"]) <= 2_000 for event in fleet.events("effect_failed"))


async def test_uncertain_result_is_recorded_as_such(fleet: Fleet) -> None:
    world = World(fleet)
    world.error = DeliveryUncertain("nobody knows")
    world.sees = Probe.UNKNOWN
    assert await world.carry_out() is EffectState.UNCERTAIN
    world.error = None
    assert await world.carry_out() is EffectState.UNCERTAIN
    assert world.performed == 0


async def test_result_of_a_former_attempt_closes_nothing(fleet: Fleet) -> None:
    world = World(fleet)
    await world.killed("before")
    (stale,) = fleet.ctx.reader.effects()
    assert await settle(fleet.ctx, world.act(), stale) is EffectState.READY
    await world.killed("before")
    world.sees = Probe.DONE
    await settle(fleet.ctx, world.act(), stale)
    assert world.state is EffectState.ATTEMPTING, "its fence is older than the attempt under way"


async def test_settling_what_is_not_open_looks_at_nothing(fleet: Fleet) -> None:
    world = World(fleet)
    await world.carry_out()
    (done,) = fleet.ctx.reader.effects()
    before = fleet.ctx.reader.last_seq()
    assert await settle(fleet.ctx, world.act(), done) is EffectState.DONE
    assert fleet.ctx.reader.last_seq() == before


async def test_cancelled_attempt_stays_open(fleet: Fleet) -> None:
    world = World(fleet)
    started, never = asyncio.Event(), asyncio.Event()

    async def hang() -> str:
        started.set()
        await never.wait()
        return ""

    act = Act("key-1", "deed", EffectClass.ONCE, "pr:1", hang, world._probe)
    task = asyncio.create_task(carry_out(fleet.ctx, act))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.state is EffectState.ATTEMPTING
