"""``python agent.py CYCLE_S``: an agent's program that can be left alone for hours, after the role it is started in.

Developers draw as programs of the Ink kind do, in bursts between rests, and at times say something to the fleet. Those
whose name begins with ``quick`` hand their work over after a few bursts and end; reviewers agree after one. In the last
fifth of each cycle of the clock everybody rests, so that the fleet can be seen idle.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.live import driver

HZ = 2.0
BURST_S, REST_S = (15.0, 40.0), (20.0, 90.0)
BUSY_SHARE = 0.8
QUICK_BURSTS = 2
NOTE_EVERY = 3
"""Bursts between two notes."""


def is_lull(now_s: float, cycle_s: float) -> bool:
    """Whether everybody rests, by the time of day in seconds."""
    return now_s % cycle_s >= BUSY_SHARE * cycle_s


class Agent:
    """One program in one terminal."""

    def __init__(self, cycle_s: float) -> None:
        self._cycle_s = cycle_s
        self._dice = random.Random(os.environ["FLEET_RUN"])
        self._width, height = os.get_terminal_size()
        self._seq = 0
        self._write(driver.first_frame(height))

    def work(self, bursts: int | None) -> None:
        """Bursts and rests; for ever when ``bursts`` is None."""
        done = 0
        while bursts is None or done < bursts:
            self._burst()
            done += 1
            if done % NOTE_EVERY == 0:
                fleet("note", f"burst {done} of {os.environ['FLEET_AGENT']} is over")
                fleet("hook", "usage", said=f'{{"input_tokens": 900, "output_tokens": 150, "request_id": "{done}"}}')
            if bursts is None or done < bursts:
                time.sleep(self._dice.uniform(*REST_S) * min(1.0, self._cycle_s / 600))

    def _burst(self) -> None:
        end_s = time.monotonic() + self._dice.uniform(*BURST_S) * min(1.0, self._cycle_s / 600)
        while time.monotonic() < end_s:
            while is_lull(time.time(), self._cycle_s):
                time.sleep(1.0)
            self._seq += 1
            self._write(driver.frame(0, self._seq, self._width, self._dice))
            time.sleep(1.0 / HZ)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]


def fleet(*words: str, said: str = "") -> None:
    """Say something to the fleet; what it answers is not looked at."""
    subprocess.run(["fleet", *words], input=said, text=True, capture_output=True, check=False)


def hand_over() -> None:
    """A change on the branch, and the pull request for it."""
    note = Path("notes") / f"{os.environ['FLEET_TICKET']}.md"
    note.parent.mkdir(exist_ok=True)
    with note.open("a") as file:
        file.write(f"round {os.environ['FLEET_ROUND']}\n")
    for words in (("add", "notes"), ("commit", "-q", "-m", f"Note {note.stem}"), ("push", "-q")):
        subprocess.run(["git", *words], check=True)
    fleet("publish", "pr_created", "--summary", f"A note for ticket {note.stem}")


def main(cycle_s: float) -> None:
    agent = Agent(cycle_s)
    if os.environ["FLEET_ROLE"] == "reviewer":
        agent.work(1)
        fleet("publish", "pr_approved", "--summary", "Nothing is left to do.")
    elif os.environ["FLEET_AGENT"].startswith("quick"):
        agent.work(QUICK_BURSTS)
        hand_over()
    else:
        agent.work(None)


if __name__ == "__main__":
    main(float(sys.argv[1]))
