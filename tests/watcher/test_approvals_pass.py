"""Approvals: bound to what was shown, void at any change, used once, and checked again at the moment of landing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import ApprovalGranted, ApprovalRequested, ApprovalVoided, GateFailed, GateStarted
from fleet_tui.domain.states import ApprovalState, Isolation, PullRequestState, TicketState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.merging.mergeview import judgement
from fleet_tui.watcher.passes import approvals, merges
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, commit, git

Change = Callable[[Fleet], Awaitable[None]]


async def quarantine(fleet: Fleet) -> None:
    await fleet.person.answer("kim", "quarantine", {"agent": "dev"})


async def policy(fleet: Fleet) -> None:
    await fleet.reconfigure(reviews={"max_rounds": 7})


async def base(fleet: Fleet) -> None:
    """A person commits to the target."""
    commit(fleet.ctx.paths.repository, {"other.txt": "mine"})
    fleet.ctx.home.looked_at_target_ns = 0
    await merges.follow_user(fleet.ctx)


async def gates(fleet: Fleet) -> None:
    """Another run of the gate on the same tree fails."""
    (approval,) = fleet.ctx.reader.approvals(*approvals.OPEN)
    (gate,) = fleet.ctx.reader.gates(pr=1)
    again = GateStarted("gate-again", gate.name, 1, gate.tree, approval.head_sha, approval.base_sha, gate.command)
    await fleet.say(again, "pr:1")
    await fleet.say(GateFailed("gate-again", gate.name, 1, gate.tree, 1, 1, "", ""), "pr:1")


CHANGES: dict[str, tuple[Change, str]] = {
    "author": (quarantine, "the author was quarantined"),
    "policy": (policy, "policy changed"),
    "base": (base, "base moved"),
    "gates": (gates, "gate results changed"),
}
GATES = [{"name": "check", "run": "true"}]


@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize("change", list(CHANGES))
async def test_any_change_voids(make_fleet: MakeFleet, change: str, granted: bool) -> None:
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval()
    if granted:
        await fleet.approve(approval)
    act, reason = CHANGES[change]
    await act(fleet)
    await approvals.void_changed(fleet.ctx)
    after = fleet.ctx.reader.approval(approval.id)
    assert after is not None
    assert after.state is ApprovalState.VOIDED
    assert reason in after.reason


@pytest.mark.parametrize("change", list(CHANGES))
async def test_change_between_voiding_and_landing_lands_nothing(make_fleet: MakeFleet, change: str) -> None:
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    before = git(fleet.ctx.paths.repository, "rev-parse", "main")
    await CHANGES[change][0](fleet)
    await merges.land(fleet.ctx)
    assert fleet.events("pr_merged") == []
    if change != "base":
        assert await fleet.ctx.home.control.target_sha() == before


@pytest.mark.parametrize("change", list(CHANGES))
async def test_change_while_the_landing_is_prepared_lands_nothing(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The change comes after every decision, at the last await before the target is moved."""
    fleet = await make_fleet(gates=GATES)
    await fleet.approve(await fleet.to_approval())
    record = fleet.ctx.store.record
    seen: list[str] = []

    async def recording(*drafts: object) -> object:
        events = await record(*drafts)  # type: ignore[arg-type]
        if any(event.kind == "effect_attempted" for event in events) and not seen:
            seen.append(change)
            await CHANGES[change][0](fleet)
        return events

    monkeypatch.setattr(fleet.ctx.store, "record", recording)
    await merges.land(fleet.ctx)
    assert seen == [change]
    assert fleet.events("pr_merged") == []


async def conflict(fleet: Fleet) -> None:
    """A person commits to the target what does not go together with the pull request."""
    commit(fleet.ctx.paths.repository, {"app.py": "print('mine')\n"})
    fleet.ctx.home.looked_at_target_ns = 0
    await merges.follow_user(fleet.ctx)


@pytest.mark.parametrize("change", [gates, conflict])
async def test_nobody_is_asked_about_what_did_not_pass(make_fleet: MakeFleet, change: Change) -> None:
    """It is gated still: the change has come since the gates were looked at."""
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval({"app.py": "print('theirs')\n"})
    await change(fleet)
    await fleet.say(ApprovalVoided(approval.id, 1, "changed"), "pr:1")
    await approvals.request(fleet.ctx)
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.ctx.reader.approvals(*approvals.OPEN) == []


