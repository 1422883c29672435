"""What people do to the fleet's pull requests on the forge: merged, closed, pushed to by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_tui.domain.events import (
    Draft,
    PullRequestApproved,
    PullRequestChangesRequested,
    PullRequestMerged,
    PullRequestStateChanged,
    ReviewWithdrawn,
    TicketBlocked,
    TicketShipped,
    TicketUnblocked,
    draft,
)
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.model import Review as Told
from fleet_tui.domain.states import OPEN_PULL_REQUESTS, PullRequestState, Verdict
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge.gh_values import Review
from fleet_tui.forge.trust import Trust
from fleet_tui.watcher import alarms
from fleet_tui.watcher.passes.reviews import held
from fleet_tui.watcher.repos.landings import PUBLISHING, lands
from fleet_tui.watcher.upstream.names import is_person, person
from fleet_tui.watcher.upstream.publishing import Published, own_heads, published
from fleet_tui.watcher.upstream.standing import last_words, open_threads
from fleet_tui.watcher.upstream.state import CLOSED_THERE, SeenPull, Upstream, is_waited_for

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context

_MOST_WORDS = 8_000
_ROLE = "person on GitHub"


async def follow(ctx: Context) -> None:
    """Take in what the last look showed of pull requests that are open here, and close there what is closed here."""
    # What a landing did is recorded by itself.
    quiet = [one.upstream for one in ctx.repositories if one.upstream and not lands(ctx, one)]
    for pull_request in ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS), PullRequestState.CLOSED) if quiet else ():
        upstream = ctx.upstream_of(pull_request)
        if upstream is None or upstream not in quiet:
            continue
        shown = published(ctx, pull_request.number)
        seen = upstream.pulls.get(shown.number) if shown is not None else None
        # What was seen before it was published says nothing of what was published.
        if shown is None or seen is None or seen.seq < shown.seq:
            continue
        number = pull_request.number
        title = f"what happened to PR {number} on GitHub is not taken in"
        async with alarms.guarding(ctx, "forge-follow", f"pr:{number}", title=title):
            if pull_request.state is PullRequestState.CLOSED and is_waited_for(ctx, pull_request):
                await ctx.record(*_opened_again(pull_request, seen))
            elif pull_request.state is PullRequestState.CLOSED:
                _close_there(ctx, upstream, pull_request, shown, seen)
            elif not ctx.jobs.running(f"{PUBLISHING}{number}"):
                await ctx.record(*await _changes(ctx, upstream, pull_request, shown, seen))


def _close_there(ctx: Context, upstream: Upstream, pull_request: PullRequest, shown: Published, seen: SeenPull) -> None:
    again = any(one.branch == pull_request.branch for one in ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS)))
    if seen.pull.state != "OPEN" or again:
        return

    async def close() -> None:
        await upstream.forge.pulls.close(shown.number)
        await upstream.view(ctx, shown.number, pull_request.branch)

    upstream.start(ctx, f"close:{pull_request.number}", close)


async def _changes(
    ctx: Context, upstream: Upstream, pull_request: PullRequest, shown: Published, seen: SeenPull
) -> list[Draft]:
    pull = seen.pull
    if pull.state == "MERGED":
        return await _merged(ctx, upstream, pull_request, seen)
    if pull.state == "CLOSED":
        return _closed(pull_request, CLOSED_THERE)
    if pull.head_sha != shown.head_sha and pull.head_sha in own_heads(ctx, pull_request):
        return []  # GitHub has not caught up with the last push
    if pull.head_sha != shown.head_sha and pull_request.state is not PullRequestState.BLOCKED:
        why = f"its branch on GitHub is at {pull.head_sha[:8]}, which the fleet did not push"
        return held(pull_request, why)
    return _words_of_people(ctx, pull_request, seen, await upstream.forge.trust())


def _words_of_people(ctx: Context, pull_request: PullRequest, seen: SeenPull, trust: Trust) -> list[Draft]:
    """Reviews on the forge by people whose words count: what they ask for goes back to the author, as any verdict."""
    if seen.pull.head_sha != pull_request.head_sha:
        return []  # what is handed over by now is not shown there yet
    number, head = pull_request.number, pull_request.head_sha
    known = {one.agent: one for one in ctx.reader.reviews(number) if one.head_sha == head and is_person(one.agent)}
    last = {person(author): review for author, review in last_words(seen.pull, trust).items()}
    drafts = []
    for name in sorted(last.keys() | known.keys()):
        said = _newly_said(number, name, seen, known.get(name), last.get(name))
        if said is not None:
            at_ns = known[name].at_ns if name in known else 0
            key = f"forge-review:{number}:{name}:{head}:{said.kind}:{at_ns}"
            drafts.append(draft(said, f"pr:{number}", key=key))
    return drafts


def _newly_said(
    number: int, name: str, seen: SeenPull, before: Told | None, now: Review | None
) -> PullRequestApproved | PullRequestChangesRequested | ReviewWithdrawn | None:
    """What is to be recorded of a person's review; approvals only of who asked for changes before."""
    head, asked = seen.pull.head_sha, before is not None and before.verdict is Verdict.CHANGES_REQUESTED
    if now is not None and now.state == "CHANGES_REQUESTED":
        said = _said(seen, now)
        return None if asked else PullRequestChangesRequested(number, name, "", _ROLE, head, said)
    if not asked:
        return None
    if now is not None and now.state == "APPROVED":
        return PullRequestApproved(number, name, "", _ROLE, head, _said(seen, now))
    if now is not None:
        return ReviewWithdrawn(number, name, head, "the review was dismissed on GitHub")
    # A review does not go away; whose words count can change.
    return ReviewWithdrawn(number, name, head, "their words do not count any more") if seen.pull.complete else None


