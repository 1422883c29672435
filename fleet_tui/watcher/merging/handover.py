"""Work handed over by authors: from the gate repository into the control repository, and into a pull request."""

from __future__ import annotations

from fleet_tui.domain.errors import Conflict, FleetError, Refused
from fleet_tui.domain.events import (
    Draft,
    HandOverRefused,
    PullRequestCreated,
    PullRequestNeedsReview,
    PullRequestUpdated,
    draft,
)
from fleet_tui.domain.model import PullRequest, Run, Ticket
from fleet_tui.domain.states import EffectState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.git.foreign import NotRead
from fleet_tui.governance import reviews
from fleet_tui.governance.capabilities import signs_as
from fleet_tui.governance.reviews import is_rejected
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.guard_desk import is_guard_question
from fleet_tui.watcher.merging.parties import objections
from fleet_tui.watcher.runs.withdrawing import overtaken

_BODY = 8_000
REPOSITORY = "repository"
"""The alarm about a ticket's repository that is not read."""


def has_delivered(ctx: Context, run: Run) -> bool:
    """Whether the run's own result is in the tables: its pull request, its verdict, its release decision."""
    family = ctx.settings.family(run.role).name
    if family == "reviewer" and run.pr is not None:
        return any(review.run == run.id for review in ctx.reader.reviews(run.pr))
    if family == "release" and run.pr is not None:
        release = ctx.reader.release(run.pr)
        return release is not None and release.run == run.id
    if family == "author" and run.ticket is not None:
        return any(pull_request.run == run.id for pull_request in ctx.reader.pull_requests())
    return False


async def collect_work(ctx: Context, run: Run) -> str:
    """A program that knows nothing of the fleet hands over by ending well: its commits become a pull request.

    Returns why that is refused, "" when it is not.

    Raises:
        Exception: whatever git or the forge met in what the agent left behind.
    """
    if ctx.settings.family(run.role).name != "author" or run.ticket is None or has_delivered(ctx, run):
        return ""
    if has_asked(ctx, run):
        return ""
    try:
        await hand_over(ctx, run, title="", body="", key=f"exit:{run.id}", actor=f"agent:{run.agent}/{run.id}")
    except Refused as refused:
        return _words(refused)  # nothing committed: the end of the run is recorded as what it is
    return ""


def has_asked(ctx: Context, run: Run) -> bool:
    """Whether the run left a question that is still open: then it has done its part for now.

    Having asked whether an act may happen is not that: the work goes on meanwhile.
    """
    asked = ctx.reader.questions(open_only=True)
    return any(question.run == run.id and not is_guard_question(question.id) for question in asked)


async def hand_over(ctx: Context, run: Run, *, title: str, body: str, key: str, actor: str) -> PullRequest:
    """Make or update the pull request of ``run``'s ticket from what its branch holds now.

    Raises:
        Refused: not an author's run, no ticket, no commits beyond the base, or not before a rejection is answered.
        Conflict: what was handed over before lands at this moment.
        NotRead: the run's repository is not what it was, or git failed in it.
    """
    if run.ticket is None:
        raise Refused("no ticket", f"{run.id} works on no ticket", "an author's run belongs to a ticket")
    async with ctx.hand_overs.of(f"ticket:{run.ticket}"):
        return await _hand_over(ctx, run, run.ticket, (title, body), key, actor)


async def published(ctx: Context, run: Run, *, title: str, body: str, key: str, actor: str) -> PullRequest:
    """:func:`hand_over` at the run's own request: a refusal is recorded, and told when it ends without a result.

    Raises:
        FleetError: as there.
    """
    try:
        return await hand_over(ctx, run, title=title, body=body, key=key, actor=actor)
    except (Refused, NotRead) as refused:
        if isinstance(refused, NotRead):
            await _tell(ctx, run, refused)
        reason = _words(refused)
        if reason != last_refusal(ctx, run):  # an agent that asks in a loop fills no log
            await ctx.say(HandOverRefused(run.id, reason), f"run:{run.id}", actor=actor, key=f"not-taken:{key}")
        raise


async def _tell(ctx: Context, run: Run, error: NotRead) -> None:
    """A person is told more than the agent."""
    title = f"the repository of {run.agent} for #{run.ticket} is not read: {error.detail}"
    response = f"look at what {run.agent} did to it ({run.workspace}); it can put that right and publish again"
    await alarms.ensure(ctx, REPOSITORY, f"ticket:{run.ticket}", priority=2, title=title, response=response)


def last_refusal(ctx: Context, run: Run) -> str:
    """Why the last hand-over that ``run`` asked for was not accepted; "" when none was refused."""
    wanted = EventFilter(kinds=(HandOverRefused.kind,), subjects=(f"run:{run.id}",))
    return next((str(event.payload["reason"]) for event in ctx.reader.events(wanted, limit=1)), "")


def _words(refused: FleetError) -> str:
    return one_line(f"{refused.title}: {refused.message}", 400)


