"""How soon the room is there: its agents, their panes, as ratios to what Textual alone takes in the same run.

``python benchmarks/first_paint.py [--rounds N] [--agents N]``. Every round starts, one after another, an interpreter
that imports Textual, an empty Textual application, and `fleet` itself on a real log and tmux server, in a terminal of
160x48. Times run from the start of the process until the words are written to the terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live.fleet import Server, World
from benchmarks.live.terminal import Terminal
from tests.e2e.e2e_support import Place, opened

SIZE = (160, 48)
EMPTY = "from textual.app import App\nfrom textual.widgets import Static\n"
EMPTY += "class Empty(App):\n    def compose(self):\n        yield Static('nothing here')\nEmpty().run()\n"
LIMIT_S = 60.0
TAKES_THE_SCREEN = b"\x1b[?1049h"
STEPS = ("import", "empty", "saved", "agents", "panes")
TOLD = {
    "import": "python -c 'import textual.app'",
    "empty": "an empty Textual application: its words",
    "saved": "fleet: what it showed the last time",
    "agents": "fleet: its agents as they are",
    "panes": "fleet: what their panes show now",
}


def env_of(place: Place) -> dict[str, str]:
    """Compiled modules are there from the second start on, as they are for people."""
    return {name: value for name, value in place.env.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def until(terminal: Terminal, steps: Sequence[Sequence[bytes]], started_s: float) -> list[float]:
    """Seconds until, one after another, what stands for each step was written: its last word, behind all before it."""
    took: list[float] = []
    for words in steps:
        while not _in_order(terminal.written, words):
            if time.monotonic() - started_s > LIMIT_S:
                raise TimeoutError(f"not shown: {words}; {terminal.written[-500:]!r}")
            await asyncio.sleep(0.001)
        took.append(time.monotonic() - started_s)
    return took


def _in_order(text: bytes, words: Sequence[bytes]) -> bool:
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return True


async def shown(place: Place, argv: Sequence[str], steps: Sequence[Sequence[bytes]], keys: str = "") -> list[float]:
    """Start it, wait, and end it: by ``keys`` when there are any."""
    terminal = Terminal(SIZE)
    started_s = time.monotonic()
    terminal.open(argv, env_of(place), place.repository)
    try:
        took = await until(terminal, steps, started_s)
        for key in keys:
            terminal.press(key)
            await asyncio.sleep(0.5)
        if keys:
            await asyncio.to_thread(terminal.process.wait, LIMIT_S)
        return took
    finally:
        await terminal.close()


async def once(place: Place) -> dict[str, float]:
    """One round, in seconds."""
    started_s = time.monotonic()
    argv = [sys.executable, "-c", "import textual.app"]
    await asyncio.to_thread(subprocess.run, argv, env=env_of(place), check=True)
    took = {"import": time.monotonic() - started_s}
    (took["empty"],) = await shown(place, [sys.executable, "-c", EMPTY], [[b"nothing here"]])
    room = [TAKES_THE_SCREEN, TAKES_THE_SCREEN]
    steps = [[b"loading: "], [*room, b"agent-000"], [*room, b"pane 000 says"]]
    took["saved"], took["agents"], took["panes"] = await shown(place, place.argv(), steps)
    return took


async def measure(rounds: int, agents: int) -> list[dict[str, float]]:
    with opened() as place:
        place.init_git()
        place.configure([])
        place.paths.create()
        server = Server(place.paths.tmux_socket_name)
        world = World(place.paths.state, agents, place.paths.operator_socket)
        try:
            await server.open()
            await world.open()
            for number, pane in enumerate(await server.own_sessions(agents)):
                Path(pane.tty).write_text(f"\x1b[2J\x1b[H\x1b[32mpane {number:03} says\x1b[m something")
            # Compiles what was not, and leaves a picture.
            await shown(place, place.argv(), [[TAKES_THE_SCREEN, b"pane 000 says"]], "qq")
            return [await once(place) for _ in range(rounds)]
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
