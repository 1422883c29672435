"""A run in the place of one that ended: after a crash by rule, or because a person had it started again."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.domain.errors import Conflict, NothingToDo, Refused
from fleet_tui.domain.events import Draft, RunStateChanged, RunStopRequested, draft
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, PullRequestState, RunState, TicketState
from fleet_tui.domain.text import fitting
from fleet_tui.governance.lifecycle import Restart
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.acts import stopping
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.guard_desk import is_guard_question
from fleet_tui.watcher.merging.handover import has_delivered
from fleet_tui.watcher.runs.queueing import respawn
from fleet_tui.watcher.runs.withdrawing import after_stop

_ROOM = 20_000
"""Bytes of the log for instructions, and as many for answers: an event has 64 KiB."""
_ONE = 6_000


async def restart(
    ctx: Context, agent: Agent, run_id: str, reason: str, actor: str, *, now: bool = False
) -> dict[str, Any]:
    """End the run and have the same agent begin the same work anew, in the same workspace: see `begun_again`. It is
    held first, unless it is to be ``now``.

    Raises:
        NothingToDo: nothing runs, it is being stopped, or its work is done.
        Conflict: not the run that was shown.
        Refused: it is quarantined: only a release lets it begin anew.
    """
    runs = ctx.reader.runs(*LIVE_RUNS, agent=agent.name)
    if not runs:
        told = f"{agent.name} has no run that could be started again"
        raise NothingToDo("nothing is running", told, f"fleet agent explain {agent.name}")
    chosen = [run for run in runs if run_id in ("", run.id)]
    if not chosen:
        raise Conflict("another run", f"{agent.name} has another run now than the one that you saw")
    if agent.quarantined:
        raise Refused("not started again", f"{agent.name} is quarantined", "release it: its work starts anew then")
    wanted = [run for run in chosen if not run.stop_requested and (now or run.stop_until_ns is None)]
    if not wanted:
        raise NothingToDo("it is being stopped", stopping.in_words(ctx, chosen[0]))
    if all(has_delivered(ctx, run) for run in wanted):
        raise NothingToDo("its work is done", f"{agent.name} has handed it over: nothing is left to start again")
    why = f"to be started again: {reason}"
    await ctx.record(*(stopping.asked(ctx, run, why, actor, again=True, now=now) for run in wanted))
    first = ctx.reader.run(wanted[0].id)
    if first is not None and first.stop_until_ns is not None:
        return {"message": stopping.in_words(ctx, first), **stopping.until(first)}
    when = "once it goes on" if agent.paused else "as soon as it has ended"
    return {"message": f"{agent.name} begins its work again {when}; workspace and log stay"}


def is_begun_again(ctx: Context, run: Run) -> bool:
    """Whether a person wants the work of ``run``, which was stopped, to begin again."""
    return ctx.reader.has_key(stopping.restart_key(run))


def begun_again(ctx: Context, run: Run) -> list[Draft]:
    """What is recorded with the end of a run that a person has started again: its replacement. It is no attempt of the
    agent's and no sign of risk; where the vendor can, it goes on in the same session."""
    if ctx.ending or not is_begun_again(ctx, run) or has_delivered(ctx, run):
        return []
    if run.agent not in {agent.name for agent in ctx.settings.agents}:
        return []  # no longer configured: its ticket is free for others
    claims = held_ticket(ctx, run) or _ticket_with_question(ctx, run)
    if claims is None and not still_wanted(ctx, run):
        return []
    return respawn(run, Restart(run.attempt, 0), claims=claims, told=told(ctx, run), by=_who(ctx, run))


def stopped_too_late(ctx: Context, run: Run) -> list[Draft]:
    """What is recorded in place of a replacement of ``run``, which broke off, when it was stopped while that was being
    recorded: what a person does not want any more is not begun anew. Empty: it was not."""
    if not run.stop_requested or is_begun_again(ctx, run):
        return []
    over = RunStateChanged(run.id, RunState.CRASHED.value, "rule", "stopped when it had ended")
    drafts = [draft(over, f"run:{run.id}", key=f"given-up:{run.id}")]
    ticket = held_ticket(ctx, run)
    return drafts if ticket is None else [*drafts, draft(after_stop(ctx, run, ticket), f"ticket:{ticket}")]


def _ticket_with_question(ctx: Context, run: Run) -> int | None:
    """The ticket that waits for an answer to ``run``: nobody waits for it any more, the replacement asks for itself."""
    ticket = ctx.reader.ticket(run.ticket) if run.ticket is not None and run.pr is None else None
    return run.ticket if ticket is not None and ticket.run == run.id and ticket.question is not None else None


def _who(ctx: Context, run: Run) -> str:
    asked = EventFilter(kinds=(RunStopRequested.kind,), subjects=(f"run:{run.id}",))
    return next((event.actor for event in ctx.reader.events(asked, after=0, limit=1)), "operator")


def told(ctx: Context, run: Run) -> str:
    """The instructions of a replacement: those of ``run``, and what a person answered it, the newest answers first to
    find room. A yes to one act is not passed on, and a question that nobody has answered tells nothing."""
    answered = [
        question
        for question in ctx.reader.questions(open_only=False)
        if question.run == run.id
        and question.answer is not None
        and not is_guard_question(question.id)
        and not ctx.reader.has_key(f"withdrawn:{question.id}")
    ]
    kept, room = [fitting(run.instructions, _ROOM)], _ROOM
    for question in reversed(answered):
        words = f"You asked: {fitting(question.summary, _ONE)}\nThe answer: {fitting(question.answer or '', _ONE)}"
        room -= len(json.dumps(words))
        if room < 0:
            break
        kept.insert(1, words)
    return "\n\n".join(filter(None, kept))


def still_wanted(ctx: Context, run: Run) -> bool:
    """Whether what the run was for is still to be done, and by nobody else."""
    if run.pr is not None:
        pull_request = ctx.reader.pull_request(run.pr)
        if pull_request is None or pull_request.state not in OPEN_PULL_REQUESTS:
            return False
        if run.head_sha is not None:
            return pull_request.head_sha == run.head_sha
        return pull_request.state is PullRequestState.CHANGES_REQUESTED
    is_author = ctx.settings.family(run.role).name == "author"
    return run.ticket is None or not is_author or held_ticket(ctx, run) is not None


def held_ticket(ctx: Context, run: Run) -> int | None:
    """The ticket that is in the hands of ``run``."""
    ticket = ctx.reader.ticket(run.ticket) if run.ticket is not None else None
    held = ticket is not None and ticket.run == run.id and ticket.state is TicketState.IN_PROGRESS
    return run.ticket if held else None
