"""A person ends an agent's turn by the key of its vendor; the run stays, and takes the next message."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fleet_tui.domain.errors import Conflict, Refused, UsageError
from fleet_tui.domain.events import RunInterruptRequested, RunStateChanged
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_MESSAGES, EffectClass, EffectState, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.tmux.delivery import DeliveryUncertain, send_keys
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.vendors.base import Observation
from fleet_tui.vendors.screens import Screen
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.outbox import Act, Probe, carry_out
from fleet_tui.watcher.passes.messages import pane_of
from fleet_tui.watcher.runs.detection import observed

SEEN_S = 3.0
"""How long the screen is looked at, at most, for the end of the turn."""
_LOOK_EVERY_S = 0.1
_HELD = {
    RunState.STARTING: "is not up yet",
    RunState.PAUSED: "is frozen: a key would wait for it to go on",
    RunState.LIMITED: "is frozen, at a limit of its budget or memory",
    RunState.QUARANTINED: "is quarantined and frozen",
}


async def interrupt(ctx: Context, agent: Agent, run_id: str, actor: str) -> dict[str, Any]:
    """Press the key that ends a turn, once, and say what is proved: that it was sent, that the turn is over.

    Raises:
        Conflict: there is no turn to end: nothing runs, the run is another one, or its screen takes input.
        Refused: the key would do something else: it is frozen, in a dialog, or the vendor has no such key.
        DeliveryUncertain: tmux did not say whether the key arrived.
    """
    async with ctx.interrupting.of(agent.name):
        run = _run(ctx, agent, run_id)
        key = _key(ctx, agent)
        _check_held(agent, run)
        pane = await pane_of(ctx, run)
        if pane is None:
            raise Conflict("nothing is running", f"{agent.name} has no living pane")
        _check_screen(agent, run, observed(ctx, run, Screen(await ctx.tmux.capture(pane))))
        _check_held(ctx.reader.agent(agent.name) or agent, _run(ctx, agent, run.id))  # still, after these looks
        asked = await ctx.say(RunInterruptRequested(run.id, key), f"run:{run.id}", actor=actor)
        await _press(ctx, run, pane, key, asked.id)
        is_over = await _turn_is_over(ctx, run, pane)
        if is_over:
            await _note_end(ctx, run, actor, asked.id)
    sent = f"{key} was sent to {agent.name}"
    more = "its turn is over, the run stays" if is_over else "its screen does not show yet that the turn is over: look"
    return {"message": f"{sent}; {more}", "proved": "ended" if is_over else "sent"}


def _run(ctx: Context, agent: Agent, run_id: str) -> Run:
    runs = ctx.reader.runs(*LIVE_RUNS, agent=agent.name)
    if not runs:
        raise Conflict("nothing is running", f"{agent.name} has no turn that could be interrupted")
    run = next((run for run in runs if run_id in ("", run.id)), None)
    if run is None:
        raise Conflict("another run", f"{agent.name} has another run now than the one that you saw")
    if run.stop_requested:
        raise Conflict("it is being stopped", f"the run of {agent.name} ends anyway")
    return run


def _key(ctx: Context, agent: Agent) -> str:
    name = ctx.settings.agent(agent.name).vendor
    key = ctx.settings.vendor(name).interrupt_key
    if not key:
        hint = f"set vendors.{name}.interrupt to its key, or stop the run"
        raise Refused("no such key", f"of {name} no key is known that ends a turn and nothing else", hint)
    return key


def _check_held(agent: Agent, run: Run) -> None:
    state = RunState.QUARANTINED if agent.quarantined else RunState.PAUSED if agent.paused else run.state
    if state in _HELD:
        raise Refused("not interrupted", f"{agent.name} {_HELD[state]}")


def _check_screen(agent: Agent, run: Run, seen: Observation | None) -> None:
    if seen is not None and seen.state == "dialog":
        hint = f"attach and answer it: fleet agent attach {agent.name}"
        raise Refused("not interrupted", f"{agent.name} shows a dialog, which the key would answer", hint)
    takes_input = seen is not None and seen.state in ("idle", "asking")
    if takes_input or (seen is None and run.state is RunState.WAITING):
        raise Conflict("no turn is under way", f"{agent.name} waits for input", "send it a message")


async def _press(ctx: Context, run: Run, pane: PaneInfo, key: str, cause: str) -> None:
    async def perform() -> str:
        await send_keys(ctx.tmux, pane, key.split())
        return f"{key} was sent"

    async def probe() -> Probe:
        return Probe.UNKNOWN  # a key leaves no trace; nobody presses it a second time for the same request

    target = f"run:{run.id}"
    act = Act(f"interrupt:{cause}", "interrupt", EffectClass.ONCE, target, perform, probe, cause=cause)
    if await carry_out(ctx, act) is not EffectState.DONE:
        raise DeliveryUncertain(
            "it is uncertain whether the key arrived", f"{key} to {run.agent}", "look at its pane before you try again"
        )


async def _turn_is_over(ctx: Context, run: Run, pane: PaneInfo) -> bool:
    """Whether the screen shows within :data:`SEEN_S` that input is taken again."""
    deadline = time.monotonic() + SEEN_S
    while time.monotonic() < deadline:
        seen = observed(ctx, run, Screen(await ctx.tmux.capture(pane)))
        if seen is not None and seen.state in ("idle", "asking"):
            return True
        await asyncio.sleep(_LOOK_EVERY_S)
    return False


async def _note_end(ctx: Context, run: Run, actor: str, cause: str) -> None:
    """No hook of a vendor tells of an interrupted turn: only the screen does."""
    now = ctx.reader.run(run.id)
    # A message that waited for this moment begins the next turn, and says so itself.
    is_told = any(ctx.jobs.running(f"message:{one.id}") for one in ctx.reader.messages(*OPEN_MESSAGES, run=run.id))
    if now is None or now.state is not RunState.RUNNING or is_told:
        return
    over = RunStateChanged(run.id, RunState.WAITING.value, "screen", f"interrupted by {one_line(actor, 80)}")
    await ctx.say(over, f"run:{run.id}", cause=cause)


def run_of(args: dict[str, Any]) -> str:
    """The run that was shown when it was asked for; empty: whichever lives.

    Raises:
        UsageError: it is no text.
    """
    run = args.get("run") or ""
    if not isinstance(run, str):
        raise UsageError("run missing", "`run` is the id of a run")
    return run
