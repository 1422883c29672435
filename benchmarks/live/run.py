"""One run of one design under one load: what it cost, what it wrote and how late its pictures were."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.live.driver import read_log
from benchmarks.live.fleet import Pane, Server, World, load
from benchmarks.live.terminal import Terminal
from benchmarks.live.usage import delayed, resident, usage
from fleet_widgets.wall_layout import layout

HERE = Path(__file__).parent
SIZE = (300, 90)
WALL = (249, 86)
"""What the room's frame and side leave of ``SIZE`` for tiles."""
WARM_S = 2.0
"""The load runs this long before anything is measured."""
START_S, QUIET_S, DRAWN = 60.0, 2.5, 500
"""A program is ready when it has written so many bytes and then nothing for so many seconds."""
KEYS_PER_S = 5.0
LAST_S = 0.5
"""Writes this late may not have been shown when the run ends."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``panes`` agents that draw ``hz`` times a second; the last of them may write ``spew`` bytes a second instead."""

    name: str
    panes: int
    hz: float
    spew: int = 0
    rate: int = 0
    """Bytes a second that the terminal takes; 0: all."""
    stop: bool = False
    """The program in the terminal is stopped (SIGSTOP) while measured."""


@dataclass(slots=True)
class Result:
    """Shares are percent of one core; times are milliseconds."""

    app: float = 0.0
    children: float = 0.0
    clients: float = 0.0
    server: float = 0.0
    rate: float = 0.0
    frames: int = 0
    shown: float = 0.0
    """Share of the writes that were on screen themselves, not only superseded."""
    late: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    slowest_write: float = 0.0
    grown: int = 0
    """Bytes by which the tmux server grew."""
    quiet: float = 0.0
    """Share of seconds in which not one byte was written."""
    waited: float = 0.0
    """Percent of the time in which the program could have run, but the machine was busy with others."""

    @property
    def total(self) -> float:
        return self.app + self.children + self.clients + self.server


async def run(design: str, scenario: Scenario, seconds: float, seed: int) -> Result:
    """Set up, measure, clean up.

    Raises:
        RuntimeError: tmux or the program did not start.
    """
    server = Server()
    terminal = Terminal(SIZE, scenario.rate)
    with tempfile.TemporaryDirectory(prefix="fl") as name:
        place = Path(name)
        world = World(place, scenario.panes) if design == "ours" else None
        try:
            pid = await server.open()
            if world is not None:
                await world.open()
            panes = await _panes(design, server, scenario.panes)
            argv = _argv(design, server, panes, world)
            if argv:
                terminal.open(argv, os.environ)
                await _settled(terminal)
                if design == "attach":
                    panes = await server.sizes_now()
            app = terminal.process.pid if argv else None
            result = await _measure(design, scenario, panes, terminal, (app, pid), place / "log", seconds, seed)
            if app is not None and terminal.process.poll() is not None:
                raise RuntimeError(f"{design} ended in the middle of it")
            return result
        finally:
            if design != "floor":
                await terminal.close()
            if world is not None:
                await world.close()
            await server.close()


async def _settled(terminal: Terminal) -> None:
    """Until the program has drawn itself and rests: on a busy machine that takes many times as long."""
    deadline_s, since_s, before = time.monotonic() + START_S, time.monotonic(), 0
    while (before < DRAWN or time.monotonic() - since_s < QUIET_S) and time.monotonic() < deadline_s:
        if terminal.bytes != before:
            since_s, before = time.monotonic(), terminal.bytes
        await asyncio.sleep(0.05)


async def _panes(design: str, server: Server, number: int) -> list[Pane]:
    if design == "attach":
        return await server.tiled(number, SIZE)
    return await server.own_sessions(number)


