"""The player in a real terminal, with a real git workspace and the real agents' client."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest

from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.bus.server import BusServer
from fleet_tui.bus.shim import write_shim
from fleet_tui.domain.errors import Refused
from fleet_tui.vendors.base import LaunchRequest, Observation
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import Screen
from fleet_tui.vendors.scripted import ScriptedVendor

LIMIT_S = 20.0
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
            ["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True, env=_environment()
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
        env = _environment() | {
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


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)  # what still ends there may write


@pytest.fixture
async def world(home: Path) -> AsyncIterator[World]:
    made = World(home)
    server = BusServer(made.handle, lambda _pid: Origin("run run-1", "run:run-1", "run-1"))
    await server.listen_run("run-1", made.run_dir / "bus.sock", lambda token: token == "token")
    yield made
    for pane in made.panes:
        pane.close()
    await server.close()


def steps(*lines: str) -> str:
    return STORY % "\n".join(f"      - {line}" for line in lines)


async def test_minimal_story_from_prompt_to_pull_request(world: World) -> None:
    pane = await world.prompted((Path(__file__).parents[2] / "config/stories/minimal.yaml").read_text())
    await pane.until(lambda _: "turn_ended" in world.events(), "the turn ends")
    assert world.events() == ["prompt_submitted", "pr_created", "turn_ended"]
    created = next(args for name, args in world.said if name == "pr_created")
    assert created["summary"] == "Log in; `now`"
    assert created["payload"] == {"title": "Log in; `now`", "body": "Adds notes for ticket 3."}
    assert world.git("log", "-1", "--format=%s") == "Log in; `now` (#3)"
    assert world.git("--git-dir", str(world.gate), "rev-parse", "agent/3-login") == world.git("rev-parse", "HEAD")
    text = await pane.until(READY.search)
    assert "esc to interrupt" not in text
    assert "Done; the pull request is open." in text


async def test_rework_scene_by_trigger_and_round(world: World) -> None:
    story = (Path(__file__).parents[2] / "config/stories/minimal.yaml").read_text()
    await_end = await world.prompted(story, FLEET_TRIGGER="pr_changes_requested", FLEET_ROUND="2")
    await await_end.until(lambda _: "turn_ended" in world.events())
    assert world.git("log", "-1", "--format=%s") == "Rework #3 as reviewed (round 2)"


async def test_working_screen_is_classified_and_escape_interrupts_without_a_hook(world: World) -> None:
    pane = await world.prompted(steps("spin: 600", "publish: {event: note}"), speed="1")
    text = await pane.until(lambda text: "esc to interrupt" in text, "the spinner")
    observation = seen(text)
    assert observation is not None
    assert observation.state == "working"
    pane.keys(b"\x1b")
    text = await pane.until(lambda text: "Interrupted" in text, "the interruption")
    observation = seen(text)
    assert observation is not None
    assert observation.state == "idle"
    assert world.events() == ["prompt_submitted"]


async def test_question_waits_for_its_answer(world: World) -> None:
    pane = await world.prompted(
        steps("ask: 'Which colour for {ticket}?'", "write: {path: colour.txt, text: '{answer}'}")
    )
    text = await pane.until(lambda text: "waiting for an answer" in text, "the question")
    assert [name for name, _ in world.said][:2] == ["hook", "blocker"]
    assert world.said[1][1]["summary"] == "Which colour for 3?"
    assert world.said[1][1]["payload"] == {"question": True}
    observation = seen(text)
    assert observation is not None
    assert observation.state == "asking"
    pane.paste("blue; $(id)")
    pane.keys(b"\r")
    await pane.until(lambda _: (world.workspace / "colour.txt").exists(), "the answer is used")
    assert (world.workspace / "colour.txt").read_text() == "blue; $(id)"


async def test_message_before_the_question_is_no_answer(world: World) -> None:
    pane = await world.prompted(steps("spin: 1", "ask: Well?", "write: {path: a.txt, text: '{answer}'}"), speed="1")
    await pane.until(lambda text: "esc to interrupt" in text)
    pane.keys(b"hurry up\r")
    await pane.until(lambda text: "waiting for an answer" in text, "the question")
    pane.keys(b"yes\r")
    await pane.until(lambda _: (world.workspace / "a.txt").exists())
    assert (world.workspace / "a.txt").read_text() == "yes"
    await pane.until(lambda text: "> hurry up" in text and "Noted." in text, "the earlier message is taken up after")


async def test_wait_for_mail_polls_the_inbox(world: World) -> None:
    pane = await world.prompted(steps("wait_for: mail", "say: 'Got {message}'"))
    await pane.until(lambda _: "inbox" in world.events(), "the first look")
    world.answers["inbox"] = {"messages": [{"seq": 4, "kind": "note", "sender": "x", "summary": "use API two"}]}
    await pane.until(lambda text: "Got use API two" in text, "the mail")
    assert "ack" in world.events()


async def test_steps_stay_in_the_workspace_and_failures_are_shown(world: World) -> None:
    (world.workspace / "way-out").symlink_to(world.home)
    pane = await world.prompted(
        steps(
            "write: {path: ../escape.txt, text: x}",
            "write: {path: way-out/escape.txt, text: x}",
            "write: {path: .git/hooks/pre-commit, text: x}",
            "delete: missing.txt",
            "patch: {path: README.md, replace: absent, with: y}",
            "patch: {path: README.md, replace: Shop, with: Store}",
            "run: 'echo out; echo err >&2; exit 7'",
            "run: [printf, '%s', '$HOME']",
        )
    )
    text = await pane.until(lambda text: "turn_ended" in world.events() and text)
    assert "exit code 7" in text
    assert "$HOME" in text
    assert "cannot delete" in text
    assert pane.text.count("outside the workspace") >= 1
    assert not (world.home / "escape.txt").exists()
    assert not (world.workspace / ".git/hooks/pre-commit").exists()
    assert (world.workspace / "README.md").read_text() == "# Store\n"


async def test_a_nul_in_a_step_fails_that_step_and_no_more(world: World) -> None:
    """No argument of a program and no path can hold one."""
    nul = "\\0"  # as YAML writes it
    pane = await world.prompted(
        steps(
            f'say: "one{nul}two"',
            f'run: "echo a{nul}b"',
            f'run: [echo, "a{nul}b"]',
            f'write: {{path: "a{nul}b", text: x}}',
            f'delete: "a{nul}b"',
            f'write: {{path: c.txt, text: "x{nul}y"}}',
            f'commit: "c{nul}d"',
            f'publish: {{event: pr_created, summary: "e{nul}f"}}',
            f'ask: "g{nul}h"',
        )
    )
    await pane.until(lambda text: "waiting for an answer" in text)
    pane.paste("yes")
    pane.keys(b"\r")
    await pane.until(lambda text: "? for shortcuts" in text)
    assert (world.workspace / "c.txt").read_text() == "x\0y"


async def test_hostile_output_does_not_reach_the_terminal(world: World) -> None:
    (world.workspace / "evil").write_bytes(b"\x1b]52;c;ZXZpbA==\x07 \x1b[3J \xc2\x9b2J \xe2\x80\xaeabc\n")
    pane = await world.prompted(steps("run: [cat, evil]", "say: after"))
    await pane.until(lambda text: "● after" in text)
    assert b"\x1b]52" not in pane.raw
    assert b"\x1b[3J" not in pane.raw
    assert "\u202e".encode() not in pane.raw


async def test_refused_publication_is_shown_and_the_story_goes_on(world: World) -> None:
    world.refuse.add("pr_approved")
    pane = await world.prompted(steps("misbehave: forge_approval", "say: moving on"))
    text = await pane.until(lambda text: "moving on" in text)
    assert "refused: a run-1 may not publish pr_approved" in text


async def test_push_main_is_tried(world: World) -> None:
    hook = world.gate / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho only your own branch\nexit 1\n")
    hook.chmod(0o755)
    pane = await world.prompted(steps("misbehave: push_main", "say: hm"))
    text = await pane.until(lambda text: "● hm" in text)
    assert "only your own branch" in text
    assert world.git("--git-dir", str(world.gate), "for-each-ref") == ""


@pytest.mark.parametrize(("step", "code"), [("misbehave: crash", 3), ("stop", 0), ("stop: 9", 9)])
async def test_exit_codes(world: World, step: str, code: int) -> None:
    pane = await world.prompted(steps(step))
    assert await pane.ended() == code


async def test_exit_restores_the_terminal(world: World) -> None:
    pane = world.play(steps("say: hello"))
    await pane.until(READY.search)
    pane.keys(b"/exit\r")
    assert await pane.ended() == 0
    assert pane.raw.rstrip().endswith(b"\x1b[?1049l")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_end_it_with_their_code(world: World, number: signal.Signals) -> None:
    pane = await world.prompted(steps("spin: 600"), speed="1")
    await pane.until(lambda text: "esc to interrupt" in text)
    pane.process.send_signal(number)
    assert await pane.ended() == 128 + number


async def test_forked_child_outlives_the_turn_in_a_session_of_its_own(world: World) -> None:
    pane = await world.prompted(steps("misbehave: fork", "say: gone"))
    await pane.until(lambda text: "● gone" in text)
    import psutil

    def escapees() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.cmdline() == ["sleep", "600"] and process.environ() == {}:
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.cwd() == str(world.workspace)]

    await pane.until(lambda _: escapees(), "the child")
    for process in escapees():
        assert os.getsid(process.pid) != os.getsid(pane.process.pid)
        process.kill()


async def test_spew_floods_and_the_picture_comes_back(world: World) -> None:
    pane = await world.prompted(steps("misbehave: spew", "say: done spewing"), speed="0.2")
    text = await pane.until(lambda text: "done spewing" in text)
    assert len(pane.raw) > 100_000
    assert READY.search(text)


async def test_read_secrets_is_refused_by_the_operators_socket(world: World, home: Path) -> None:
    denied: list[tuple[str, dict[str, Any]]] = []

    async def handle(caller: Caller, op: str, args: dict[str, Any], _id: str) -> dict[str, Any]:
        denied.append((f"{caller.principal} {op}", args))
        return {}

    server = BusServer(handle, lambda _pid: Origin("run run-1", "run:run-1", "run-1"))
    await server.listen_operator(home / "operator.sock")
    (home / "fleet.db").touch()
    pane = await world.prompted(steps("misbehave: read_secrets", "say: foiled"))
    text = await pane.until(lambda text: "● foiled" in text)
    await server.close()
    # A paragraph is folded at the edge of the screen, which is in the middle of words too.
    assert "may not use the operator's socket" in text.replace("\n", "")
    assert "fleet.db" in text
    assert denied[0][0] == "run:run-1 denied"
    assert denied[0][1]["act"] == "approve"


async def test_hanging_agent_takes_no_keys_but_a_signal(world: World) -> None:
    pane = await world.prompted(steps("misbehave: hang", "say: never"))
    await pane.until(lambda text: "One moment." in text)
    pane.keys(b"hello\r\x1b\x03\x03")
    assert (await world_is_quiet(pane)).count("hello") == 0
    pane.process.send_signal(signal.SIGTERM)
    assert await pane.ended() == 143


async def world_is_quiet(pane: Pane) -> str:
    """The screen once the process sleeps for good: it uses no processor time between two looks."""
    import psutil

    process, before = psutil.Process(pane.process.pid), None
    while (times := process.cpu_times()) != before or process.status() != psutil.STATUS_SLEEPING:
        before = times
        await asyncio.sleep(0.05)
    return pane.text


async def test_command_that_closes_its_output_or_leaves_a_child_behind(world: World) -> None:
    pane = await world.prompted(
        steps("run: 'exec >&- 2>&-; sleep 0.3; exit 4'", "run: 'sleep 30 & echo started'", "say: after")
    )
    text = await pane.until(lambda text: "● after" in text)
    assert "exit code 4" in text
    assert "started" in text


async def test_unknown_vendor_client_is_shown_as_a_failure(world: World) -> None:
    pane = await world.prompted(steps("publish: {event: note}", "say: after"), PATH="/usr/bin:/bin")
    text = await pane.until(lambda text: "● after" in text)
    assert "fleet: No such file or directory" in text


async def test_in_real_tmux_prompt_by_bracketed_paste(world: World) -> None:
    name = f"fleet-test-{os.urandom(4).hex()}"
    environment = _environment() | {"TMUX_TMPDIR": str(world.home)}

    def tmux(*arguments: str, text: str | None = None) -> str:
        argv = ["tmux", "-L", name, "-f", "/dev/null", *arguments]
        return subprocess.run(
            argv, env=environment, input=text, capture_output=True, text=True, check=True, timeout=LIMIT_S
        ).stdout

    async def screen(done: Callable[[str], Any]) -> str:
        end_s = time.monotonic() + LIMIT_S
        while not done(text := tmux("capture-pane", "-p", "-t", "=s:")):
            assert time.monotonic() < end_s, text
            await asyncio.sleep(0.05)
        return text

    story = world.home / "story.yaml"
    story.write_text((Path(__file__).parents[2] / "config/stories/minimal.yaml").read_text())
    write_shim(world.home / "bin")
    vendor = ScriptedVendor("scripted", story, ("--speed", "0"), {})
    request = LaunchRequest(
        "run-1",
        "dev",
        "developer",
        None,
        "# Ticket #3: Log in\n\n$(id) #{q}\nmore\n",
        world.home,
        world.workspace,
        world.home,
        3,
    )
    launch = vendor.launch(request)
    variables = [
        f"{key}={value}"
        for key, value in {
            "PATH": f"{world.home / 'bin'}:{os.environ['PATH']}",
            "FLEET_SOCKET": str(world.run_dir / "bus.sock"),
            "FLEET_TOKEN": "token",
            "FLEET_SPOOL": str(world.run_dir / "spool"),
            "FLEET_ROLE": "developer",
            "FLEET_TICKET": "3",
        }.items()
    ]
    tmux(
        "new-session",
        "-d",
        "-s",
        "s",
        "-x",
        "100",
        "-y",
        "30",
        "-c",
        str(world.workspace),
        "env",
        *variables,
        *launch.argv,
    )
    try:
        text = await screen(READY.search)
        observation = seen(text)
        assert observation is not None
        assert observation.state == "idle"
        tmux("load-buffer", "-b", "b", "-", text=launch.paste)
        tmux("paste-buffer", "-p", "-d", "-r", "-b", "b", "-t", "=s:")
        await screen(lambda text: "Pasted text" in text or "# Ticket #3" in text)
        tmux("send-keys", "-t", "=s:", "Enter")
        await screen(lambda text: "the pull request is open" in text)
    finally:
        tmux("kill-server")
    created = next(args for event, args in world.said if event == "pr_created")
    assert created["summary"] == "Log in"


async def test_new_size_is_drawn_at_once(world: World) -> None:
    pane = world.play(steps("say: hello"))
    await pane.until(READY.search)
    pane.screen.resize(20, 60)
    fcntl.ioctl(pane.master, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
    os.kill(pane.process.pid, signal.SIGWINCH)
    text = await pane.until(lambda text: "╭" + "─" * 58 + "╮" in text, "the narrow box")
    assert READY.search(text)


def test_no_terminal_is_a_clear_error(home: Path) -> None:
    (home / "story.yaml").write_text(steps("push"))
    launch = ScriptedVendor("scripted", home / "story.yaml", (), {}).launch(
        LaunchRequest("run-1", "dev", "developer", None, "x", home, home, home)
    )
    done = subprocess.run(
        launch.argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 2
    assert "in a terminal only" in done.stderr
