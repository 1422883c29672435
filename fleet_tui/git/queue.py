"""The merge queue's two steps around the gates: what would land, and landing exactly that.

    plan ──▶ gates on ``plan.tree`` ──▶ approval bound to the plan ──▶ land_checked

Each plan is built on the target's current tip. When another lands first, the plan is stale: it is never rebased on the
quiet, the candidate is planned again and gated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.git.control import ControlRepository


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pull request at one head. ``when_ns`` and ``message`` must not change between attempts: they fix the commit."""

    pr: int
    head: str
    message: str
    when_ns: int
    method: str = "merge"


@dataclass(frozen=True, slots=True)
class MergePlan:
    """``commit`` with ``tree`` is to replace ``base`` at the tip of the target. The gates see ``tree``."""

    pr: int
    head: str
    base: str
    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The candidate cannot be merged into ``base``; ``paths`` are in conflict."""

    pr: int
    head: str
    base: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """The target already contains the head: there is nothing to gate or land."""

    pr: int
    head: str
    base: str


@dataclass(frozen=True, slots=True)
class Landed:
    """The target contains ``commit``; ``again`` when it did before the call (a repeat after a crash)."""

    commit: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """The target is at ``now`` instead of the plan's base: plan and gate again."""

    now: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The commit is not the tree that was gated: stop the queue, a person must look. ``landed`` when it is in."""

    expected: str
    found: str
    landed: bool


async def plan(control: ControlRepository, candidate: Candidate) -> MergePlan | Conflicted | Nothing:
    """What would land if ``candidate`` came next; moves nothing, and the same input gives the same plan.

    Raises:
        UnrelatedHistories: the head has no common history with the target.
        GitError: unknown head.
    """
    base = await control.target_sha()
    result = await control.merge_result(
        base, candidate.head, method=candidate.method, message=candidate.message, when_ns=candidate.when_ns
    )
    if result.already:
        return Nothing(candidate.pr, candidate.head, base)
    if not result.clean:
        return Conflicted(candidate.pr, candidate.head, base, result.conflicts)
    return MergePlan(candidate.pr, candidate.head, base, result.commit, result.tree)


async def land_checked(control: ControlRepository, ready: MergePlan) -> Landed | Moved | Mismatch:
    """Land ``ready`` if the target is still at its base and the commit is the gated tree; then look at what landed.

    Repeating it after a crash is harmless. A compare-and-swap moves the target, so of two callers one gets Moved.

    Raises:
        GitError: the control repository cannot be read or written.
    """
    now = await control.target_sha()
    if await control.is_ancestor(ready.commit, now):
        return await _verify(control, ready, again=True)
    if now != ready.base:
        return Moved(now)
    tree = await control.tree_of(ready.commit)
    if tree != ready.tree:
        return Mismatch(ready.tree, tree, landed=False)
    if not await control.land(ready.commit, ready.base):
        return Moved(await control.target_sha())
    return await _verify(control, ready, again=False)


async def _verify(control: ControlRepository, ready: MergePlan, *, again: bool) -> Landed | Mismatch:
    """Read back what the target now says, instead of believing what was asked for."""
    now = await control.target_sha()
    # Others may have landed on top since; what counts is that the commit is in, with the gated tree.
    inside = await control.is_ancestor(ready.commit, now)
    tree = await control.tree_of(ready.commit if inside else now)
    if not inside or tree != ready.tree:
        return Mismatch(ready.tree, tree, landed=inside)
    return Landed(ready.commit, again)


def next_up(order: Sequence[int], gated: dict[int, MergePlan], target: str) -> MergePlan | None:
    """The first pull request in ``order`` whose gated plan still stands on ``target``; None when none does.

    One that is not ready holds up nobody behind it.
    """
    return next((gated[pr] for pr in order if pr in gated and gated[pr].base == target), None)
