"""Keys over a slow link: a real room in a terminal that takes few bytes a second, each of them late, while agents draw.

``python benchmarks/slow_link.py [--seconds S] [--rate BYTES_PER_S] [--delay MS] [--check]``

The terminal takes ``rate`` bytes a second; what is typed and what is drawn are each half of ``delay`` under way, as
over SSH. Measured is how long a key waits for its echo beyond that delay: what the room, and bytes that it wrote
before, cost. And how many seconds of bytes were ever waiting in front of the terminal. With ``--check`` the exit code
is 1 when a limit is missed; a busy machine misses them too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live.contract import at
from benchmarks.live.fleet import Server, World, load
from benchmarks.live.terminal import Terminal

LIVE = Path(__file__).parent / "live"
SIZE = (120, 40)
AGENTS, HZ = 12, 5.0
SETTLE_S = 12.0
"""So long the room may take to learn what the link takes."""


@dataclass(frozen=True)
class Link:
    """``echo_ms`` and ``backlog_s`` are limits: of 95 of 100 keys beyond the delay, and of what waits."""

    rate: int
    delay_ms: int
    echo_ms: float
    backlog_s: float


LINKS = (Link(30_000, 150, 1000.0, 1.0), Link(8_000, 150, 2000.0, 2.0))


class LateTerminal(Terminal):
    """A terminal at the far end of a link."""

    def __init__(self, size: tuple[int, int], rate: int, delay_s: float) -> None:
        super().__init__(size, rate)
        self._half_s = delay_s / 2

    def _took(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._half_s, super()._took, data)

    def send(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._half_s, super().send, data)


@dataclass(frozen=True)
class Seen:
    """Milliseconds beyond the delay that keys waited for their echo, seconds of bytes that waited at most, and bytes a
    second."""

    link: Link
    keys: int
    echo_p50_ms: float
    echo_p95_ms: float
    backlog_s: float
    rate: float

    @property
    def kept(self) -> bool:
        return self.keys > 0 and self.echo_p95_ms <= self.link.echo_ms and self.backlog_s <= self.link.backlog_s


async def measure(link: Link, seconds: float) -> Seen:
    """Twelve agents draw five times a second; two keys a second are typed."""
    server, terminal = Server(), LateTerminal(SIZE, link.rate, link.delay_ms / 1000)
    with tempfile.TemporaryDirectory(prefix="fl", dir="/tmp") as name:
        place = Path(name)
        world = World(place, AGENTS)
        try:
            await server.open()
            await world.open()
            panes = await server.own_sessions(AGENTS)
            argv = [sys.executable, str(LIVE / "room.py"), str(world.database), str(world.socket), server.name]
            terminal.open(argv, os.environ)
            async with asyncio.timeout(60):
                while b"agent-011" not in terminal.written:  # noqa: ASYNC110 - a stream has no event
                    await asyncio.sleep(0.05)
            spec = {"panes": [(pane.tty, 80, 24) for pane in panes], "hz": HZ, "seconds": SETTLE_S + seconds, "seed": 1}
            driver = load(json.dumps({**spec, "log": str(place / "log")}).encode(), LIVE / "driver.py", sys.executable)
            try:
                await asyncio.sleep(SETTLE_S)
                terminal.measure()
                terminal.type_keys(2.0)
                backlog = await most_waiting(terminal, seconds)
            finally:
                driver.kill()
                driver.wait()
            beyond = sorted(max(0.0, echo / 1e6 - link.delay_ms) for echo in terminal.echoes)
            p50, p95 = (at(beyond, 0.5), at(beyond, 0.95)) if beyond else (0.0, 0.0)
            return Seen(link, len(beyond), p50, p95, backlog / link.rate, terminal.rate_seen)
        finally:
            await terminal.close()
            await world.close()
            await server.close()


async def most_waiting(terminal: Terminal, seconds: float) -> int:
    end_s, most = time.monotonic() + seconds, 0
    while time.monotonic() < end_s:
        most = max(most, terminal.waiting)
        await asyncio.sleep(0.02)
    return most


def main(arguments: argparse.Namespace) -> int:
    links = LINKS if arguments.rate is None else [Link(arguments.rate, arguments.delay, 2000.0, 2.0)]
    found = [asyncio.run(measure(link, arguments.seconds)) for link in links]
    print(f"{'link':>16} {'keys':>5} {'echo p50/p95 ms':>17} {'limit':>6} {'backlog s':>10} {'limit':>6} {'kB/s':>6}")
    for one in found:
        name = f"{one.link.rate / 1000:g} kB/s {one.link.delay_ms} ms"
        echo = f"{one.echo_p50_ms:.0f} / {one.echo_p95_ms:.0f}"
        print(
            f"{name:>16} {one.keys:5} {echo:>17} {one.link.echo_ms:6.0f} {one.backlog_s:10.2f} {one.link.backlog_s:6g}"
            f" {one.rate / 1000:6.1f}  {'kept' if one.kept else 'MISSED'}"
        )
    return int(arguments.check and not all(one.kept for one in found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each link is measured (default 20)")
    parser.add_argument("--rate", type=int, help="bytes a second of one link instead of the two")
    parser.add_argument("--delay", type=int, default=150, help="milliseconds there and back, with --rate (default 150)")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a limit is missed")
    sys.exit(main(parser.parse_args()))
