"""Whose a process is: by its ancestors, which nobody chooses, then by the marks of this fleet in its environment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.domain.events import GateStarted
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Run
from fleet_tui.tmux import proctree
from fleet_tui.tmux.records import MARKER, RUNNER, write_json
from fleet_tui.watcher.confinement.commands import COMMAND_MARKER, CommandPlace
from fleet_tui.watcher.desks.origins import UNTRACEABLE, below_watcher, origin_of, record_denied
from tests.watcher.watcher_support import Fleet, until

# Starts argv[2:] below nobody of ours, writes its pid to argv[1], and is gone.
_DETACH = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    middle = os.getpid()
    if os.fork() == 0:
        while os.getppid() == middle:
            time.sleep(0.005)
        with open(sys.argv[1] + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        os.execvp(sys.argv[2], sys.argv[2:])
    os._exit(0)
os.wait()
"""
Detach = Callable[..., int]


@pytest.fixture
def detached(place: Path) -> Iterator[Detach]:
    """Starts sleepers that have left the tree of this process, which plays the watcher, with an environment."""
    made: list[int] = []

    def start(**environment: str) -> int:
        note = place / f"pid-{len(made)}"
        argv = [sys.executable, "-c", _DETACH, str(note), "sleep", "300"]
        subprocess.run(argv, env={"PATH": os.environ["PATH"], **environment}, check=True, timeout=60)
        while not note.exists():
            os.sched_yield()
        made.append(int(note.read_text()))
        while psutil.Process(made[-1]).name() != "sleep":
            os.sched_yield()
        return made[-1]

    yield start
    for pid in made:
        os.kill(pid, signal.SIGKILL)


async def working(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


async def gate(fleet: Fleet) -> str:
    """A gate that the log knows."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    started = GateStarted(new_id("gate"), "check", 1, "f" * 40, "e" * 40, "d" * 40, "true")
    await fleet.say(started, "pr:1")
    return started.gate


async def test_who_started_the_watcher_and_who_is_beside_it_is_the_operator(fleet: Fleet, detached: Detach) -> None:
    assert origin_of(fleet.ctx, os.getppid()) is None
    assert origin_of(fleet.ctx, os.getpid()) is None
    assert origin_of(fleet.ctx, detached()) is None


async def test_whatever_the_watcher_started_is_not(fleet: Fleet) -> None:
    for environment in ({}, {MARKER: "gate-of-nobody"}, {COMMAND_MARKER: "/another/fleet"}):
        process = await asyncio.create_subprocess_exec("sleep", "300", env={"PATH": os.environ["PATH"], **environment})
        try:
            assert origin_of(fleet.ctx, process.pid) == Origin("a command of the watcher")
        finally:
            process.kill()
            await process.wait()


async def test_process_one_is_given_orphans_of_everybody(fleet: Fleet) -> None:
    line = proctree.lineage(os.getpid())
    assert line[-1].pid == 1
    assert below_watcher(line, 1) == []
    assert below_watcher(line, os.getppid()) == line[:1]


async def test_command_is_named_whatever_it_marks_itself_with(fleet: Fleet, place: Path) -> None:
    run = await working(fleet)
    forged = f"env {MARKER}={run.id} {COMMAND_MARKER}=x sh -c 'echo $$ >{place}/pid; exec sleep 300'"
    asked = Origin("workspace set-up of ticket #1", "ticket:1")
    setting_up = asyncio.create_task(fleet.ctx.commands.run_lines([forged], CommandPlace(place), asked, 60))
    pid = int(await until(lambda: (place / "pid").exists() and (place / "pid").read_text()))
    assert origin_of(fleet.ctx, pid) == asked
    setting_up.cancel()
    await asyncio.wait([setting_up])
    assert not psutil.pid_exists(pid)


async def test_leftover_of_a_gate_is_found_by_its_mark(fleet: Fleet, detached: Detach) -> None:
    gate_id = await gate(fleet)
    pid = detached(**{COMMAND_MARKER: fleet.ctx.commands.fleet, MARKER: gate_id})
    assert origin_of(fleet.ctx, pid) == Origin("gate check of PR 1", "pr:1")
    assert origin_of(fleet.ctx, detached(**{COMMAND_MARKER: fleet.ctx.commands.fleet})) == Origin(
        "a command of the watcher"
    )


async def test_leftover_of_a_run_is_refused_and_held_against_nobody(fleet: Fleet, detached: Detach) -> None:
    run = await working(fleet)
    pid = detached(**{MARKER: run.id})
    origin = origin_of(fleet.ctx, pid)
    assert origin == Origin(f"run {run.id} (by its mark)", f"run:{run.id}")
    caller = Caller(origin, os.getuid(), pid, "pat")
    assert caller.principal == "command"
    for _ in range(3):
        await record_denied(fleet.ctx, caller, {"act": "approve", "reason": "no\x1b[31m"})
    assert fleet.agent("dev").denials == 0
    events = fleet.events("policy_denied")
    assert {(event.subject, event.actor, event.payload["reason"]) for event in events} == {
        (f"run:{run.id}", "command", "no")
    }
    (alarm,) = fleet.alarms("command-denied")
    assert alarm.priority == 1


async def test_marks_of_other_fleets_mean_nothing(fleet: Fleet, detached: Detach) -> None:
    await working(fleet)
    assert origin_of(fleet.ctx, detached(**{MARKER: "run-of-another-fleet", COMMAND_MARKER: "/another/fleet"})) is None


async def test_runner_above_counts_more_than_a_mark(fleet: Fleet, detached: Detach) -> None:
    run = await working(fleet)
    pid = detached(**{COMMAND_MARKER: fleet.ctx.commands.fleet})
    record = {"pid": pid, "create_time": 0.0, "child_pid": None, "started_ns": 0, "identity": proctree.identity(pid)}
    write_json(fleet.ctx.paths.run_dir(run.id) / RUNNER, record)
    assert origin_of(fleet.ctx, pid) == Origin(f"run {run.id}", f"run:{run.id}", run.id)


async def test_who_is_gone_is_not_the_operator(fleet: Fleet) -> None:
    assert origin_of(fleet.ctx, 2**22 + 1) == UNTRACEABLE
