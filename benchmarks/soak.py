"""Whether anything grows while a fleet and a room go on for hours.

``python benchmarks/soak.py [--minutes M] [--agents N] [--keep FILE]``: a watcher as people start it, N agents in the
fleet's tmux server, one room in a terminal of 200x60 whose person goes round all screens. Most agents work for ever,
some hand over, are reviewed, approved and land, and go on with the next ticket. For a fifth of the time all rest. Every
sample is appended to FILE as a line of JSON, so that a run that is cut short still tells something.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live.terminal import Terminal
from benchmarks.long.agent import is_lull
from benchmarks.long.fleet import Fleet
from benchmarks.long.sample import Sample
from benchmarks.long.told import told

SIZE = (200, 60)
CYCLE_S = 600.0
SAMPLE_S = 30.0
STAY_S = 15.0
ATTEND_S = 10.0
WALK = ("1", "j", "\r", "z", "z", "d", "d", "\x1b", "2", "3", "4", "5", "6", "8", "?", "\x1b", "1", "l", "w", "1")
"""One key a stay: every screen, the agent's pane over the whole screen, help, and what needs the person."""


async def every(seconds: float, end_s: float) -> bool:
    """Wait, at most until the end; whether there is time left."""
    await asyncio.sleep(max(0.0, min(seconds, end_s - time.monotonic())))
    return time.monotonic() < end_s


async def walk(terminal: Terminal, end_s: float, cycle_s: float) -> None:
    """The room's person. While all agents rest they stand before the wall."""
    rests = False
    for key in itertools.cycle(WALK):
        if not await every(min(STAY_S, cycle_s / 30), end_s):
            return
        rested, rests = rests, is_lull(time.time(), cycle_s)
        if not rests or not rested:
            terminal.press("1" if rests else key)


async def attend(fleet: Fleet, end_s: float) -> None:
    while await every(ATTEND_S, end_s):
        await asyncio.to_thread(fleet.attend)


async def soak(agents: int, minutes: float, cycle_s: float, keep: Path | None) -> list[Sample]:
    """The samples, first to last.

    Raises:
        RuntimeError: the room ended.
    """
    fleet, terminal = Fleet(agents, cycle_s), Terminal(SIZE)
    samples: list[Sample] = []
    try:
        await asyncio.to_thread(fleet.open)
        terminal.open(fleet.place.argv(), fleet.place.env, fleet.place.repository)
        end_s = time.monotonic() + 60 * minutes
        tasks = [asyncio.create_task(walk(terminal, end_s, cycle_s)), asyncio.create_task(attend(fleet, end_s))]
        while await every(min(SAMPLE_S, cycle_s / 20), end_s):
            load = os.getloadavg()[0]
            sample = await asyncio.to_thread(fleet.sample, terminal.process.pid, terminal.bytes, load)
            samples.append(sample)
            if keep is not None:
                with keep.open("a") as file:
                    file.write(json.dumps(sample.as_dict()) + "\n")
            if terminal.process.poll() is not None:
                raise RuntimeError(f"the room ended: {terminal.written[-2000:]!r}")
        await asyncio.gather(*tasks)
        return samples
    finally:
        if hasattr(terminal, "process"):
            await terminal.close()
        await asyncio.to_thread(fleet.close)


def main(arguments: argparse.Namespace) -> None:
    samples = asyncio.run(soak(arguments.agents, arguments.minutes, arguments.cycle, arguments.keep))
    print("\n".join(told(samples, arguments.agents, arguments.cycle)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=40, help="how many (default 40)")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--cycle", type=float, default=CYCLE_S, help="seconds from one rest of all to the next")
    parser.add_argument("--keep", type=Path, help="file to which samples are appended as they are taken")
    main(parser.parse_args())
