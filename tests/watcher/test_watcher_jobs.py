"""Jobs: one task per key, rest after a failure, an end that leaves nothing behind."""

from __future__ import annotations

import asyncio

from fleet_tui.domain.errors import FleetError
from fleet_tui.watcher.jobs import Jobs
from tests.watcher.watcher_support import until


class World:
    """Jobs with a clock that stands still, and a gate that holds work up."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.woken = 0
        self.begun = 0
        self.go = asyncio.Event()
        self.jobs = Jobs(self._wake, lambda: self.now_s)

    def _wake(self) -> None:
        self.woken += 1

    async def work(self) -> None:
        self.begun += 1
        await self.go.wait()

    async def fail(self) -> None:
        self.begun += 1
        raise FleetError("broken", "as always")

    async def attempt(self) -> bool:
        started = self.jobs.start("job", self.fail)
        await self.jobs.idle()
        return started


async def test_asking_again_and_again_starts_one_task() -> None:
    world = World()
    assert [world.jobs.start("a", world.work) for _ in range(50)] == [True] + [False] * 49
    assert world.jobs.start("b", world.work)
    assert world.jobs.running() == ["a", "b"]
    assert world.jobs.running("b") == ["b"]
    world.go.set()
    await world.jobs.idle()
    assert (world.begun, world.woken, world.jobs.running()) == (2, 2, [])
    assert world.jobs.start("a", world.work)
    await world.jobs.idle()


async def test_failures_rest_longer_each_time_and_are_told() -> None:
    world = World()
    waits = []
    for count in range(1, 9):
        assert await world.attempt()
        assert world.jobs.failures("job") == count
        assert not await world.attempt()
        failure = world.jobs.failing(1)["job"]
        assert "broken: as always" in failure.reason
        waits.append(failure.wait_s)
        world.now_s += failure.wait_s
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert world.jobs.failing(9) == {}
    assert world.begun == world.woken == 8


async def test_success_and_time_forget_failures() -> None:
    world = World()
    await world.attempt()
    world.now_s += 60
    world.go.set()
    assert world.jobs.start("job", world.work)
    await world.jobs.idle()
    assert world.jobs.failures("job") == 0
    await world.attempt()
    world.now_s += 1_000
    assert world.jobs.failing(1) == {}
    assert world.jobs.failures("job") == 0


async def test_close_ends_what_is_under_way() -> None:
    world = World()
    ended: list[str] = []

    async def stubborn() -> None:
        try:
            await world.go.wait()
        finally:
            await asyncio.to_thread(ended.append, "cleaned up")

    world.jobs.start("a", stubborn)
    world.jobs.start("b", world.work)
    await until(lambda: world.begun)
    await world.jobs.close()
    assert ended == ["cleaned up"]
    assert world.jobs.running() == []
    assert world.jobs.failing(1) == {}, "to be ended is no failure"


async def test_finish_waits_for_those_it_names_and_no_longer_than_told() -> None:
    world = World()
    done = []

    async def quick() -> None:
        await asyncio.sleep(0)
        done.append("quick")

    world.jobs.start("message:1", quick)
    world.jobs.start("gate:1", world.work)
    await world.jobs.finish(("message:",), 10)
    assert done == ["quick"]
    assert world.jobs.running() == ["gate:1"]
    await world.jobs.finish(("gate:",), 0.01)
    assert world.jobs.running() == ["gate:1"]
    await world.jobs.close()


async def test_cancel_waits_for_the_end_of_one() -> None:
    world = World()
    world.jobs.start("a", world.work)
    world.jobs.start("b", world.work)
    await until(lambda: world.begun == 2)
    await world.jobs.cancel("a")
    await world.jobs.cancel("nobody")
    assert world.jobs.running() == ["b"]
    await world.jobs.close()
