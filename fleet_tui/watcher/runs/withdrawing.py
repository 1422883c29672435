"""What a stopped run leaves open: its ticket, and questions to which nobody waits for an answer any more."""

from __future__ import annotations

from fleet_tui.domain.events import Draft, QuestionWithdrawn, RunStopRequested, TicketBlocked, TicketUnblocked, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.text import one_line
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.guard_desk import is_guard_question


def why_stopped(ctx: Context, run: Run) -> str:
    """What the first who wanted the run stopped gave as the reason; of a person with the name."""
    asked = EventFilter(kinds=(RunStopRequested.kind,), subjects=(f"run:{run.id}",))
    for event in ctx.reader.events(asked, after=0, limit=1):
        by = f"{event.actor}: " if event.actor.startswith("operator:") else ""
        return one_line(f"{by}{event.payload['reason']}", 400)
    return "stopped on request"


def after_stop(ctx: Context, run: Run, ticket: int) -> TicketBlocked | TicketUnblocked:
    """How the ticket of a stopped run goes on: by itself after a release, else when the person who stopped it wants."""
    if ctx.reader.has_key(f"stop-release:{run.id}"):
        return TicketUnblocked(ticket, "its agent was released")
    if ctx.reader.has_key(f"stop-restart:{run.id}"):
        return TicketUnblocked(ticket, "its run is started again")
    if ctx.reader.has_key(f"stop-skip:{run.id}"):
        return TicketUnblocked(ticket, "what was lost of it is not restored: anybody may take it")
    if ctx.reader.has_key(f"stop-budget:{run.id}"):
        return TicketUnblocked(ticket, "goes on as soon as its budget has room")
    return TicketBlocked(ticket, f"{run.agent} was stopped; mark it ready to go on")


def withdrawn(ctx: Context, run: Run) -> list[Draft]:
    """The open questions of a run that ends because it was stopped, closed, and the ticket that waited for an answer.

    When the fleet itself ends, they stay open: an answer then begins a run in its place.
    """
    if ctx.ending:
        return []
    asked = [question for question in ctx.reader.questions(open_only=True) if question.run == run.id]
    drafts = [draft(QuestionWithdrawn(one.id, "its run was stopped"), f"run:{run.id}") for one in asked]
    ticket = ctx.reader.ticket(run.ticket) if run.ticket is not None else None
    if ticket is not None and ticket.question in {question.id for question in asked}:
        drafts.append(draft(after_stop(ctx, run, ticket.number), f"ticket:{ticket.number}"))
    return drafts


def overtaken(ctx: Context, run: Run, how: str) -> list[Draft]:
    """The open questions of a run that brings its result, closed: whoever goes on has an answer, or needs none.

    Often it was typed into the pane. Whether an act may happen is another matter, and stays open.
    """
    open_ = ctx.reader.questions(open_only=True)
    asked = [one for one in open_ if one.run == run.id and not is_guard_question(one.id)]
    drafts = [draft(QuestionWithdrawn(one.id, how), f"run:{run.id}", key=f"withdrawn:{one.id}") for one in asked]
    ticket = ctx.reader.ticket(run.ticket) if run.ticket is not None else None
    if ticket is not None and ticket.question in {one.id for one in asked}:
        drafts.append(draft(TicketUnblocked(ticket.number, how), f"ticket:{ticket.number}"))
    return drafts
