"""Whose a process is that talks to the watcher: a run's, one that the watcher started, or the operator's."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Any

import psutil

from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.domain.events import PolicyDenied
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.domain.text import one_line
from fleet_tui.tmux import proctree, runner_client
from fleet_tui.tmux.records import MARKER, read_runner
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement.commands import COMMAND_MARKER
from fleet_tui.watcher.context import Context

UNTRACEABLE = Origin("unknown descent")
_INIT = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What a process was given into its environment: ``owner`` is the run or command, ``fleet`` whose command it is."""

    owner: str | None
    fleet: str | None


def origin_of(ctx: Context, pid: int) -> Origin | None:
    """What ``pid`` belongs to; None for a process that is the operator's.

    Ancestors count first, for nobody chooses them. A mark in the environment finds those that got away from theirs, but
    it can be forged: it refuses and is held against no agent.
    """
    try:
        line = proctree.lineage(pid)
    except psutil.Error:
        return UNTRACEABLE
    runs = {run.id: read_runner(ctx.paths.run_dir(run.id)) for run in ctx.reader.runs(*LIVE_RUNS)}
    run = runner_client.find_run(line, {name: record for name, record in runs.items() if record is not None})
    run = run or _by_pane(ctx, line)
    if run is not None:
        return Origin(f"run {run}", f"run:{run}", run)
    below = below_watcher(line, os.getpid())
    # The eldest first: it is the one that we marked, and its descendants may have marked themselves.
    marks = (_mark(process) for process in reversed(below or line))
    marked = next((origin for mark in marks if (origin := _marked(ctx, mark)) is not None), None)
    return marked or (Origin("a command of the watcher") if below else None)


def _by_pane(ctx: Context, line: list[psutil.Process]) -> str | None:
    """The run in whose pane a process is: its own directory may have been emptied."""
    runs = {pid: run for run, pid in ctx.panes.items()}
    return next((runs[process.pid] for process in line if process.pid in runs), None)


def below_watcher(line: list[psutil.Process], watcher: int) -> list[psutil.Process]:
    """The part of a lineage that descends from the watcher; empty when it does not.

    Process 1 (of a container, say) says nothing: it is given every orphan, the operator's terminal server too.
    """
    pids = [process.pid for process in line]
    return line[: pids.index(watcher)] if watcher != _INIT and watcher in pids else []


def _mark(process: psutil.Process) -> Mark:
    with contextlib.suppress(psutil.Error, OSError):
        environment = process.environ()
        return Mark(environment.get(MARKER), environment.get(COMMAND_MARKER))
    return Mark(None, None)  # somebody else's ancestor, such as the terminal's log-in


def _marked(ctx: Context, mark: Mark) -> Origin | None:
    """What a mark of this fleet says; None for none, and for another fleet's."""
    if mark.fleet == ctx.commands.fleet:
        running = ctx.commands.origin(mark.owner or "")
        return running or _gate(ctx, mark.owner) or Origin("a command of the watcher")
    if mark.owner is not None and ctx.reader.run(mark.owner) is not None:
        return Origin(f"run {mark.owner} (by its mark)", f"run:{mark.owner}")
    return None


def _gate(ctx: Context, owner: str | None) -> Origin | None:
    """A gate that has ended: what is left of it has got away from its end."""
    gate = next((gate for gate in ctx.reader.gates() if gate.id == owner), None)
    return Origin(f"gate {gate.name} of PR {gate.pr}", f"pr:{gate.pr}") if gate is not None else None


async def record_denied(ctx: Context, caller: Caller, args: dict[str, Any]) -> None:
    """Record that ``caller`` was refused; an agent's refusals count, anybody else's are a person's to look at."""
    act, reason = one_line(str(args.get("act", "")), 80), one_line(str(args.get("reason", "")))
    run = ctx.reader.run(caller.run) if caller.run else None
    subject = caller.origin.subject if caller.origin is not None else "fleet"
    actor = f"user:{caller.user}" if caller.origin is None else "command"
    if run is not None:
        actor = f"agent:{run.agent}/{run.id}"
    denied = PolicyDenied(act, reason, run.agent if run else None, caller.run, "identity")
    await ctx.say(denied, subject, actor=actor)
    if caller.origin is not None and run is None:
        title = f"{caller.origin.name} was refused `{act}`: what it runs tries to command the fleet"
        response = "read what it runs before you approve anything of it"
        await alarms.ensure(ctx, "command-denied", subject, priority=1, title=title, response=response)
    ctx.wake.set()
