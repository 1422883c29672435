"""The way to the terminal: measured, four tiers, slowly back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.live.fleet import Server, World, load
from benchmarks.live.terminal import Terminal
from fleet_tui.tui.governor import SLOW_EVERY_S, Governor, Tier
from fleet_tui.tui.terminal import Way

LIVE = Path(__file__).parents[2] / "benchmarks" / "live"


def fed(governor: Governor, rate: float, seconds: float, start_s: float) -> float:
    """Frames of 4 kB back to back over a way that takes ``rate`` bytes a second; when it ended."""
    now_s = start_s
    while now_s < start_s + seconds:
        now_s += 4000 / rate
        governor.taken(4000, 4000 / rate, now_s)
    return now_s


def calm(governor: Governor, seconds: int, start_s: float) -> float:
    """Small frames that no way notices."""
    for step in range(seconds * 2):
        governor.taken(200, 0.001, start_s + step / 2)
    return start_s + seconds


@pytest.mark.parametrize(
    ("rate", "tier", "words"),
    [
        (500_000, Tier.FAST, ""),
        (40_000, Tier.NORMAL, "normal 40 kB/s"),
        (8_000, Tier.SLOW, "slow 8 kB/s: pictures every 10 s"),
        (2_000, Tier.MINIMAL, "minimal 2 kB/s: pictures on r"),
    ],
)
def test_the_tier_is_what_the_way_was_seen_to_take(rate: int, tier: Tier, words: str) -> None:
    governor = Governor()
    assert (governor.tier, governor.fps) == (Tier.FAST, 30.0)
    fed(governor, rate, 5, 100.0)
    assert (governor.tier, governor.in_words) == (tier, words)


def test_one_hiccup_is_no_slow_link() -> None:
    governor = Governor()
    governor.taken(4000, 0.4, 1.0)
    calm(governor, 10, 1.0)
    assert governor.tier is Tier.FAST


def test_pictures_leave_room_for_keys_and_states() -> None:
    governor = Governor()
    fed(governor, 40_000, 5, 0.0)
    assert governor.fps == pytest.approx(0.5 * 40_000 / 4000)
    fed(governor, 8_000, 5, 10.0)
    assert governor.fps == 1 / SLOW_EVERY_S
    fed(governor, 1_000, 9, 20.0)
    assert governor.fps == 0


def test_it_rises_a_tier_at_a_time_and_more_slowly_after_a_mistake() -> None:
    governor, tiers = Governor(), []
    now_s = fed(governor, 8_000, 5, 0.0)
    for _ in range(50):
        now_s = calm(governor, 1, now_s)
        tiers.append(governor.tier)
    assert [tier for tier, after in zip(tiers, [*tiers[1:], None], strict=True) if tier is not after] == [
        Tier.SLOW,
        Tier.NORMAL,
        Tier.FAST,
    ]
    assert tiers.index(Tier.NORMAL) >= 15
    fed(governor, 8_000, 5, now_s)
    assert governor.tier is Tier.SLOW
    now_s = calm(governor, 30, now_s + 6)
    tiers.append(governor.tier)  # the calm that is asked for has doubled
    calm(governor, 30, now_s)
    assert [*tiers[-1:], governor.tier] == [Tier.SLOW, Tier.NORMAL]


def test_a_tier_that_was_set_stays() -> None:
    governor = Governor(Tier.SLOW)
    calm(governor, 100, 0.0)
    assert governor.in_words == "slow (set): pictures every 10 s"
    fed(governor, 500, 20, 200.0)
    assert governor.tier is Tier.SLOW


def test_a_frame_has_arrived_when_the_answer_has() -> None:
    taken: list[tuple[int, float]] = []
    way = Way(lambda size, took_s: taken.append((size, took_s)))
    way.wants_answer = True
    assert way.question(100) == "", "nobody has answered yet"
    way.answered(time.monotonic())
    assert way.question(100) == "\x1b[?2026$p"
    assert way.is_open
    way.wants_answer = True
    assert way.question(50) == "", "one at a time"
    way.answered(time.monotonic())
    assert not way.is_open
    assert [size for size, _ in taken] == [100]
    way.blocked(10, 1.0)
    assert len(taken) == 1, "what blocks is no measure where answers come"


async def test_a_terminal_that_takes_8_kilobytes_a_second(directory: Path) -> None:
    """Agents draw all the time; the room says what the link takes, and keys are answered."""
    server, terminal, world = Server(), Terminal((160, 48), rate=8_000), World(directory, 6)
    try:
        await server.open()
        await world.open()
        panes = await server.own_sessions(6)
        argv = [sys.executable, str(LIVE / "room.py"), str(world.database), str(world.socket), server.name]
        terminal.open(argv, os.environ)
        async with asyncio.timeout(60):
            while b"agent-005" not in terminal.written:  # noqa: ASYNC110 - a stream has no event
                await asyncio.sleep(0.05)
        spec = {"panes": [(pane.tty, 80, 24) for pane in panes], "hz": 5, "seconds": 25, "seed": 1}
        spec["log"] = str(directory / "log")
        driver = load(json.dumps(spec).encode(), LIVE / "driver.py", sys.executable)
        try:
            async with asyncio.timeout(30):
                while b"pictures every 10 s" not in terminal.written:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
                terminal.measure()
                terminal.type_keys(2)
                while len(terminal.echoes) < 5:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
        finally:
            driver.kill()
            driver.wait()
        # Six agents draw some 10 kB a second; the backlog that they would make is seconds long.
        assert sorted(terminal.echoes)[2] < 1_500_000_000
    finally:
        await terminal.close()
        await world.close()
        await server.close()
