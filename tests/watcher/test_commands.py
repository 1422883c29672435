"""Commands of the watcher: how they ended is told, and nothing of them is left, whatever they do about it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.ids import new_id
from fleet_tui.tmux import proctree
from fleet_tui.watcher.confinement.commands import CommandPlace, Commands
from fleet_tui.watcher.confinement.shell import Outcome
from tests.watcher.watcher_support import until

ESCAPE = "(setsid env -i sh -c 'echo $$ >$0; exec sleep 300' {note} &) ; while ! test -s {note}; do :; done"
"""A child in a session of its own, without environment and without its parent."""


def gone(pid: int) -> bool:
    return proctree.identity(pid) is None


@pytest.fixture
def commands(place: Path) -> Commands:
    return Commands(place / "state")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sub-reaper that is gone or stopped is not waited for as long as one that is at work."""
    monkeypatch.setattr("fleet_tui.watcher.confinement.shell._SWEEP_S", 0.5)
    monkeypatch.setattr("fleet_tui.watcher.confinement.shell._LAST_WORDS_S", 0.5)


async def run(commands: Commands, place: Path, line: str, time_limit_s: float = 30) -> Outcome:
    origin = Origin("a test")
    return await commands.run(
        line, CommandPlace(place), origin, mark=new_id("command"), time_limit_s=time_limit_s, output_limit=100_000
    )


@pytest.mark.parametrize(
    ("line", "code", "problem"),
    [
        ("exit 7", 7, ""),
        ("kill -9 $$", -9, ""),
        ("kill -TERM 0", -15, ""),
        ("kill -9 0", -9, ""),
        ("sleep 60", None, "time limit of 1 s"),
    ],
)
async def test_how_it_ended(commands: Commands, place: Path, line: str, code: int | None, problem: str) -> None:
    outcome = await run(commands, place, line, time_limit_s=1 if "limit" in problem else 30)
    assert (outcome.exit_code, outcome.problem) == (code, problem)
    assert not outcome.passed


@pytest.mark.usefixtures("impatient")
async def test_how_it_ended_when_its_first_process_is_killed(commands: Commands, place: Path) -> None:
    outcome = await run(commands, place, "kill -9 $PPID; sleep 60")
    assert (outcome.exit_code, outcome.problem) == (None, "its first process was killed")
    assert not outcome.passed


@pytest.mark.skipif(sys.platform != "linux", reason="sub-reapers are Linux's")
@pytest.mark.parametrize("then", ["exit 0", "sleep 300"])
async def test_what_detached_itself_ends_with_the_command(commands: Commands, place: Path, then: str) -> None:
    note = place / "pid"
    outcome = await run(
        commands, place, f"{ESCAPE.format(note=note)}; {then}", time_limit_s=30 if then == "exit 0" else 4
    )
    assert outcome.passed == (then == "exit 0")
    assert gone(int(note.read_text()))


@pytest.mark.usefixtures("impatient")
async def test_whoever_kills_its_first_process_is_found_by_the_mark(commands: Commands, place: Path) -> None:
    note = place / "pid"
    outcome = await run(commands, place, f"{ESCAPE.format(note=note).replace('env -i', '')}; kill -9 $PPID; sleep 300")
    assert outcome.problem == "its first process was killed"
    assert gone(int(note.read_text()))


@pytest.mark.usefixtures("impatient")
async def test_stopping_its_first_process_buys_nothing(commands: Commands, place: Path) -> None:
    outcome = await run(commands, place, "kill -STOP $PPID; echo $$; exec sleep 300", time_limit_s=3)
    assert outcome.problem == "time limit of 3 s"
    await until(lambda: gone(int(outcome.output)))


async def test_cancelled_command_ends(commands: Commands, place: Path) -> None:
    note = place / "pid"
    running = asyncio.create_task(run(commands, place, f"{ESCAPE.format(note=note)}; sleep 300"))
    await until(lambda: note.exists() and note.read_text())
    running.cancel()
    await asyncio.wait([running])
    assert gone(int(note.read_text()))


async def test_killed_watcher_takes_its_commands_along(place: Path) -> None:
    note = place / "pid"
    code = f"""
import asyncio, pathlib
from fleet_tui.watcher.confinement.shell import run_command
asyncio.run(run_command({ESCAPE.format(note=note)!r} + "; sleep 300", pathlib.Path({str(place)!r}), time_limit_s=300,
    output_limit=1000, env={{"PATH": "/usr/bin:/bin"}}))
"""
    watcher = subprocess.Popen([sys.executable, "-c", code])  # noqa: ASYNC220 - it is not waited for
    await until(lambda: note.exists() and note.read_text())
    below = psutil.Process(watcher.pid).children(recursive=True)
    watcher.send_signal(signal.SIGKILL)
    watcher.wait(60)
    await until(lambda: all(gone(process.pid) for process in below))
    if sys.platform == "linux":
        assert int(note.read_text()) in {process.pid for process in below}


async def test_quick_commands_are_not_held_up(commands: Commands, place: Path) -> None:
    started = time.monotonic()
    outcome = await run(commands, place, "true")
    assert outcome.passed
    assert outcome.duration_ms <= (time.monotonic() - started) * 1000
