"""The load: writes what an agent's program draws straight into the terminals of panes, each with a marker.

``python driver.py < spec.json``: frames at a steady rate, phases random, as programs of the Ink kind draw them (erase
the foot, at times print lines of work, draw spinner, input box and status again; about 1 kB). Each write is logged with
its instant and how long it took: a terminal that is not read makes it block, and that is what a stalled agent is.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import re
import struct
import sys
import threading
import time
from pathlib import Path

RECORD = struct.Struct("<qHII")
"""Instant (monotonic ns), pane, sequence number, how long the write took (µs)."""
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
ERASE_FOOT = "\x1b[2K" + "\x1b[1A\x1b[2K" * 4 + "\x1b[G"
SGR = re.compile(r"(\x1b\[[\d;]*m)")
SPINNER = "✻✽✶✳✢·"
WORK = (
    "\x1b[38;2;215;119;87m●\x1b[39m \x1b[1mUpdate\x1b[22m(src/upload/retry_{}.py)",
    "  \x1b[38;5;244m⎿\x1b[39m  Added {} lines, removed 2 lines",
    "     \x1b[48;2;34;92;43m\x1b[38;5;15m {} +    delay = min(cap, base * 2 ** attempt)   \x1b[49m\x1b[39m",
    "     \x1b[48;2;122;41;54m\x1b[38;5;15m {} -    delay = base * attempt                 \x1b[49m\x1b[39m",
    "\x1b[32m●\x1b[39m \x1b[1mBash\x1b[22m(pytest -q tests/test_retry_{}.py)",
    "  {} passed in 0.84s",
)


def frame(pane: int, seq: int, width: int, dice: random.Random) -> bytes:
    """One redraw of pane ``pane`` that is ``width`` columns wide.

    Its marker begins with the last digit of its number: who sends only what differs still sends all of it.
    """
    lines = []
    if dice.random() < 0.3:
        lines = [dice.choice(WORK).format(dice.randrange(1000)) for _ in range(dice.randrange(1, 5))]
    mark, rule = f"{seq:06}"[::-1] + f"P{pane:03}", "─" * width
    spinner = f"{mark} \x1b[38;2;215;119;87m{SPINNER[seq % 6]} Thinking…\x1b[39m"
    spinner += f" \x1b[2m({seq % 997}s · ↓ {seq * 7 % 9973} tokens)\x1b[22m"
    box = [f"\x1b[38;5;240m{rule}\x1b[39m", "❯\xa0", f"\x1b[38;5;240m{rule}\x1b[39m"]
    status = f"{mark} \x1b[2m? for shortcuts\x1b[22m"
    body = "\r\n".join([*(cut(line, width) for line in [*lines, spinner]), *box, status])
    return f"{BEGIN}{ERASE_FOOT}{body}{END}".encode()


def cut(line: str, width: int) -> str:
    """At most ``width`` columns of a line, as such programs cut what is too long, and the plain style behind it."""
    parts, room = [], width
    for part in SGR.split(line):
        if not part.startswith("\x1b"):
            part = part[:room]
            room -= len(part)
        parts.append(part)
    return "".join(parts) + "\x1b[m"


def first_frame(height: int) -> bytes:
    """Room for the foot that the first redraw erases."""
    return b"\x1b[2J\x1b[H" + b"\r\n" * (height - 1)


def spew(tty: int, rate: int, until_s: float) -> None:
    """Write ``rate`` bytes a second of lines into one terminal."""
    line = 0
    chunk_s, due = 0.01, time.monotonic()
    while due < until_s:
        size, text = 0, []
        while size < rate * chunk_s:
            line += 1
            text.append(f"\x1b[3{line % 8}m{line:08}\x1b[m compiling unit {line % 977} of the whole project\r\n")
            size += len(text[-1])
        data = "".join(text).encode()
        while data:
            data = data[os.write(tty, data) :]
        due = max(due + chunk_s, time.monotonic() - 0.1)  # what the terminal did not take is not made up for
        time.sleep(max(0.0, due - time.monotonic()))


def drive(spec: dict[str, object]) -> None:
    """Draw until the end; log every write."""
    panes: list[tuple[str, int, int]] = [tuple(pane) for pane in spec["panes"]]  # type: ignore[attr-defined]
    hz, end_s = float(str(spec["hz"])), time.monotonic() + float(str(spec["seconds"]))
    dice = random.Random(int(str(spec["seed"])))
    ttys = [os.open(path, os.O_WRONLY | os.O_NOCTTY) for path, _, _ in panes]
    for tty, (_, _, height) in zip(ttys, panes, strict=True):
        os.write(tty, first_frame(height))
    threads = []
    if spec.get("spew"):
        # The last pane spews; the others draw.
        threads = [threading.Thread(target=spew, args=(ttys[-1], int(str(spec["spew"])), end_s), daemon=True)]
    for thread in threads:
        thread.start()
    drawing = len(panes) - len(threads) if hz else 0
    now_s = time.monotonic()
    due = [(now_s + dice.random() / hz, pane) for pane in range(drawing)]
    heapq.heapify(due)
    seqs = [0] * drawing
    with Path(str(spec["log"])).open("wb") as log:
        while due and due[0][0] < end_s:
            at_s, pane = heapq.heappop(due)
            time.sleep(max(0.0, at_s - time.monotonic()))
            seqs[pane] += 1
            data = frame(pane, seqs[pane], panes[pane][1], dice)
            started_ns = time.monotonic_ns()
            os.write(ttys[pane], data)
            took_us = (time.monotonic_ns() - started_ns) // 1000
            log.write(RECORD.pack(started_ns, pane, seqs[pane], min(took_us, 2**32 - 1)))
            heapq.heappush(due, (at_s + 1.0 / hz, pane))
    for thread in threads:
        thread.join()
    time.sleep(max(0.0, end_s - time.monotonic()))


def read_log(path: Path) -> list[tuple[int, int, int, int]]:
    """The writes in order: instant (ns), pane, sequence number, duration (µs)."""
    return list(RECORD.iter_unpack(path.read_bytes()))


if __name__ == "__main__":
    drive(json.load(sys.stdin))