def _said(seen: SeenPull, review: Review) -> str:
    """What a person wrote, with their conversations that are not resolved."""
    threads = [(one.path, seen.texts.get(one.id, "")) for one in open_threads(seen.pull, review.author)]
    parts = [seen.texts.get(review.id, ""), *(f"{path}: {text}" for path, text in threads if text)]
    return clean("\n\n".join(part.strip() for part in parts if part.strip()), _MOST_WORDS)


def _closed(pull_request: PullRequest, why: str) -> list[Draft]:
    state = PullRequestStateChanged(pull_request.number, PullRequestState.CLOSED.value, why, pull_request.round)
    blocked = TicketBlocked(pull_request.ticket, f"PR {pull_request.number}: {why}; mark it ready to begin anew")
    return [
        draft(state, f"pr:{pull_request.number}"),
        draft(blocked, f"ticket:{pull_request.ticket}"),
    ]


def _opened_again(pull_request: PullRequest, seen: SeenPull) -> list[Draft]:
    """Whoever closed it there, and opens it again, wants it to go on."""
    if seen.pull.state != "OPEN":
        return []
    number, why = pull_request.number, "it was opened again on GitHub"
    state = PullRequestStateChanged(number, PullRequestState.NEEDS_REVIEW.value, why, pull_request.round)
    unblocked = TicketUnblocked(pull_request.ticket, f"PR {number}: {why}")
    return [draft(state, f"pr:{number}"), draft(unblocked, f"ticket:{pull_request.ticket}")]


async def _merged(ctx: Context, upstream: Upstream, pull_request: PullRequest, seen: SeenPull) -> list[Draft]:
    """By a person, past the fleet's rules: that is theirs to do, and is told."""
    control = upstream.local.control
    if seen.pull.target != control.target:
        return _closed(pull_request, f"it was merged on GitHub into {one_line(seen.pull.target, 100)}")
    commit, tip = seen.pull.merge_sha, await upstream.remote.seen(control.target)
    if not commit or tip is None or await control.resolve(f"{commit}^{{commit}}") is None:
        return []  # the next look brings it
    if not await control.is_ancestor(commit, tip):
        return []
    number, ticket, target = pull_request.number, pull_request.ticket, control.target
    tree = await control.tree_of(commit)
    head = seen.pull.head_sha
    merged = PullRequestMerged(number, ticket, head, pull_request.base_sha, commit, tree, target, None)
    title = f"PR {number} was merged on GitHub, not by the fleet"
    response = "nothing, if that was you; else look at what is on the target now"
    await alarms.ensure(ctx, "merged-elsewhere", f"pr:{number}", priority=2, title=title, response=response)
    return [
        draft(merged, f"pr:{number}", key=f"merged:{number}:{commit}"),
        draft(TicketShipped(ticket, number, commit), f"ticket:{ticket}", key=f"shipped:{number}:{commit}"),
    ]
