"""The merge result of a pull request on the current base: what gates judge, what a person approves, what lands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Gate, PullRequest
from fleet_tui.domain.states import GateState, PullRequestState
from fleet_tui.git.values import FileChange, MergeResult
from fleet_tui.governance.approvals import unmet
from fleet_tui.settings.load import parse_gates
from fleet_tui.settings.repositories import GateSettings
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.repos.repository import MergeView, Repository

CONFIG_PATH = ".fleet/config.yaml"
REVIEW = "pr_needs_review"
"""What the run of a reviewer is started by."""
_MOST_CONFIG_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a pull request stands on the current base: what would land, and what its gates say of exactly that."""

    base: str
    view: MergeView
    results: Mapping[str, Gate]
    unmet: str | None
    """Why it may be neither approved nor landed."""


async def judgement(ctx: Context, pull_request: PullRequest) -> Judgement:
    """How things are now.

    Raises:
        FleetError: its merge result cannot be built.
    """
    repository = ctx.repository_of(pull_request)
    base = await repository.base()
    view = await merge_view(ctx, pull_request, base)
    gates = await gates_in_force(ctx, repository, base)
    results = gate_results(ctx, view.tree, gates)
    return Judgement(base, view, results, unmet(view.conflict, [gate.name for gate in gates], results))


def is_as_seen(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether it stands where it stood when it was read: nobody has handed over another head, or decided on it."""
    now = ctx.reader.pull_request(pull_request.number)
    return now is not None and (now.state, now.head_sha) == (pull_request.state, pull_request.head_sha)


async def lets_review(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether the gates leave something to review at this head: all have passed, or reviewers were asked before.

    What happens to a merge result that fails them, or cannot be built, is for the gates pass.
    """
    if not gates_come_first(ctx, pull_request):
        return True
    try:
        return (await judgement(ctx, pull_request)).unmet is None
    except FleetError:
        return False


def gates_come_first(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether its gates run before its reviewers are asked. Once they are asked at a head, they are heard."""
    if not ctx.settings.reviews.gates_first or pull_request.state is not PullRequestState.NEEDS_REVIEW:
        return False
    head = pull_request.head_sha
    asked = any(run.trigger == REVIEW and run.head_sha == head for run in ctx.reader.runs(pr=pull_request.number))
    return not asked and all(review.head_sha != head for review in ctx.reader.reviews(pull_request.number))


async def merge_view(ctx: Context, pull_request: PullRequest, base: str) -> MergeView:
    """Tree, commit, conflict and changed paths for (``base``, head); built once per pair and remembered.

    Raises:
        UnrelatedHistories: the head has no common history with the base; FleetError: it cannot be built.
    """
    repository, pair = ctx.repository_of(pull_request), (base, pull_request.head_sha)
    known = repository.merge_results
    if pair not in known:
        result = await _build(ctx, pull_request, base)
        summary = await repository.control.summary(base, pull_request.head_sha)
        paths = _touched(summary.files)
        known[pair] = MergeView(result.tree, result.commit, result.conflicts, paths)
        while len(known) > 200:
            known.pop(next(iter(known)))
    return known[pair]


def _touched(files: Sequence[FileChange]) -> tuple[str, ...]:
    """Every path that the change touches: a renamed file counts at both ends."""
    return tuple(sorted({path for file in files for path in (file.path, file.old_path) if path}))


async def _build(ctx: Context, pull_request: PullRequest, base: str) -> MergeResult:
    origin = f"Pull request {pull_request.number}, ticket #{pull_request.ticket}, by {pull_request.agent}."
    message = f"{pull_request.title}\n\n{origin}"
    return await ctx.repository_of(pull_request).control.merge_result(
        base,
        pull_request.head_sha,
        method=ctx.settings.merge.method,
        message=message,
        when_ns=pull_request.created_ns,
    )


async def gates_in_force(ctx: Context, repository: Repository, base: str) -> tuple[GateSettings, ...]:
    """The gates of the *base* commit, so that no branch can weaken its own judge; the fleet's own when it has none.

    Of a further repository those that `repos` gives it come first: they are in no branch of it.
    """
    configured = ctx.settings.repos.get(repository.name) if repository.name else None
    if configured is not None and configured.gates is not None:
        return configured.gates
    known = repository.gates_at
    if base not in known:
        text = await repository.control.read_file(base, CONFIG_PATH, max_bytes=_MOST_CONFIG_BYTES)
        if text is None:
            return tuple(ctx.settings.gates)
        known[base] = parse_gates(text, f"{CONFIG_PATH} at {base[:8]}")
    return known[base]


def gate_results(ctx: Context, tree: str, gates: tuple[GateSettings, ...]) -> dict[str, Gate]:
    """The latest decided result per gate on ``tree``, for gates whose command is still the one in force."""
    wanted = {gate.name: gate.command for gate in gates}
    results: dict[str, Gate] = {}
    for gate in sorted(ctx.reader.gates(tree=tree), key=lambda g: g.started_ns):
        if (
            wanted.get(gate.name) == gate.command
            and gate.state is not GateState.RUNNING
            and gate.reason != "interrupted"
        ):
            results[gate.name] = gate
    return results
