"""Gates: run by the watcher itself, on the tree that would land, in a clean checkout, with the base's configuration."""

from __future__ import annotations

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import GateFailed, GatePassed, GateStarted, MergeFailed, draft
from fleet_tui.domain.ids import new_id
from fleet_tui.domain.model import Gate, PullRequest
from fleet_tui.domain.states import GateState, PullRequestState
from fleet_tui.domain.text import one_line, some_names
from fleet_tui.git.values import UnrelatedHistories
from fleet_tui.settings.repositories import GateSettings
from fleet_tui.watcher import alarms
from fleet_tui.watcher.confinement.command_place import command_place, throw_away
from fleet_tui.watcher.confinement.commands import CommandPlace
from fleet_tui.watcher.confinement.shell import Outcome
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.mergeview import gate_results, gates_come_first, gates_in_force, is_as_seen, merge_view
from fleet_tui.watcher.merging.parties import authors, contained
from fleet_tui.watcher.passes.reviews import change_state, send_back, sent_back
from fleet_tui.watcher.repos.repository import MergeView

_NOT_FOUND = 127
"""The exit code of a shell (and of our way into a sandbox) that does not find a program."""
_NAMED, _LISTED = 5, 50
"""Conflicting files that a line names, and that an event and a message list: there may be any number."""


async def judge(ctx: Context) -> None:
    """Bring every reviewed pull request to *gated* on the current base, or back to its author.

    Those that nobody has been asked to review yet go through their gates first: a red build is no reviewer's business.
    """
    await _close_interrupted(ctx)
    if ctx.reader.fleet().halted:
        return  # gates run the branch's code
    pull_requests = [*ctx.reader.pull_requests(PullRequestState.APPROVED, PullRequestState.GATED), *_unseen(ctx)]
    for pull_request in pull_requests:
        if not ctx.usable(pull_request):
            continue
        number = pull_request.number
        async with alarms.guarding(ctx, "gates", f"pr:{number}", title=f"PR {number} cannot be judged"):
            await _judge(ctx, pull_request)
    await alarms.only(ctx, "gates", [f"pr:{pull_request.number}" for pull_request in pull_requests])


def _unseen(ctx: Context) -> list[PullRequest]:
    """Those whose gates come before their review; what an agent in quarantine wrote is not run for that."""
    held = contained(ctx)
    waiting = ctx.reader.pull_requests(PullRequestState.NEEDS_REVIEW)
    return [found for found in waiting if gates_come_first(ctx, found) and not authors(ctx, found) & held]


async def _judge(ctx: Context, pull_request: PullRequest) -> None:
    repository = ctx.repository_of(pull_request)
    base = await repository.base()
    gates = await gates_in_force(ctx, repository, base)
    try:
        view = await merge_view(ctx, pull_request, base)
    except UnrelatedHistories:
        if is_as_seen(ctx, pull_request):
            await _unrelated(ctx, pull_request)
        return
    except FleetError as error:
        if is_as_seen(ctx, pull_request):
            await _unjudged(ctx, pull_request, error)
        raise
    if not is_as_seen(ctx, pull_request):
        return  # git took its time: the next pass judges what it is now
    if view.conflict:
        await _conflict(ctx, pull_request, view)
        return
    results = gate_results(ctx, view.tree, gates)
    failed = next((r for r in results.values() if r.state is GateState.FAILED), None)
    missing = [gate for gate in gates if gate.name not in results]
    if failed is not None:
        await _failed(ctx, pull_request, failed)
    elif missing:
        await _run_missing(ctx, pull_request, base, view, missing)
    elif pull_request.state is PullRequestState.APPROVED:
        reason = f"{len(gates)} of {len(gates)} gates passed" if gates else "no gates are configured"
        await change_state(ctx, pull_request, PullRequestState.GATED, reason)


async def _unjudged(ctx: Context, pull_request: PullRequest, error: FleetError) -> None:
    """What cannot be judged is not gated, so nobody is asked to approve it; why is said once."""
    await _tell(ctx, pull_request, one_line(f"cannot be judged: {error}", 400))


async def _tell(ctx: Context, pull_request: PullRequest, reason: str) -> None:
    """Why it stands where it does, once: what was gated is not gated any more, what waits for its review still does."""
    waits = pull_request.state is PullRequestState.NEEDS_REVIEW
    state = PullRequestState.NEEDS_REVIEW if waits else PullRequestState.APPROVED
    if (pull_request.state, pull_request.reason) != (state, reason):
        await change_state(ctx, pull_request, state, reason)


async def _run_missing(
    ctx: Context, pull_request: PullRequest, base: str, view: MergeView, missing: list[GateSettings]
) -> None:
    if ctx.level.refusal:
        await _tell(ctx, pull_request, one_line(f"no gate runs: {ctx.level.refusal}", 400))
        return
    if pull_request.state is PullRequestState.GATED:
        await change_state(ctx, pull_request, PullRequestState.APPROVED, f"gates run again on base {base[:8]}")
    elif pull_request.state is PullRequestState.NEEDS_REVIEW:
        await _tell(ctx, pull_request, "its gates run first, then its reviewers are asked")
    key = f"gate:{view.tree}"
    if len(ctx.jobs.running("gate:")) < ctx.settings.merge.parallel_gates:
        ctx.jobs.start(key, lambda: _run_gates(ctx, pull_request, base, view, missing))