@pytest.mark.parametrize("change", [gates, conflict])
async def test_what_did_not_pass_is_not_approved_even_when_it_was_asked_for(
    make_fleet: MakeFleet, change: Change
) -> None:
    """Bound to exactly what there is: nothing has changed since, but it did not pass then."""
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval({"app.py": "print('theirs')\n"})
    await change(fleet)
    await fleet.say(ApprovalVoided(approval.id, 1, "changed"), "pr:1")
    bound = await approvals.binding_now(fleet.ctx, fleet.pr())
    named = (bound.head_sha, bound.base_sha, bound.tree, bound.gates, bound.policy)
    asked = ApprovalRequested("approval-x", 1, 1, *named, reasons=["policy"], expires_ns=fleet.clock_ns + 10**12)
    await fleet.say(asked, "pr:1")
    with pytest.raises(Conflict, match=r"not passed|conflict"):
        await fleet.approve(fleet.open_approval())
    await fleet.say(ApprovalGranted("approval-x", 1, "operator:kim", 0, None), "pr:1")
    await merges.land(fleet.ctx)
    assert fleet.events("pr_merged") == []
    await approvals.void_changed(fleet.ctx)
    assert fleet.ctx.reader.approvals(*approvals.OPEN) == []


async def test_names_of_any_length_fit_into_a_request(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval=SENSITIVE)
    names = [".fleet/" + "/".join(["\x01" * 250] * 14) + f"/{nth}" for nth in range(4)]
    approval = await fleet.to_approval(dict.fromkeys(names, "x\n"))
    assert approval.reasons[-1].endswith("and 1 more")


