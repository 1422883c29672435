"""Plays a story in a terminal, through the same doors as a real agent.

``python -I -m fleet_tui.vendors.player --story FILE --agent NAME [--seed N] [--speed X]``. The prompt is pasted into
its input box; reports and events go through the ``fleet`` on PATH; role, ticket, trigger and round are in the
environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import slugify
from fleet_tui.domain.text import clean
from fleet_tui.vendors.steps import PLAY
from fleet_tui.vendors.story import Scene, Situation, Story, load_story
from fleet_tui.vendors.terminal import Interrupted, Terminal

SPINNER = "·✢✳✶✻✽"
_WORDS = ("Thinking", "Pondering", "Reading", "Considering", "Weighing", "Untangling", "Sketching", "Checking")
_TITLE = re.compile(r"^# Ticket #\d+: (.*)$", re.MULTILINE)
WORKING, IDLE, ASKING = "esc to interrupt", "? for shortcuts", "waiting for an answer"
"""Footers, by which the screen is classified."""
_FRAME_S = 0.12
_COMMAND_LIMIT_S = 900
_SHOWN_LINES = 12


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended. ``code`` is 127 when it could not start, negative for a signal."""

    code: int
    output: str


class Player:
    """One agent playing ``story``. Steps use ``say``, ``pause``, ``command``, ``fleet`` and ``fill``."""

    def __init__(self, terminal: Terminal, story: Story, situation: Situation, *, seed: int, speed: float) -> None:
        self.terminal = terminal
        self.workspace = Path.cwd().resolve()
        self.speed = speed
        self.chance = random.Random(seed)  # noqa: S311 - a story must go the same way each time
        self._story = story
        self._situation = situation
        self._said = ""
        self._requests = 0
        self.values: dict[str, str] = {"answer": "", "message": ""}

    def live(self) -> None:
        """Take prompts and messages until the story or a person ends it."""
        first = True
        while True:
            self._await_message(IDLE)
            self._turn(self.terminal.messages.popleft(), first=first)
            first = False

    def _turn(self, message: str, *, first: bool) -> None:
        self._taken_up(message)
        self._footer(WORKING)
        try:
            for step in self._scene(message, first=first).steps:
                PLAY[step.kind](self, step.value)
        except Interrupted:
            # As with real vendors, no hook tells of this: only the screen does.
            self._footer(IDLE)
            self.terminal.add("  ⎿ Interrupted · what shall be done instead?", "bad")
            return
        # The screen first: who hears of the end may look at it at once.
        self._footer(IDLE)
        self._report("turn_ended", {"last_assistant_message": self._said[:500]})

    def _scene(self, message: str, *, first: bool) -> Scene:
        title = _TITLE.search(message)
        if first:
            self._situation = self._named(title.group(1) if title else "")
        trigger = self._situation.trigger if first else "message"
        scene = self._story.scene(replace(self._situation, trigger=trigger))
        if scene is None:
            text = f"Nothing to do for a {self._situation.role} on {trigger}." if first else "Noted."
            self.say(text)
            return Scene({}, (), "")
        return scene

    def _named(self, title: str) -> Situation:
        situation = replace(self._situation, title=clean(title))
        self.values.update({name: str(value) for name, value in asdict(situation).items()})
        environment = {name: os.environ.get(f"FLEET_{name.upper()}", "") for name in ("run", "pr")}
        self.values.update(environment, slug=slugify(title))
        return situation

    # -- what steps use ------------------------------------------------------------------------------------------------

    def say(self, text: str, style: str = "plain") -> None:
        """A paragraph of the agent's, shown word by word."""
        self._said = text
        words = text.split(" ")
        self.terminal.add("●", style)
        for count in range(1, len(words) + 1):
            self.terminal.amend(f"● {' '.join(words[:count])}", style)
            self.pause(0.03)

    def show(self, text: str, style: str = "dim") -> None:
        """Detail below a paragraph."""
        self.terminal.add("\n".join([f"  ⎿ {line}" for line in text.rstrip("\n").split("\n")]), style)

    def pause(self, seconds: float) -> None:
        """Let ``seconds`` of the story pass, with keys handled."""
        end_s = time.monotonic() + seconds * self.speed
        while True:
            left_s = end_s - time.monotonic()
            self.terminal.pump(max(0.0, min(left_s, _FRAME_S)))
            if left_s <= 0:
                return

    def spin(self, seconds: float) -> None:
        """Like :meth:`pause`, with a spinner and a running clock."""
        word, started_s = self.chance.choice(_WORDS), time.monotonic()
        end_s = started_s + seconds * self.speed
        frame = 0
        while time.monotonic() < end_s:
            elapsed_s = int(time.monotonic() - started_s)
            self.terminal.status = f"{SPINNER[frame % len(SPINNER)]} {word}… ({elapsed_s}s · esc to interrupt)"
            self.terminal.paint()
            self.terminal.pump(min(_FRAME_S, max(0.0, end_s - time.monotonic())))
            frame += 1
        self.terminal.status = ""
        self.terminal.paint()

    def fill(self, text: str) -> str:
        """``text`` with ``{ticket}``, ``{title}``, ``{answer}`` and the other known names replaced, once."""
        return re.sub(r"\{(\w+)\}", lambda match: self.values.get(match.group(1), match.group()), text)

    def command(self, argv: Sequence[str], *, title: str = "", stdin: bytes = b"") -> Finished:
        """Run ``argv`` in the workspace with its output shown as it comes; keys are handled meanwhile."""
        if title:
            self.terminal.add(f"● Bash({title})", "bold")
        try:
            process = subprocess.Popen(
                argv,
                cwd=self.workspace,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # the latter: an argument holds a NUL
            self.show(f"{argv[0]}: {getattr(error, 'strerror', None) or error}", "bad")
            return Finished(127, "")
        with process:
            try:
                return self._follow(process, stdin, shown=bool(title))
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def fleet(self, *arguments: str, title: str = "") -> Finished:
        """Call the agents' ``fleet``."""
        return self.command(["fleet", *arguments], title=title)

    def ask(self, question: str) -> str:
        """Publish a question and wait for the text that a person sends."""
        self.say(question, "accent")
        self.fleet("blocker", "--question", question, title="fleet blocker --question …")
        # What was sent before the question is no answer to it.
        earlier = self.terminal.messages.copy()
        self.terminal.messages.clear()
        self._footer(ASKING)
        self._report("turn_ended", {"last_assistant_message": question[:500]})
        self._await_message(ASKING)
        answer = self.terminal.messages.popleft()
        self.terminal.messages.extend(earlier)
        self._footer(WORKING)
        self._taken_up(answer)
        return answer.strip()

    def next_request(self) -> int:
        """A number for the next request that this agent pretends to have made."""
        self._requests += 1
        return self._requests

    def next_message(self) -> str:
        """Wait for a message in the pane."""
        if not self.terminal.messages:
            self._await_message("waiting for a message")
        message = self.terminal.messages.popleft()
        self._taken_up(message)
        return message.strip()

    # -- inner ---------------------------------------------------------------------------------------------------------

    def _footer(self, text: str) -> None:
        self.terminal.status, self.terminal.footer = "", text
        self.terminal.paint()

    def _await_message(self, footer: str) -> None:
        while True:
            try:
                self.terminal.until(lambda: bool(self.terminal.messages), footer)
                break
            except Interrupted:
                continue  # nothing runs that Escape could stop
        if self.terminal.messages[0].strip() in ("/exit", "/quit"):
            raise SystemExit(0)

    def _taken_up(self, message: str) -> None:
        lines = message.strip().split("\n")
        more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
        self.terminal.add(f"> {lines[0][:200]}{more}", "user")
        self._report("prompt_submitted", {"prompt": message[:500]})

    def _report(self, kind: str, data: Mapping[str, str]) -> None:
        body = {"hook_event_name": kind, "session_id": os.environ.get("FLEET_RUN", ""), **data}
        self.command(["fleet", "hook", kind], stdin=json.dumps(body).encode())

    def _follow(self, process: subprocess.Popen[bytes], stdin: bytes, *, shown: bool) -> Finished:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(stdin)  # small: it fits into the pipe
            process.stdin.close()
        except BrokenPipeError:
            pass
        code, output = self._read_until_exit(process, shown=shown)
        if code and shown:
            self.show(f"exit code {code}", "bad")
        return Finished(code, output.decode("utf-8", "replace"))

    def _read_until_exit(self, process: subprocess.Popen[bytes], *, shown: bool) -> tuple[int, bytes]:
        """Exit code (that of a kill at the time limit) and the last output, of which each piece is shown."""
        assert process.stdout is not None
        output = b""
        sources = [process.stdout.fileno()]
        deadline_s = time.monotonic() + _COMMAND_LIMIT_S
        os.set_blocking(sources[0], False)
        while time.monotonic() < deadline_s:
            code = process.poll()
            ready = self.terminal.pump(_FRAME_S if code is None else 0, sources)
            data = os.read(ready[0], 65536) if ready else b""
            output = (output + data)[-256_000:]
            if data and shown:
                self._show_output(data)
            if ready and not data:
                sources = []  # it has closed its output; it may still run
            # A background child may hold the pipe open: what is there after the exit is all.
            if code is not None and not ready:
                return code, output
        return -signal.SIGKILL, output

    def _show_output(self, data: bytes) -> None:
        lines = clean(data.decode("utf-8", "replace")).rstrip("\n").split("\n")
        if len(lines) > _SHOWN_LINES:
            lines = [f"… {len(lines) - _SHOWN_LINES} lines more", *lines[-_SHOWN_LINES:]]
        self.show("\n".join(lines))


def _situation(agent: str, environ: Mapping[str, str]) -> Situation:
    number = environ.get("FLEET_ROUND", "")
    return Situation(
        role=environ.get("FLEET_ROLE", ""),
        agent=agent,
        ticket=environ.get("FLEET_TICKET", ""),
        title="",
        trigger=environ.get("FLEET_TRIGGER", ""),
        round=int(number) if number.isdecimal() else 1,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Play until the story, a person or a signal ends it."""
    parser = argparse.ArgumentParser(prog="player", description="Plays a story as an agent, in this terminal.")
    parser.add_argument("--story", type=Path, required=True, metavar="FILE")
    parser.add_argument("--agent", default=os.environ.get("FLEET_AGENT", "agent"), metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0, help="scales every wait; 0 waits nowhere")
    options = parser.parse_args(arguments)
    try:
        story = load_story(options.story)
        terminal = Terminal(f"✻ Scripted agent {options.agent} · {options.story.stem}")
    except FleetError as error:
        print(f"player: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    player = Player(
        terminal, story, _situation(options.agent, os.environ), seed=options.seed, speed=max(0.0, options.speed)
    )
    terminal.footer = IDLE
    with terminal.opened():
        player.live()
    return 0


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