def _argv(design: str, server: Server, panes: list[Pane], world: World | None) -> list[str]:
    if world is not None:
        return [sys.executable, str(HERE / "room.py"), str(world.database), str(world.socket), server.name]
    if design == "attach":
        return server.attach_argv()
    if design == "baseline":
        grid = layout(*WALL, len(panes), "auto")
        where = [str(number) for number in (grid.columns, grid.width, grid.height)]
        return [sys.executable, str(HERE / "baseline.py"), server.name, *where, *(pane.id for pane in panes)]
    return []


async def _measure(
    design: str,
    scenario: Scenario,
    panes: list[Pane],
    terminal: Terminal,
    pids: tuple[int | None, int],
    log: Path,
    seconds: float,
    seed: int,
) -> Result:
    spec = {
        "panes": [(pane.tty, pane.width, pane.height) for pane in panes],
        "hz": scenario.hz,
        "seconds": WARM_S + seconds + 1.0,
        "seed": seed,
        "spew": scenario.spew,
        "log": str(log),
    }
    driver = load(json.dumps(spec).encode(), HERE / "driver.py", sys.executable)
    app, server = pids
    try:
        if app is not None and design != "attach" and scenario.hz and not scenario.stop:
            terminal.type_keys(KEYS_PER_S)
        await asyncio.sleep(WARM_S)
        memory = resident(server)
        if scenario.stop and app is not None:
            os.kill(app, signal.SIGSTOP)
        terminal.measure()
        held_ns = delayed(app)
        before, started_ns = usage(app, server), time.monotonic_ns()
        quiet = await _watch(terminal, seconds)
        used, ended_ns = usage(app, server).since(before), time.monotonic_ns()
        held_ns = delayed(app) - held_ns
        grown = resident(server) - memory
        rate = terminal.rate_seen
    finally:
        await asyncio.to_thread(driver.wait)
        if scenario.stop and app is not None:
            os.kill(app, signal.SIGCONT)
    share = 100.0 / (ended_ns - started_ns)
    result = Result(share * used.app, share * used.children, share * used.clients, share * used.server, rate)
    result.grown, result.quiet, result.waited = grown, quiet, share * held_ns
    _pictures(result, log, terminal, started_ns, ended_ns)
    result.echo = [took / 1e6 for took in terminal.echoes]
    if terminal.waiting_ns(ended_ns) > 0:
        # A key that waits still has waited at least so long.
        result.echo.append(terminal.waiting_ns(ended_ns) / 1e6)
    return result


async def _watch(terminal: Terminal, seconds: float) -> float:
    """Let it run; the share of seconds without a byte."""
    quiet, whole = 0, 0
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        before = terminal.bytes
        await asyncio.sleep(min(1.0, max(0.01, end_s - time.monotonic())))
        whole += 1
        quiet += terminal.bytes == before
    return quiet / max(1, whole)


def _pictures(result: Result, log: Path, terminal: Terminal, started_ns: int, ended_ns: int) -> None:
    """Every write counts: it was seen, or a newer one was."""
    writes: dict[int, list[tuple[int, int]]] = {}
    for at_ns, pane, seq, took_us in read_log(log):
        if started_ns <= at_ns < ended_ns:
            result.slowest_write = max(result.slowest_write, took_us / 1e3)
            writes.setdefault(pane, []).append((seq, at_ns))
    result.frames = sum(map(len, writes.values()))
    newest: dict[int, list[tuple[int, int]]] = {}
    own: set[tuple[int, int]] = set()
    for at_ns, pane, seq in terminal.seen:
        shown = newest.setdefault(pane, [])
        own.add((pane, seq))
        if not shown or seq > shown[-1][0]:
            shown.append((seq, at_ns))
    counted = 0
    for pane, drawn in writes.items():
        shown = newest.get(pane, [])
        for seq, at_ns in drawn:
            at = bisect_left(shown, (seq, 0))
            if at < len(shown):
                result.late.append((shown[at][1] - at_ns) / 1e6)
            elif at_ns < ended_ns - LAST_S * 1e9:
                result.late.append((ended_ns - at_ns) / 1e6)
            counted += (pane, seq) in own
    result.shown = counted / max(1, result.frames)
