"""The real room in a real terminal on a real tmux server: what it writes, and what it does to the agents."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from benchmarks.live.fleet import Pane, Server, World
from benchmarks.live.terminal import Terminal

ROOM = Path(__file__).parents[2] / "benchmarks" / "live" / "room.py"
LINES = 60_000
BURST = f"""
import os, sys
tty = os.open(sys.argv[1], os.O_WRONLY | os.O_NOCTTY)
text = b"".join(b"%s %d %s\\r\\n" % (sys.argv[2].encode(), n, b"x" * 100) for n in range({LINES}))
while text:
    text = text[os.write(tty, text[:65536]):]
"""


@dataclass
class Stage:
    """A room on show."""

    server: Server
    pid: int
    """Of the tmux server."""
    panes: list[Pane]
    terminal: Terminal


Open = Callable[[int], Awaitable[Stage]]


@pytest.fixture
async def stage(directory: Path) -> AsyncIterator[Open]:
    """``await stage(agents)``: a room with so many agents, drawn."""
    server, terminal = Server(), Terminal((160, 48))
    worlds: list[World] = []

    async def start(agents: int) -> Stage:
        pid = await server.open()
        worlds.append(World(directory, agents))
        await worlds[0].open()
        panes = await server.own_sessions(agents)
        argv = [sys.executable, str(ROOM), str(worlds[0].database), str(worlds[0].socket), server.name]
        terminal.open(argv, os.environ)
        await shown(terminal, b"agent-000", 60)
        return Stage(server, pid, panes, terminal)

    yield start
    if worlds:
        await terminal.close()
        await worlds[0].close()
    await server.close()


async def shown(terminal: Terminal, text: bytes, limit_s: float) -> None:
    """Wait until ``text`` has been written to the terminal."""
    deadline_s = time.monotonic() + limit_s
    while text not in terminal.written:
        assert time.monotonic() < deadline_s, terminal.written[-2000:]
        await asyncio.sleep(0.02)


async def answered(terminal: Terminal, limit_s: float) -> None:
    """Wait until anything was written since its measure began."""
    deadline_s = time.monotonic() + limit_s
    while not terminal.bytes:
        assert time.monotonic() < deadline_s, terminal.written[-300:]
        await asyncio.sleep(0.02)


async def quiet(terminal: Terminal, for_s: float, limit_s: float) -> None:
    """Wait until nothing at all was written for so long."""
    deadline_s, since_s, before = time.monotonic() + limit_s, time.monotonic(), terminal.bytes
    while time.monotonic() - since_s < for_s:
        assert time.monotonic() < deadline_s, terminal.written[-300:]
        await asyncio.sleep(0.02)
        if terminal.bytes != before:
            since_s, before = time.monotonic(), terminal.bytes


async def test_an_idle_room_with_a_hundred_agents_writes_nothing(stage: Open) -> None:
    there = await stage(100)
    # Longer than any clock, poll or probe of the room takes; the minute may turn once.
    await quiet(there.terminal, 5.0, 60.0)


async def burst(panes: list[Pane], word: str, limit_s: float) -> float:
    """All agents write as fast as they can; how long it took."""
    started_s = time.monotonic()
    argv = [[sys.executable, "-I", "-c", BURST, pane.tty, word] for pane in panes]
    processes = [await asyncio.create_subprocess_exec(*words) for words in argv]
    async with asyncio.timeout(limit_s):
        for process in processes:
            await process.wait()
    return time.monotonic() - started_s


@pytest.mark.slow
async def test_a_room_stopped_for_a_minute_stalls_no_agent_and_grows_nothing(stage: Open) -> None:
    there = await stage(4)
    room, server = there.terminal.process.pid, psutil.Process(there.pid)
    flags = await there.server.client_flags()
    assert len(flags) == 2
    assert all("no-output" in one for one in flags), flags
    await burst(there.panes, "before", 60)  # fills what tmux keeps of each pane's past
    os.kill(room, signal.SIGSTOP)
    stopped_s, before, bursts = time.monotonic(), server.memory_info().rss, 0
    try:
        while time.monotonic() - stopped_s < 60:
            await burst(there.panes, "meanwhile", 60)
            bursts += 1
        grown = server.memory_info().rss - before
    finally:
        os.kill(room, signal.SIGCONT)
    assert bursts >= 3  # 27 MB each
    assert grown < 1_500_000, grown
    await shown(there.terminal, f"meanwhile {LINES - 1}".encode(), 60)


async def test_a_key_costs_few_bytes(stage: Open) -> None:
    """At 8 kB/s, 1.8 kB are a quarter of a second. No time is measured here: see benchmarks/slow_link.py."""
    there = await stage(12)
    await quiet(there.terminal, 1.0, 60.0)
    for key, most in (("l", 1_800), ("j", 1_800), ("h", 1_800), ("ä", 500), (" ", 1_800)):
        there.terminal.measure()
        there.terminal.press(key)
        await answered(there.terminal, 60.0)
        await quiet(there.terminal, 0.5, 60.0)
        assert 0 < there.terminal.bytes <= most, key
