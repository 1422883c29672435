"""What happens to a pull request between two looks at it: what was decided is about what was looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, Refused
from fleet_tui.domain.model import PullRequest, Run
from fleet_tui.domain.states import ApprovalState, PullRequestState, RunState, TicketState
from fleet_tui.watcher.merging import handover
from fleet_tui.watcher.merging.mergeview import judgement, merge_view
from fleet_tui.watcher.passes import approvals, gates, merges, reviews
from fleet_tui.watcher.runs.queueing import queued
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import SECOND, Fleet, agent, commit

Act = Callable[[], Awaitable[object]]


def after(real: Callable[..., Awaitable[Any]], act: Act) -> Callable[..., Awaitable[Any]]:
    """``real``, and once ``act`` when it has its answer and nobody has acted on it."""
    left = [act]

    async def look(*args: Any, **options: Any) -> Any:
        found = await real(*args, **options)
        if left:
            await left.pop()()
        return found

    return look


async def offered(fleet: Fleet, files: dict[str, str | None] | None = None) -> Run:
    """Another ticket whose author has handed it over and goes on."""
    await fleet.ticket(f"Ticket {len(fleet.ctx.reader.tickets()) + 1}")
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.handed_over(run, files)
    await fleet.settle()
    return run


async def improved(fleet: Fleet, run: Run) -> PullRequest:
    """Its author hands over something else."""
    return await fleet.handed_over(run, {f"more{run.ticket}.py": "print('unseen')\n"})


async def approved(fleet: Fleet) -> Run:
    """Pull request 1, approved by its reviewer; its author goes on."""
    run = await offered(fleet)
    await fleet.verdict("lee")
    await reviews.review(fleet.ctx)
    assert fleet.pr().state is PullRequestState.APPROVED
    return run


async def test_a_head_that_comes_while_another_is_judged_is_not_gated(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await approved(fleet)
    monkeypatch.setattr("fleet_tui.watcher.passes.gates.merge_view", after(merge_view, lambda: improved(fleet, run)))
    await gates.judge(fleet.ctx)
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW


@pytest.mark.parametrize("op", ["reject", pytest.param("request_changes", marks=pytest.mark.slow)])
async def test_what_a_person_turns_down_while_it_is_judged_anew_stays_so(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    fleet = await make_fleet(gates=[{"name": "check", "run": "true"}])
    approval = await fleet.to_approval()
    commit(fleet.ctx.paths.repository, {"other.txt": "of the base\n"})
    fleet.ctx.home.looked_at_target_ns = 0
    await merges.follow_user(fleet.ctx)

    async def turn_down() -> None:
        await fleet.person.answer("kim", op, {"approval": approval.id, "reason": "not this way"})

    monkeypatch.setattr("fleet_tui.watcher.passes.gates.merge_view", after(merge_view, turn_down))
    await gates.judge(fleet.ctx)
    await fleet.ctx.jobs.idle()
    wanted = PullRequestState.BLOCKED if op == "reject" else PullRequestState.CHANGES_REQUESTED
    assert fleet.pr().state is wanted
    assert "not this way" in fleet.pr().reason or op == "request_changes"


@pytest.mark.slow
async def test_a_verdict_is_not_counted_for_the_head_that_comes_meanwhile(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet([agent("dev", "developer", max_concurrent=2), agent("lee", "tech-lead")])
    await offered(fleet)
    second = await offered(fleet)
    for run in fleet.ctx.reader.runs(RunState.QUEUED):
        begun = await fleet.begin(run)
        await fleet.publish(begun, "pr_approved" if run.pr == 2 else "pr_changes_requested")
        await fleet.end(begun)
    monkeypatch.setattr(reviews, "_conclude", after(reviews._conclude, lambda: improved(fleet, second)))
    monkeypatch.setattr(reviews, "_reopen", lambda _ctx: asyncio.sleep(0))  # which would see it, once its risk is known
    await reviews.review(fleet.ctx)
    assert [fleet.pr(n).state for n in (1, 2)] == [PullRequestState.CHANGES_REQUESTED, PullRequestState.NEEDS_REVIEW]


# -- landing -----------------------------------------------------------------------------------------------------------


async def about_to_land(fleet: Fleet) -> Run:
    """Pull request 1 is gated and approved; its author goes on."""
    run = await offered(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.person.answer("kim", "approve", {"approval": fleet.open_approval().id, "head": fleet.pr().head_sha})
    return run


@pytest.mark.slow
async def test_what_is_replaced_during_the_last_look_before_it_lands_may_not_land(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await about_to_land(fleet)
    (approval,), head = fleet.ctx.reader.approvals(ApprovalState.HELD), fleet.pr().head_sha
    monkeypatch.setattr("fleet_tui.watcher.passes.approvals.judgement", after(judgement, lambda: improved(fleet, run)))
    objection = await approvals.objection_to_landing(fleet.ctx, 1, head, approval.id)
    assert objection == "the pull request has changed"


async def test_what_is_handed_over_while_it_lands_is_not_lost(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await about_to_land(fleet)
    control, refused = type(fleet.ctx.home.control), []
    land = control.land

    async def hands_over(*args: Any) -> bool:
        with pytest.raises(Conflict, match="lands just now") as caught:
            await improved(fleet, run)
        refused.append(caught.value)
        return await land(*args)

    monkeypatch.setattr(control, "land", hands_over)
    await merges.land(fleet.ctx)
    assert len(refused) == 1
    (merged,) = fleet.events("pr_merged")
    assert merged.payload["head_sha"] == fleet.pr().head_sha, "what landed is what is said to have"
    assert (await fleet.handed_over(run, {"last.py": "print()\n"})).number == 2


@pytest.mark.slow
async def test_what_lands_while_more_is_handed_over_leaves_that_a_pull_request_of_its_own(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await about_to_land(fleet)
    looks = after(handover._refuse_borrowed_names, lambda: merges.land(fleet.ctx))
    monkeypatch.setattr(handover, "_refuse_borrowed_names", looks)
    pull_request = await improved(fleet, run)
    assert len(fleet.events("pr_merged")) == 1
    assert (pull_request.number, pull_request.state) == (2, PullRequestState.NEEDS_REVIEW)


async def test_what_a_person_turns_down_while_more_is_handed_over_waits_for_the_person(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await about_to_land(fleet)

    async def turn_down() -> None:
        await fleet.person.answer("kim", "reject", {"approval": fleet.open_approval().id, "reason": "not this way"})

    looks = after(handover._refuse_borrowed_names, turn_down)
    monkeypatch.setattr(handover, "_refuse_borrowed_names", looks)
    with pytest.raises(Refused, match="waits for a person"):
        await improved(fleet, run)
    assert fleet.pr().state is PullRequestState.BLOCKED


@pytest.mark.slow
async def test_what_is_granted_in_time_while_it_is_looked_at_does_not_expire(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 60})
    approval = await fleet.to_approval()
    left_s = (approval.expires_ns - fleet.clock_ns) / SECOND
    fleet.later(left_s - 1)

    async def in_time() -> None:
        await fleet.approve(approval)
        fleet.later(2)

    monkeypatch.setattr("fleet_tui.watcher.passes.approvals.changed_since", after(approvals.changed_since, in_time))
    await approvals.void_changed(fleet.ctx)
    assert fleet.open_approval().state is ApprovalState.HELD


@pytest.mark.slow
async def test_a_workspace_is_not_taken_from_who_begins_in_it_while_it_is_tidied(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await about_to_land(fleet)
    await fleet.end(run)
    await merges.land(fleet.ctx)
    assert fleet.of_ticket().state is TicketState.SHIPPED

    async def tidy(*_args: Any) -> None:
        author = fleet.ctx.settings.agent("dev")
        await fleet.ctx.record(queued(author, key="test", trigger="note", ticket=1))
        await fleet.queued("dev")

    monkeypatch.setattr("fleet_tui.watcher.passes.merges.run_lines", tidy)
    await merges.reclaim(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert Path(run.workspace).is_dir()
    assert fleet.events("workspace_removed") == []