async def _hand_over(ctx: Context, run: Run, number: int, words: tuple[str, str], key: str, actor: str) -> PullRequest:
    ticket = ctx.reader.ticket(number)
    if ticket is None:
        raise Refused("no ticket", f"#{number} does not exist")
    head = await _fetch(ctx, run)
    await alarms.clear(ctx, REPOSITORY, f"ticket:{number}", "it was read")
    control = ctx.repository_of(run).control
    base = await control.target_sha()
    existing, seen = ctx.reader.open_pull_request(number), _standing(ctx, number)
    if existing is not None and (ctx.reader.has_key(key) or _is_repeated(ctx, existing, run, head)):
        return existing
    if ctx.reader.has_key(key):
        raise Refused("nothing new", "this request was answered before", "publish again")
    nth = 1 if existing is None or head is None else _round(ctx, existing, head)
    if head is None or head == run.base_sha or await control.is_ancestor(head, base):
        hint = "commit your work and `git push`, then publish again"
        raise Refused("nothing to review", f"branch {run.branch} has no commits beyond its base", hint)
    await _refuse_borrowed_names(ctx, run, base, head)
    summary = await control.summary(base, head)
    counts = (len(summary.files), summary.added, summary.deleted)
    async with ctx.handing_over:
        is_so = _standing(ctx, number) == seen
        if is_so and existing is not None and _lands(ctx, existing):
            told = f"PR {existing.number} lands just now, as it was handed over before"
            raise Conflict("too late", told, "publish again in a moment: this becomes a pull request of its own")
        if is_so:
            await ctx.record(*_drafts(ctx, run, ticket, existing, head, base, nth, counts, words, key, actor))
    if not is_so:  # git took its time, and somebody has decided on it or landed it: by what is so now
        return await _hand_over(ctx, run, number, words, key, actor)
    await alarms.clear(ctx, "collect", f"ticket:{number}", "handed over")
    result = ctx.reader.open_pull_request(number)
    if result is None:
        raise FleetError("pull request vanished", f"ticket #{number}", "run `fleet verify --deep`")
    return result


def _standing(ctx: Context, ticket: int) -> tuple[object, ...]:
    """What is decided on when work on ``ticket`` is handed over."""
    found = ctx.reader.open_pull_request(ticket)
    return () if found is None else (found.number, found.state, found.head_sha, objections(ctx, found))


def _lands(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether its landing is under way, or may have happened: what is handed over now would not be in it."""
    merges = ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge")
    return any(effect.precondition["pr"] == pull_request.number for effect in merges)


async def _refuse_borrowed_names(ctx: Context, run: Run, base: str, head: str) -> None:
    """Commits name nobody of the fleet who had no part in them: an author could strike out a reviewer by naming it.

    Raises:
        Refused: a commit claims to be, or to be with, an agent that never worked on the branch.
    """
    worked = {other.agent for other in ctx.reader.runs(ticket=run.ticket) if other.branch}
    known = {agent.name for agent in ctx.reader.agents()}
    for person in await ctx.repository_of(run).control.authors(base, head):
        foreign = signs_as(person, known - worked)
        if foreign is not None:
            hint = "amend the commits under your own name (--reset-author), without the trailer, and push again"
            raise Refused("not your name", f"a commit names {foreign}, who has not worked on this branch", hint)


def _is_repeated(ctx: Context, existing: PullRequest, run: Run, head: str | None) -> bool:
    """Whether the run says again what it has said, and nobody has objected to it."""
    said = existing.head_sha == head and existing.run == run.id
    return said and not is_rejected(existing, objections(ctx, existing))


def _round(ctx: Context, existing: PullRequest, head: str) -> int:
    """The round in which ``head`` is reviewed.

    Raises:
        Refused: it may not be handed over now.
    """
    made = EventFilter(kinds=(PullRequestCreated.kind, PullRequestUpdated.kind), subjects=(f"pr:{existing.number}",))
    seen = {event.payload["head_sha"] for event in ctx.reader.events(made, after=0, limit=10_000)}
    bound = ctx.settings.reviews.max_rounds
    decision = reviews.hand_over(existing, objections(ctx, existing), head, seen, bound)
    if decision.refusal:
        raise Refused("not handed over", decision.refusal, decision.hint)
    return decision.round


async def _fetch(ctx: Context, run: Run) -> str | None:
    """The head of the run's branch: what it pushed to its gate, else what it committed in its workspace."""
    assert run.ticket is not None
    repository = ctx.repository_of(run)
    paths = await repository.workspaces.create(run.ticket, run.branch, run.base_sha)
    pushed = await repository.control.fetch_head(paths.gate, run.branch, f"{run.ticket}-gate")
    if pushed is not None and pushed != run.base_sha:
        return pushed
    return await repository.control.fetch_head(paths.path, run.branch, f"{run.ticket}-workspace")


def _drafts(
    ctx: Context,
    run: Run,
    ticket: Ticket,
    existing: PullRequest | None,
    head: str,
    base: str,
    nth: int,
    counts: tuple[int, int, int],
    words: tuple[str, str],
    key: str,
    actor: str,
) -> list[Draft]:
    title = one_line(words[0] or ticket.title)
    body = clean(words[1], _BODY)
    if existing is not None:
        number = existing.number
        updated = PullRequestUpdated(number, head, base, run.id, *counts)
        first = draft(updated, f"pr:{number}", actor=actor, key=key, cause=run.queued_id)
    else:
        number = ctx.store.reader.next_pull_request_number()
        target = ctx.repository_of(run).control.target
        created = PullRequestCreated(
            number, ticket.number, title, body, run.branch, target, run.agent, run.id, head, base, *counts
        )
        first = draft(created, f"pr:{number}", actor=actor, key=key, cause=run.queued_id)
    review = PullRequestNeedsReview(number, head, nth)
    over = overtaken(ctx, run, "its work was handed over")
    # One transaction: a pull request never exists without its request for review.
    return [*over, first, draft(review, f"pr:{number}", key=f"review:{number}:{head}:{run.id}")]
