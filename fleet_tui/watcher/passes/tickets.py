"""Tickets: what the forge shows becomes events, and the state of a ticket becomes its label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    Draft,
    RunStopRequested,
    TicketBlocked,
    TicketChanged,
    TicketClosed,
    TicketCompleted,
    TicketCreated,
    TicketReady,
    TicketUnblocked,
    TicketWithdrawn,
    draft,
)
from fleet_tui.domain.model import Run, Ticket
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, RunState, TicketState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.base import NoSuchTicket, TicketRecord
from fleet_tui.governance import dispatch
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.upstream import claiming
from fleet_tui.watcher.upstream.state import Upstream

_EXCERPT = 400
_READ_AGAIN_NS = 5_000_000_000


async def observe(ctx: Context) -> None:
    """Record tickets that appeared, changed, became ready or vanished."""
    # A notice of a change can be lost, so the files are read now and then without one.
    if not ctx.look_at_tickets and ctx.now_ns() - ctx.looked_at_tickets_ns < _READ_AGAIN_NS:
        return
    ctx.look_at_tickets, ctx.looked_at_tickets_ns = False, ctx.now_ns()
    records = await ctx.forge.tickets()
    if records is None:
        return
    known = {ticket.number: ticket for ticket in ctx.reader.tickets()}
    drafts: list[Draft] = []
    looked_at = [_placed(ctx, record, known.get(record.number)) for record in records]
    for record in looked_at:
        if not record.problem:
            drafts += _changes(ctx, record, known.get(record.number))
    await _report_broken(ctx, looked_at)
    present = {record.number for record in records}
    # A file that cannot be read may be any ticket's: nothing counts as removed meanwhile.
    if ctx.upstream is not None or not (0 in present or any(record.problem for record in records)):
        for ticket in known.values():
            drafts += _vanished(ctx, ticket) if ticket.number not in present else []
    if drafts:
        await ctx.record(*drafts)


def _placed(ctx: Context, record: TicketRecord, known: Ticket | None) -> TicketRecord:
    """The ticket; with a problem when it cannot be of the repository that it names."""
    name = _repo(record)
    if record.problem:
        return record
    told = ""
    if name and name not in ctx.settings.repos:
        where = "the ticket file" if ctx.upstream is None else "the label of the issue"
        told, hint = f"there is no repository `{name}` in `repos`", f"mend {where}, or add it to `repos`"
    elif name and name not in ctx.others:
        told, hint = f"`{name}` is new in `repos`: that counts when the watcher starts", "restart the watcher"
    elif known is not None and name != known.repo and any(map(_is_work, ctx.reader.runs(ticket=known.number))):
        told = f"work on it began in {known.repo or HOME}: it cannot move to {name or HOME}"
        hint = "put it back, and write another ticket for the other repository"
    return replace(record, problem=f"ticket #{record.number}: {told}", hint=hint) if told else record


def _is_work(run: Run) -> bool:
    """Whether it began, or may any moment: one that was called off before that was nothing."""
    return run.started_ns is not None or run.state in (RunState.QUEUED, *LIVE_RUNS)


def _repo(record: TicketRecord) -> str:
    """The repository of a ticket as the log names it."""
    return "" if record.repo == HOME else record.repo


async def _report_broken(ctx: Context, records: Sequence[TicketRecord]) -> None:
    """One alarm per ticket that cannot be used, for as long as it cannot."""
    current: list[str] = []
    for record in records:
        if record.problem:
            title, response = one_line(record.problem), one_line(record.hint or "mend the ticket file")
            about = f"file:{title.partition(':')[0]}"
            current.append(about)
            await alarms.ensure(ctx, "ticket-file", about, priority=3, title=title, response=response)
    await alarms.only(ctx, "ticket-file", current, "it can be used")


def _vanished(ctx: Context, ticket: Ticket) -> list[Draft]:
    """A ticket without a file, or whose issue was closed. Files decide nothing about work under way; a person who
    closes an issue does, as long as there is no pull request of it."""
    subject, waiting = f"ticket:{ticket.number}", ticket.state in (TicketState.DRAFT, TicketState.READY)
    if ctx.upstream is None:
        return [draft(TicketClosed(ticket.number, "its file was removed"), subject)] if waiting else []
    if not ctx.upstream.forge.is_closed(ticket.number):
        return []
    pull_request = ctx.reader.pull_request(ticket.pr) if ticket.pr is not None else None
    offered = pull_request is not None and pull_request.state in OPEN_PULL_REQUESTS
    if not waiting and (offered or ticket.state not in (TicketState.IN_PROGRESS, TicketState.BLOCKED)):
        return []
    why = "its issue was closed on GitHub"
    runs = ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS, ticket=ticket.number)
    stops = [RunStopRequested(run.id, why) for run in runs if not run.stop_requested]
    return [*(draft(stop, f"run:{stop.run}") for stop in stops), draft(TicketClosed(ticket.number, why), subject)]


def _changes(ctx: Context, record: TicketRecord, known: Ticket | None) -> list[Draft]:
    body_sha = hashlib.sha256(record.body.encode()).hexdigest()
    title, depends_on = one_line(record.title), sorted(record.depends_on)
    labels: list[str] = [one_line(label, 60) for label in record.labels]
    excerpt = clean(record.body, _EXCERPT)
    fields = (
        record.number,
        title,
        excerpt,
        body_sha,
        labels,
        depends_on,
        record.priority,
        list(record.scope),
        _repo(record),
    )
    subject = f"ticket:{record.number}"
    ready = ctx.settings.labels.ready in record.labels
    drafts = []
    if known is None:
        ctx.store.put_blob(record.body)
        drafts.append(draft(TicketCreated(*fields), subject, key=f"ticket:{record.number}"))
    elif _facts(known) != (
        title,
        body_sha,
        tuple(labels),
        tuple(depends_on),
        record.priority,
        record.scope,
        _repo(record),
    ):
        ctx.store.put_blob(record.body)
        drafts.append(draft(TicketChanged(*fields), subject))
    state = known.state if known else TicketState.DRAFT
    if ready and state in (TicketState.DRAFT, TicketState.CLOSED) and not claiming.left_alone(ctx, record.number):
        drafts.append(draft(TicketReady(record.number), subject))
    elif known and not ready and state is TicketState.READY and ctx.settings.labels.ready in known.labels:
        # The label was there: a person took it away. A ticket let go on by command does not have it yet.
        drafts.append(draft(TicketWithdrawn(record.number), subject))
    elif known and ready and state is TicketState.BLOCKED and ctx.settings.labels.ready not in known.labels:
        # The label was not there when the ticket was blocked: a person put it back.
        drafts.append(draft(TicketUnblocked(record.number, "marked ready again"), subject))
    return drafts


def _facts(ticket: Ticket) -> tuple[str, str, tuple[str, ...], tuple[int, ...], int, tuple[str, ...], str]:
    described = (ticket.title, ticket.body_sha, ticket.labels, ticket.depends_on)
    return (*described, ticket.priority, ticket.scope, ticket.repo)


async def label(ctx: Context) -> None:
    """Give every ticket the label of its state.

    Raises:
        FleetError: some file cannot be changed; the others have been.
    """
    wanted = _state_labels(ctx)
    managed = set(wanted.values())
    failed: list[FleetError] = []
    for ticket in ctx.reader.tickets():
        right = {wanted[ticket.state]} if ticket.state in wanted else set()
        wrong = (managed & set(ticket.labels)) - right
        missing = right - set(ticket.labels)
        if not (wrong or missing):
            continue
        if ctx.upstream is not None:
            _relabel_there(ctx, ctx.upstream, ticket, wrong, missing)
            continue
        try:
            await _relabel(ctx, ticket, wrong, missing)
        except NoSuchTicket:
            continue  # its file was removed while somebody works on it
        except FleetError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _relabel_there(ctx: Context, upstream: Upstream, ticket: Ticket, wrong: set[str], missing: set[str]) -> None:
    """Beside the passes. What is not this fleet's, or not yet, is not touched: others may work on it."""
    if ticket.state in (TicketState.DRAFT, TicketState.CLOSED) or claiming.is_open(ctx, ticket):
        return
    upstream.start(ctx, f"label:{ticket.number}", lambda: _relabel(ctx, ticket, wrong, missing))


