"""What is asked of the watcher about one agent, as it was when it was asked for. Pure."""

from __future__ import annotations

from fleet_tui.domain.amounts import show_amount
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.commands import Act
from fleet_tui.tui.present.budgets import step, to_extend

BY_HAND = "by hand from the control room"
"""The reason of acts that are safe or reversible, for which the strip asks none."""


def quarantine(tile: AgentTile) -> Act:
    return Act("quarantine", {"agent": tile.name, "reason": BY_HAND}, "quarantine", tile.name)


def pause(tile: AgentTile) -> Act:
    """Pause it, or let it go on."""
    op = "resume" if tile.paused else "pause"
    return Act(op, {"agent": tile.name, "reason": BY_HAND}, op, tile.name)


def interrupt(tile: AgentTile) -> Act:
    return Act("interrupt", {"agent": tile.name, "run": tile.run}, "interrupt", tile.name)


def release(tile: AgentTile) -> Act:
    return Act("release", {"agent": tile.name, "reason": ""}, "release", tile.name)


def stop(tile: AgentTile) -> Act:
    return Act("stop", {"agent": tile.name, "run": tile.run, "reason": ""}, "stop", tile.name)


def restart(tile: AgentTile) -> Act:
    return Act("restart", {"agent": tile.name, "run": tile.run, "reason": BY_HAND}, "restart", tile.name)


def message(tile: AgentTile, text: str) -> Act:
    """One of several with the same text: it is the answer to no question."""
    args = {"agent": tile.name, "run": tile.run, "text": text, "answers": False}
    return Act("message", args, "message to", tile.name)


def extend(tile: AgentTile) -> Act:
    """By half of the budget that stops it first."""
    standing = to_extend(tile.budgets)
    assert standing is not None
    rule, amount = standing.rule, step(standing)
    whose = {"scope": rule.scope, "name": standing.name, "unit": rule.unit, "window": rule.window}
    verb = f"extend by {show_amount(rule.unit, amount)} the budget of"
    return Act("extend_budget", {**whose, "amount": amount, "reason": BY_HAND}, verb, tile.name)
