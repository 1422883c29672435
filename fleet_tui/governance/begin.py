"""Whether an agent that a person starts takes work again, and what it says when nothing has to be done for that."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, Refused
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState


def hindrance(agent: Agent, halted: str) -> FleetError | None:
    """Why ``agent`` is given nothing whatever a start would do; None when nothing is in its way. ``halted``: why the
    whole fleet stands, empty when it does not."""
    name, title = agent.name, f"{agent.name} cannot be started"
    if agent.quarantined:
        told = f"it is quarantined: {agent.quarantine_reason}"
        return Refused(title, told, f"look at it, then: fleet agent release {name} --reason …")
    if not agent.configured:
        return Refused(
            title,
            "it is in the configuration no more",
            f"fleet agent rollback {name}; fleet agent create",
        )
    if not agent.enabled:
        return Refused(title, "the configuration says `enabled: false`", f"fleet agent edit {name}")
    if halted:
        return Refused(title, f"all stop: {halted}", "fleet halt --lift")
    return None


def as_it_is(agent: Agent, runs: Sequence[Run]) -> FleetError:
    """What is said of an agent with nothing to take back or to take up; ``runs`` are those that live or wait to begin,
    newest first."""
    name, title = agent.name, f"{agent.name} is not held up by you"
    if not runs:
        told = "it is idle, and takes what it is subscribed to by itself"
        return NothingToDo("nothing to start", f"{name}: {told}", f"fleet agent get {name}; fleet ticket ready NUMBER")
    run = next((run for run in runs if run.state in LIVE_RUNS), runs[0])
    if run.stop_requested:
        return Conflict("it is being stopped", f"the run of {name} ends", "start it when it has ended")
    if run.state is RunState.LIMITED:
        by_account = run.state_source == "account"
        hint = "fleet account list" if by_account else f"fleet budget extend {name} AMOUNT"
        return Conflict(title, run.state_reason, hint)
    if run.held:
        return Conflict(title, run.state_reason, f"fleet restore {name}")
    if run.cannot_start:
        return Conflict(title, run.state_reason, "fleet doctor")
    about = f" on ticket #{run.ticket}" if run.ticket is not None else ""
    if run.state is RunState.QUEUED:
        why = f": {run.state_reason}" if run.state_reason else ", as soon as there is room"
        return NothingToDo("about to begin", f"{name} begins{about}{why}", f"fleet agent explain {name}")
    return NothingToDo("at work already", f"{name} is at work{about}", f"fleet agent explain {name}")
