"""A player on a terminal of its own, with a git workspace, a bus and the agents' client."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte

from fleet_tui.bus.identity import Caller
from fleet_tui.bus.shim import write_shim
from fleet_tui.domain.errors import Refused
from fleet_tui.vendors.base import LaunchRequest, Observation
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import Screen
from fleet_tui.vendors.scripted import ScriptedVendor

LIMIT_S = 60.0


READY = re.compile(r"^│ > ", re.MULTILINE)
"""The player's input box is on the screen."""


def seen(text: str) -> Observation | None:
    """What the screen says by the rules for players."""
    return read_rules("scripted", "scripted", None)[0].classify(Screen(text))


STORY = """
scenes:
  - when: {trigger: ticket_ready}
    steps:
%s
"""


class Pane:
    """A process on a pty, and what its screen shows."""

    def __init__(self, argv: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.raw = bytearray()
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self.master, False)

    @property
    def text(self) -> str:
        self._read()
        return "\n".join(self.screen.display)

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 65536):
                self.raw += data
                self._stream.feed(data)
        except (BlockingIOError, OSError):
            return

    async def until(self, done: Callable[[str], Any], what: str = "") -> str:
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            text = self.text
            if done(text):
                return text
            await asyncio.sleep(0.02)
        raise AssertionError(f"not within {LIMIT_S} s: {what}\n{self.text}")

    def paste(self, text: str) -> None:
        os.write(self.master, b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def keys(self, data: bytes) -> None:
        os.write(self.master, data)

    async def ended(self) -> int:
        await self.until(lambda _: self.process.poll() is not None, "the process ends")
        assert self.process.returncode is not None
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)


class World:
    """A gate repository, a workspace cloned from it, the watcher's side of the bus, and panes to play in."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.workspace = home / "workspace"
        self.gate = home / "gate.git"
        # As in a fleet's runtime directory: from there an agent finds the way to the operator's socket.
        self.run_dir = home / "runs" / "run-1"
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.refuse: set[str] = set()
        self.panes: list[Pane] = []
        self._git(home, "init", "-q", "--bare", "-b", "main", str(self.gate))
        self._git(home, "clone", "-q", str(self.gate), str(self.workspace))
        (self.workspace / "README.md").write_text("# Shop\n")
        self._git(self.workspace, "checkout", "-q", "-b", "agent/3-login")
        self._git(self.workspace, "add", "-A")
        self._git(self.workspace, "-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "-qm", "start")

    @staticmethod
    def _git(cwd: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True, env=environment()
        )
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        return self._git(self.workspace, *arguments)

    async def handle(self, caller: Caller, op: str, args: dict[str, Any], _id: str) -> dict[str, Any]:
        self.said.append((op if op != "publish" else args["event"], args))
        if op == "publish" and args["event"] in self.refuse:
            raise Refused("refused", f"a {caller.run} may not publish {args['event']}", "ask a reviewer")
        return dict(self.answers.get(op, {}))

    def events(self) -> list[str]:
        return [args["kind"] if name == "hook" else name for name, args in self.said]

    def play(self, story: str, *, speed: str = "0", **names: str) -> Pane:
        path = self.home / "story.yaml"
        path.write_text(story)
        write_shim(self.home / "bin")
        launch = ScriptedVendor("scripted", path, ("--speed", speed), {}).launch(
            LaunchRequest(
                "run-1",
                "dev",
                "developer",
                None,
                "# Ticket #3: Log in; `now`\n",
                self.home,
                self.workspace,
                self.home,
                3,
            )
        )
        env = environment() | {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "FLEET_SOCKET": str(self.run_dir / "bus.sock"),
            "FLEET_TOKEN": "token",
            "FLEET_SPOOL": str(self.run_dir / "spool"),
            "FLEET_TRIGGER": "ticket_ready",
            "FLEET_ROLE": "developer",
            "FLEET_TICKET": "3",
            "FLEET_RUN": "run-1",
        }
        pane = Pane(list(launch.argv), self.workspace, env | names)
        self.panes.append(pane)
        return pane

    async def prompted(self, story: str, *, speed: str = "0", **names: str) -> Pane:
        """A pane that has got its first prompt."""
        pane = self.play(story, speed=speed, **names)
        await pane.until(READY.search, "the input box")
        pane.paste("# Ticket #3: Log in; `now`\n\nPlease.\nBe quick.\nThanks.\nBye.\n")
        await pane.until(lambda text: "[Pasted text +" in text, "the paste in the box")
        pane.keys(b"\r")
        return pane


def environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def steps(*lines: str) -> str:
    return STORY % "\n".join(f"      - {line}" for line in lines)
