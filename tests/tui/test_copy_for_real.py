"""What really goes to a terminal, and what really lies in a tmux, when something is copied in the room."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.live.terminal import Terminal

PROGRAM = Path(__file__).with_name("room_program.py")
OSC_52 = re.compile(rb"\x1b\]52;([^;]*);([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")
ITS_OWN = {"TMUX", "TMUX_PANE", "STY", "COLUMNS", "LINES", "NO_COLOR"}
OUTSIDE = {name: value for name, value in os.environ.items() if name not in ITS_OWN}
LIMIT_S = 40.0


async def shown(terminal: Terminal, condition: Callable[[bytes], object]) -> None:
    """Wait until what was written to the terminal fulfils ``condition``."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition(terminal.written):
        assert time.monotonic() < deadline_s, terminal.written[-2000:]
        await asyncio.sleep(0.02)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal((200, 50))
    yield made
    await made.close()


def argv(fleet: Any, *more: str) -> list[str]:
    return [
        sys.executable,
        str(PROGRAM),
        str(fleet.directory / "fleet.db"),
        str(fleet.socket),
        str(fleet.directory / "saved"),
        *more,
    ]


async def test_a_terminal_gets_one_sequence_with_the_text(fleet: Any, terminal: Terminal) -> None:
    terminal.open(argv(fleet), OUTSIDE)
    await shown(terminal, lambda written: b"dev-1" in written and b"data ok" in written)
    terminal.press("yb")
    await shown(terminal, lambda written: b"cannot be verified" in written)
    assert [(where, base64.b64decode(data)) for where, data in OSC_52.findall(terminal.written)] == [
        (b"c", b"agent/1-work")
    ]
    assert (fleet.directory / "saved" / "clip").read_text() == "agent/1-work"


@pytest.fixture
def tmux(terminal: Terminal) -> Any:
    """``tmux("words", …)``: what a private server says."""
    name = f"fleet-copy-{secrets.token_hex(4)}"

    def run(*words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", name, "-f", "/dev/null", *words],
            env={**OUTSIDE, "TERM": "xterm-256color"}, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        return done.stdout

    run.name = name  # type: ignore[attr-defined]
    yield run
    run("kill-server")


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "passthrough"])
async def test_inside_tmux_its_terminal_and_its_buffer_get_it(
    fleet: Any, terminal: Terminal, tmux: Any, *, clipboard: bool
) -> None:
    tmux("new-session", "-d", "-x", "200", "-y", "50", shlex.join(argv(fleet)))
    if not clipboard:
        tmux("set-option", "-s", "terminal-features", "xterm*:title")
        tmux("set-option", "-s", "terminal-overrides", "xterm*:Ms@")
        tmux("set-option", "-g", "allow-passthrough", "on")
    terminal.open(["tmux", "-L", tmux.name, "attach-session"], OUTSIDE)
    await shown(terminal, lambda _: all(word in tmux("capture-pane", "-p") for word in ("dev-1 ", "data ok")))
    terminal.press("yb")
    await shown(terminal, lambda written: OSC_52.search(written))
    await shown(terminal, lambda _: "tmux buffer, C-b ] pastes" in tmux("capture-pane", "-p"))
    (data,) = {base64.b64decode(data) for _, data in OSC_52.findall(terminal.written)}
    assert data == b"agent/1-work"
    assert tmux("show-buffer") == "agent/1-work"
    assert tmux("list-buffers", "-F", "#{buffer_name}") == "buffer0\n"  # and none besides