async def test_new_commits_void_and_go_to_review_again(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    await fleet.person.answer("kim", "request_changes", {"approval": approval.id, "reason": "more"})
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    after = fleet.ctx.reader.approval(approval.id)
    assert after is not None
    assert after.state is ApprovalState.DENIED
    await fleet.verdict("lee")
    await fleet.settle()
    again = fleet.open_approval()
    assert again.id != approval.id
    assert again.head_sha != approval.head_sha


async def test_requests_are_made_once(fleet: Fleet) -> None:
    await fleet.to_approval()
    for _ in range(50):
        await approvals.request(fleet.ctx)
        await approvals.void_changed(fleet.ctx)
    assert len(fleet.events("approval_requested")) == 1
    assert fleet.events("approval_voided") == []


async def test_request_expires_and_is_made_anew(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    fleet.clock_ns = approval.expires_ns
    with pytest.raises(Conflict, match="expired"):
        await fleet.approve(approval)
    await fleet.settle()
    after = fleet.ctx.reader.approval(approval.id)
    assert after is not None
    assert after.state is ApprovalState.EXPIRED
    assert fleet.open_approval().expires_ns > fleet.clock_ns


@pytest.mark.parametrize("change", list(CHANGES))
async def test_approving_after_a_change_is_refused(make_fleet: MakeFleet, change: str) -> None:
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval()
    await CHANGES[change][0](fleet)
    with pytest.raises(Conflict, match="CHANGED while you looked"):
        await fleet.approve(approval)
    assert fleet.events("approval_granted") == []


async def test_approval_is_of_the_head_that_was_shown(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    for shown in ("0" * 40, approval.head_sha[:39], approval.head_sha.upper() + "0"):
        with pytest.raises(Conflict):
            await fleet.person.answer("kim", "approve", {"approval": approval.id, "head": shown})
    for missing in ({}, {"head": ""}, {"head": None}, {"head": 7}):
        with pytest.raises(UsageError):
            await fleet.person.answer("kim", "approve", {"approval": approval.id, **missing})


async def test_second_person_comes_too_late(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    with pytest.raises(Conflict, match="already decided"):
        await fleet.approve(approval, "robin")


# -- grace time, undo, denial ----------------------------------------------------------------------------------------


async def test_grace_time_and_undo(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 10})
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    fleet.later(9.9)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    await fleet.person.answer("kim", "undo", {"approval": approval.id})
    fleet.later(60)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.open_approval().state is ApprovalState.REQUESTED
    with pytest.raises(Conflict) as twice:
        await fleet.person.answer("kim", "undo", {"approval": approval.id})
    assert (twice.value.title, twice.value.message) == (
        "nothing to undo",
        "PR 1 is not approved: it waits for a decision",
    )
    await fleet.approve(approval)
    fleet.later(10)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    after = fleet.ctx.reader.approval(approval.id)
    assert after is not None
    assert after.state is ApprovalState.USED
    for op in ("undo", "reject", "approve"):
        args = {"approval": approval.id, "reason": "late", "head": approval.head_sha}
        with pytest.raises(Conflict):
            await fleet.person.answer("kim", op, args)


@pytest.mark.parametrize("op", ["undo", "reject", "request_changes"])
async def test_taking_it_back_while_it_lands_is_refused_or_works(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    """Never: the person is told that it will not land, and it does."""
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    land, said = fleet.ctx.home.control.land, []

    async def landing(new: str, old: str) -> bool:
        try:
            await fleet.person.answer("kim", op, {"approval": approval.id, "reason": "wait"})
        except Conflict as conflict:
            said.append(conflict.title)
        return await land(new, old)

    monkeypatch.setattr(fleet.ctx.home.control, "land", landing)
    await fleet.settle()
    assert said == ["too late"]
    assert fleet.pr().state is PullRequestState.MERGED


async def test_undo_before_the_landing_holds_it_up(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = await fleet.to_approval()
    await fleet.approve(approval)

    async def looking(*args: object) -> object:
        monkeypatch.setattr(merges, "judgement", judgement)
        await fleet.person.answer("kim", "undo", {"approval": approval.id})
        return await judgement(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merges, "judgement", looking)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.events("pr_merged") == []


async def test_rejection_waits_for_the_person(fleet: Fleet) -> None:
    approval = await fleet.to_approval()
    with pytest.raises(UsageError, match="reason"):
        await fleet.person.answer("kim", "reject", {"approval": approval.id})
    await fleet.person.answer("kim", "reject", {"approval": approval.id, "reason": "not wanted"})
    await fleet.settle()
    assert fleet.states == (TicketState.BLOCKED, PullRequestState.BLOCKED)
    assert "not wanted" in fleet.pr().reason


async def test_changes_asked_for_by_a_person_reach_the_author_in_any_round(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(reviews={"max_rounds": 1})
    approval = await fleet.to_approval()
    await fleet.person.answer("kim", "request_changes", {"approval": approval.id, "reason": "say please"})
    await fleet.settle()
    (run,) = fleet.occupying()
    assert (run.agent, run.round) == ("dev", 2)
    assert "say please" in run.instructions


# -- who needs a person at all ---------------------------------------------------------------------------------------

SENSITIVE = {"when": "sensitive", "hold_s": 0, "sensitive_paths": [".fleet/**", "**/Makefile"]}


async def test_without_isolation_every_merge_needs_a_person(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval=SENSITIVE)
    approval = await fleet.to_approval()
    assert any("L0" in reason for reason in approval.reasons)


async def through_review(fleet: Fleet, files: dict[str, str | None]) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    await fleet.settle()
    await fleet.verdict("lee")


async def test_isolated_agents_merge_what_is_not_sensitive(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval=SENSITIVE)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await through_review(fleet, {"app.py": "print('two')\n"})
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    assert fleet.ctx.reader.approvals() == []


@pytest.mark.parametrize("path", [".fleet/config.yaml", ".Fleet/Config.yaml", "sub/makefile"])
async def test_sensitive_paths_need_a_person_in_any_case(make_fleet: MakeFleet, path: str) -> None:
    fleet = await make_fleet(approval=SENSITIVE)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await through_review(fleet, {path: "version: 1\n"})
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert any("touches" in reason for reason in fleet.open_approval().reasons)


async def test_work_of_a_quarantined_author_does_not_land_by_itself(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval=SENSITIVE)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    await through_review(fleet, {"app.py": "print('two')\n"})
    await quarantine(fleet)
    await fleet.settle()
    assert fleet.events("pr_merged") == []


async def test_approval_of_nothing_known(fleet: Fleet) -> None:
    for op in ("approve", "undo", "reject", "request_changes"):
        with pytest.raises(FleetError, match="no such approval"):
            await fleet.person.answer("kim", op, {"approval": "approval-none", "head": "x", "reason": "y"})


async def test_a_moved_target_is_told_as_the_reason_and_that_it_is_asked_again(make_fleet: MakeFleet) -> None:
    """Its gates run again, so it is not gated for a while; that is not what happened."""
    fleet = await make_fleet(gates=GATES)
    approval = await fleet.to_approval()
    mine = commit(fleet.ctx.paths.repository, {"other.txt": "mine"})
    await fleet.settle()
    (voided,) = fleet.events("approval_voided")
    assert voided.payload["reason"] == (
        f"main moved {approval.base_sha[:8]} → {mine[:8]}: gates run again, then you are asked again"
    )
    assert fleet.open_approval().base_sha == mine