async def _run_gates(
    ctx: Context, pull_request: PullRequest, base: str, view: MergeView, gates: list[GateSettings]
) -> None:
    """Run the gates one after the other and stop at the first failure: its findings are what the author needs."""
    checkout, repository = ctx.paths.gates / view.tree, ctx.repository_of(pull_request)
    try:
        for gate in gates:
            # A checkout of its own for each: what one gate leaves behind must not help or hurt the next.
            await repository.control.checkout(view.commit, checkout)
            async with command_place(ctx, repository, checkout, [gate.run]) as place:
                if not await _run_gate(ctx, pull_request, base, view, gate, place):
                    return
    finally:
        await throw_away(checkout)


async def _run_gate(
    ctx: Context, pull_request: PullRequest, base: str, view: MergeView, gate: GateSettings, place: CommandPlace
) -> bool:
    number, level = pull_request.number, place.level.value
    subject = f"pr:{number}"
    gate_id = new_id("gate")
    started = GateStarted(gate_id, gate.name, number, view.tree, pull_request.head_sha, base, gate.command, level)
    (event,) = await ctx.record(draft(started, subject))
    outcome = await ctx.commands.run(
        gate.argv,
        place,
        Origin(f"gate {gate.name} of PR {pull_request.number}", subject),
        mark=gate_id,
        time_limit_s=gate.time_limit_s,
        output_limit=gate.output_limit_kb * 1024,
        env=gate.env,
    )
    log = _store_evidence(ctx, gate_id, outcome)
    if outcome.passed:
        passed = GatePassed(gate_id, gate.name, number, view.tree, outcome.duration_ms, 0, log, outcome.tail(8)[:2000])
        await ctx.say(passed, subject, cause=event.id)
        return True
    failed = GateFailed(
        gate_id,
        gate.name,
        number,
        view.tree,
        outcome.duration_ms,
        outcome.exit_code,
        log,
        outcome.tail()[:6000],
        outcome.problem or _hint(outcome, place),
    )
    await ctx.say(failed, subject, cause=event.id)
    return False


def _hint(outcome: Outcome, place: CommandPlace) -> str:
    """Why a program may not have been found that is there outside."""
    if place.view is None or outcome.exit_code != _NOT_FOUND:
        return ""
    return f"exit code {_NOT_FOUND}: a program was not found; at {place.level.value} isolation.read_only says what is"


def _store_evidence(ctx: Context, gate_id: str, outcome: Outcome) -> str:
    name = f"{gate_id}.log"
    ctx.paths.evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
    (ctx.paths.evidence / name).write_bytes(outcome.output)
    return name


async def _failed(ctx: Context, pull_request: PullRequest, gate: Gate) -> None:
    why = gate.reason or f"exit code {gate.exit_code}"
    findings = f"Gate {gate.name} failed on the merge result ({gate.command}): {why}\n\n{gate.tail}"
    await send_back(ctx, pull_request, f"gate {gate.name} failed: {why}", findings)


async def _conflict(ctx: Context, pull_request: PullRequest, view: MergeView) -> None:
    target, count = pull_request.target, len(view.conflict)
    reason = f"conflicts with {target} in {some_names(view.conflict, _NAMED)}"
    files = f" ({count} files)" if count > _NAMED else ""
    advice = (
        f"Your branch conflicts with {target}{files}: {some_names(view.conflict, _LISTED)}. Run `git fetch origin "
        f"{target}` and `git merge FETCH_HEAD`, resolve the conflict, commit, push, and publish pr_created again."
    )
    names = [str(some_names([path], 1)) for path in view.conflict[:_LISTED]]
    await _cannot_merge(ctx, pull_request, reason, MergeFailed(pull_request.number, f"{reason}{files}", names), advice)


async def _unrelated(ctx: Context, pull_request: PullRequest) -> None:
    target, branch = pull_request.target, pull_request.branch
    reason = f"its branch has no common history with {target}"
    advice = (
        f"Your branch has no common history with {target}, so it cannot be merged. Run `git branch kept`, `git fetch "
        f"origin {target}` and `git reset --hard FETCH_HEAD`, bring your change over (`git checkout kept -- PATH`), "
        f"commit, `git push --force origin HEAD:{branch}`, and publish pr_created again."
    )
    await _cannot_merge(ctx, pull_request, reason, MergeFailed(pull_request.number, reason), advice)


async def _cannot_merge(ctx: Context, pull_request: PullRequest, reason: str, failed: MergeFailed, advice: str) -> None:
    await ctx.record(draft(failed, f"pr:{pull_request.number}"), *sent_back(ctx, pull_request, reason, advice))


async def _close_interrupted(ctx: Context) -> None:
    """Gates of a watcher that died are no result: they are closed as interrupted and run again."""
    for gate in ctx.reader.gates(GateState.RUNNING):
        if not ctx.jobs.running(f"gate:{gate.tree}"):
            closed = GateFailed(gate.id, gate.name, gate.pr, gate.tree, 0, None, "", "", "interrupted")
            await ctx.say(closed, f"pr:{gate.pr}")
