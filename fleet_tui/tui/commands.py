"""Acts: one call to the watcher each, and one line that says what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fleet_tui.bus import operator
from fleet_tui.domain.amounts import amount_for
from fleet_tui.domain.conditions import in_words
from fleet_tui.domain.errors import Conflict, FleetError, Refused, Unanswered, WatcherUnavailable
from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import in_words as shelf_words
from fleet_tui.tui.present.errands import doubtful

PROBE_LIMIT_S = 0.8
ANSWER_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Act:
    """What to ask of the watcher; ``verb`` and ``target`` are for the line about it."""

    op: str
    args: dict[str, Any]
    verb: str
    target: str


def because(act: Act, reason: str) -> Act:
    """``act`` with what a person typed: a reason, at a release with conditions behind it, on the shelf with a time
    before it; of a budget's extension how much."""
    if act.op == "extend_budget" and "amount" not in act.args:
        return replace(act, args={**act.args, "amount": amount_for(act.args["unit"], reason)})
    args = {**act.args, "reason": reason} if reason else act.args
    if act.op == "release":
        said, budgets, floor = in_words(reason)
        given = {"budgets": budgets, "risk_floor": floor}
        args = {**args, "reason": said, **{name: value for name, value in given.items() if value not in ([], None)}}
    elif act.op == "shelve":
        for_s, said = shelf_words(reason)
        args = {**args, "for_s": for_s, "reason": said}
    return replace(act, args=args)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``ok`` and a line for the operator; ``style`` is a palette name."""

    ok: bool
    text: str
    style: str
    is_lost: bool = False
    """No answer came: whether it was done is not known."""


async def perform(socket: Path, act: Act, request: str) -> Outcome:
    """Ask once, under the id ``request``. An act is never repeated by itself; by its id the log tells of it."""
    try:
        answer = await operator.acall(socket, act.op, act.args, ANSWER_LIMIT_S, request_id=request)
    except Unanswered:
        return Outcome(False, doubtful(act), "warn", is_lost=True)
    except FleetError as error:
        return Outcome(False, failure(act, error), "warn")
    # Of what is held the countdown beside this line says when it comes.
    said = "" if act.op == "approve" or "hold_until_ns" in answer else one_line(str(answer.get("message", "")), 200)
    return Outcome(True, said or f"{act.verb} {act.target}: {done_word(act.op)}", "normal")


def done_word(op: str) -> str:
    """What has happened when ``op`` was granted."""
    return _DONE.get(op, "done")


def failure(act: Act, error: FleetError) -> str:
    """One line: what was not done, why, what to do."""
    if isinstance(error, Conflict) and act.op not in _UNSEEN:
        return one_line(
            f"CHANGED while you looked: {error.message or error.title}. Nothing was done to {act.target}.", 300
        )
    if isinstance(error, WatcherUnavailable):
        return one_line(f"{act.verb} {act.target}: NOT done: {error.title}. {error.message}", 300)
    how = "refused" if isinstance(error, Refused) else "failed"
    hint = f" Try: {error.hint}" if error.hint else ""
    return one_line(f"{act.verb} {act.target} {how}: {error.title}. {error.message}{hint}", 300)


async def ask(socket: Path, op: str, args: dict[str, Any]) -> dict[str, Any]:
    """A question that changes nothing.

    Raises:
        FleetError: refused, failed or unanswered.
    """
    return await operator.acall(socket, op, args)


def probe(socket: Path, here: dict[str, Any]) -> dict[str, Any]:
    """The watcher's status, told who asks; for the feed's thread."""
    return operator.call(socket, "status", here, PROBE_LIMIT_S)


_UNSEEN = frozenset({"start"})
"""What is not decided on a state that the room showed: nothing has changed when it cannot be."""
_DONE = {
    "approve": "granted",
    "undo": "undone, it waits for you again",
    "undo_stop": "undone, it goes on",
    "reject": "rejected",
    "request_changes": "sent to the author",
    "quarantine": "contained",
    "release": "released",
    "pause": "paused",
    "resume": "goes on",
    "start": "takes work again",
    "interrupt": "its key was sent",
    "resume_account": "they go on, one after the other",
    "stop": "stop requested",
    "restart": "its work begins again as soon as its run has ended",
    "message": "queued; delivered when the agent can take it",
    "answer": "answered",
    "acknowledge": "acknowledged",
    "unblock": "goes on",
    "hold": "held back",
    "split": "divided",
    "ready": "ready",
    "extend_budget": "extended",
    "halt": "everything is frozen; ! lifts it",
    "lift": "lifted",
}