def _state_labels(ctx: Context) -> dict[TicketState, str]:
    names = ctx.settings.labels
    return {
        TicketState.READY: names.ready,
        TicketState.IN_PROGRESS: names.in_progress,
        TicketState.BLOCKED: names.blocked,
        TicketState.IN_REVIEW: names.in_review,
        TicketState.SHIPPED: names.shipped,
    }


async def _relabel(ctx: Context, ticket: Ticket, wrong: set[str], missing: set[str]) -> None:
    await ctx.forge.set_labels(ticket.number, add=sorted(missing), remove=sorted(wrong))
    ctx.look_at_tickets = True
    ticket = ctx.reader.ticket(ticket.number) or ticket  # what was seen of it meanwhile stands
    labels = sorted((set(ticket.labels) - wrong) | missing)
    same = (list(ticket.depends_on), ticket.priority, list(ticket.scope), ticket.repo)
    changed = TicketChanged(ticket.number, ticket.title, ticket.excerpt, ticket.body_sha, labels, *same)
    await ctx.say(changed, f"ticket:{ticket.number}")


async def complete(ctx: Context) -> None:
    """A divided ticket has shipped when all of its parts have."""
    for ticket in dispatch.completed(ctx.reader.tickets()):
        done = TicketCompleted(ticket.number, list(ticket.parts))
        await ctx.record(draft(done, f"ticket:{ticket.number}", key=f"completed:{ticket.number}"))


async def block(ctx: Context, ticket: int, reason: str, *, question: str | None = None) -> None:
    """Let a ticket wait for a person."""
    await ctx.say(TicketBlocked(ticket, one_line(reason, 400), question), f"ticket:{ticket}")
