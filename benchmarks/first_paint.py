"""How soon the room is there: its frame, its agents, their panes, as ratios to what Textual alone takes in the same run.

``python benchmarks/first_paint.py [--rounds N] [--agents N]``. Every round starts, one after another, an interpreter
that imports Textual, an empty Textual application, and the real room on a real log and tmux server, in a terminal of
160x48. Times run from the start of the process until the words stand on the terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live.fleet import Server, World
from benchmarks.live.terminal import Terminal

SIZE = (160, 48)
ROOM = ROOT / "benchmarks" / "live" / "room.py"
EMPTY = "from textual.app import App\nfrom textual.widgets import Static\n"
EMPTY += "class Empty(App):\n    def compose(self):\n        yield Static('nothing here')\nEmpty().run()\n"
LIMIT_S = 60.0
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Compiled modules are there from the second start on, as they are for people."""
STEPS = ("import", "empty", "frame", "agents", "panes")
TOLD = {
    "import": "python -c 'import textual.app'",
    "empty": "an empty Textual application: its words",
    "frame": "the room: its frame",
    "agents": "the room: its agents",
    "panes": "the room: what their panes show",
}


async def until(terminal: Terminal, words: Sequence[bytes], started_s: float) -> list[float]:
    """Seconds until each of ``words`` was written."""
    found: dict[bytes, float] = {}
    while len(found) < len(words):
        for word in words:
            if word not in found and word in terminal.written:
                found[word] = time.monotonic() - started_s
        if time.monotonic() - started_s > LIMIT_S:
            raise TimeoutError(f"not shown: {set(words) - found.keys()}; {terminal.written[-500:]!r}")
        await asyncio.sleep(0.001)
    return [found[word] for word in words]


async def shown(argv: Sequence[str], words: Sequence[bytes]) -> list[float]:
    terminal = Terminal(SIZE)
    started_s = time.monotonic()
    terminal.open(argv, ENV)
    try:
        return await until(terminal, words, started_s)
    finally:
        await terminal.close()


async def once(server: Server, world: World) -> dict[str, float]:
    """One round, in seconds."""
    started_s = time.monotonic()
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", "import textual.app"], env=ENV, check=True)
    took = {"import": time.monotonic() - started_s}
    (took["empty"],) = await shown([sys.executable, "-c", EMPTY], [b"nothing here"])
    argv = [sys.executable, str(ROOM), str(world.database), str(world.socket), server.name]
    took["frame"], took["agents"], took["panes"] = await shown(argv, [b"1 WALL", b"agent-000", b"pane 000 says"])
    return took


async def measure(rounds: int, agents: int) -> list[dict[str, float]]:
    server = Server()
    with tempfile.TemporaryDirectory(prefix="fl") as name:
        world = World(Path(name), agents)
        try:
            await server.open()
            await world.open()
            for number, pane in enumerate(await server.own_sessions(agents)):
                Path(pane.tty).write_text(f"\x1b[2J\x1b[H\x1b[32mpane {number:03} says\x1b[m something")
            await once(server, world)  # compiles what was not
            return [await once(server, world) for _ in range(rounds)]
        finally:
            await world.close()
            await server.close()


def main(arguments: argparse.Namespace) -> None:
    found = asyncio.run(measure(arguments.rounds, arguments.agents))
    middle: Callable[[Sequence[float]], float] = statistics.median
    print(f"{arguments.rounds} rounds, {arguments.agents} agents, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'':42} {'median ms':>9} {'least':>7} {'most':>7}  {'of import':>9} {'of empty':>9}")
    for step in STEPS:
        values = [1e3 * one[step] for one in found]
        ratios = [middle([one[step] / one[base] for one in found]) for base in ("import", "empty")]
        print(
            f"{TOLD[step]:42} {middle(values):9.0f} {min(values):7.0f} {max(values):7.0f}"
            f"  {ratios[0]:9.2f} {ratios[1]:9.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is started (default 7)")
    parser.add_argument("--agents", type=int, default=16, help="how many (default 16)")
    main(parser.parse_args())
