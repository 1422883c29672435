"""The player's terminal: keys, signals, sizes, exit codes and floods. A real pseudo-terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus.shim import write_shim
from fleet_tui.vendors.base import LaunchRequest
from fleet_tui.vendors.scripted import ScriptedVendor
from tests.vendors.players import LIMIT_S, READY, Pane, World, environment, seen, steps


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


async def test_hostile_output_does_not_reach_the_terminal(world: World) -> None:
    (world.workspace / "evil").write_bytes(b"\x1b]52;c;ZXZpbA==\x07 \x1b[3J \xc2\x9b2J \xe2\x80\xaeabc\n")
    pane = await world.prompted(steps("run: [cat, evil]", "say: after"))
    await pane.until(lambda text: "● after" in text)
    assert b"\x1b]52" not in pane.raw
    assert b"\x1b[3J" not in pane.raw
    assert "\u202e".encode() not in pane.raw


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


async def test_spew_floods_and_the_picture_comes_back(world: World) -> None:
    pane = await world.prompted(steps("misbehave: spew", "say: done spewing"), speed="0.2")
    text = await pane.until(lambda text: "done spewing" in text)
    assert len(pane.raw) > 100_000
    assert READY.search(text)


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


async def test_in_real_tmux_prompt_by_bracketed_paste(world: World) -> None:
    name = f"fleet-test-{os.urandom(4).hex()}"
    variables_of_tmux = environment() | {"TMUX_TMPDIR": str(world.home)}

    def tmux(*arguments: str, text: str | None = None) -> str:
        argv = ["tmux", "-L", name, "-f", "/dev/null", *arguments]
        return subprocess.run(
            argv, env=variables_of_tmux, input=text, capture_output=True, text=True, check=True, timeout=LIMIT_S
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
        "run-1", "dev", "developer", None, "# Ticket #3: Log in\n\n$(id) #{q}\nmore\n",
        world.home, world.workspace, world.home, 3,
    )  # fmt: skip
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
    tmux("new-session", "-d", "-s", "s", "-x", "100", "-y", "30", "-c", str(world.workspace),
         "env", *variables, *launch.argv)  # fmt: skip
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
