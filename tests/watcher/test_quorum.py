"""Approval rules: how many persons, until when; a person counts once, the first of two decisions wins, risk voids."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fleet_tui.bus import operator
from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import RiskChanged
from fleet_tui.domain.states import ApprovalState, Isolation, PullRequestState, RiskBand
from fleet_tui.governance.isolation import Level
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import BESIDES_PROCESSES, SECOND, Fleet

TWO_FOR_DATA = {
    "when": "sensitive",
    "hold_s": 0,
    "rules": [{"name": "data", "acts": ["migration"], "quorum": 2, "expires_h": 4}],
}
DATA: dict[str, str | None] = {"db/migrations/1.sql": "create table t (x);\n"}


async def at_l1(make_fleet: MakeFleet, **sections: Any) -> Fleet:
    fleet = await make_fleet(**sections)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    return fleet


async def test_rule_asks_for_two_different_persons_and_the_same_one_counts_once(make_fleet: MakeFleet) -> None:
    fleet = await at_l1(make_fleet, approval=TWO_FOR_DATA)
    approval = await fleet.to_approval(DATA)
    assert approval.reasons == ("rule data: a migration (db/migrations/1.sql) needs 2 persons",)
    assert approval.quorum == 2
    assert approval.expires_ns == fleet.clock_ns + 4 * 3600 * SECOND
    args = {"approval": approval.id, "head": approval.head_sha}
    answer = await fleet.person.answer("kim", "approve", args)
    assert answer["message"] == "1 of 2 persons approve PR 1; it waits for another one"
    await fleet.settle()
    assert fleet.open_approval().state is ApprovalState.REQUESTED
    assert fleet.open_approval().votes == ("operator:kim",)
    with pytest.raises(Conflict, match="already approved by you: 1 of 2 persons approve PR 1: operator:kim"):
        await fleet.person.answer("kim", "approve", args)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED, "one person is not two"
    await fleet.person.answer("lou", "approve", args)
    (granted,) = fleet.events("approval_granted")
    assert granted.actor == "operator:lou"
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED
    used = fleet.ctx.reader.approval(approval.id)
    assert used is not None
    assert (used.state, used.votes) == (ApprovalState.USED, ("operator:kim", "operator:lou"))


async def test_merge_that_no_rule_is_for_needs_nobody(make_fleet: MakeFleet) -> None:
    fleet = await at_l1(make_fleet, approval=TWO_FOR_DATA)
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.MERGED


async def test_one_of_several_may_reject_and_taking_back_takes_every_vote_back(make_fleet: MakeFleet) -> None:
    fleet = await at_l1(make_fleet, approval=TWO_FOR_DATA | {"hold_s": 600})
    approval = await fleet.to_approval(DATA)
    await fleet.approve(approval, "kim")
    await fleet.approve(approval, "lou")
    await fleet.person.answer("max", "undo", {"approval": approval.id})
    assert fleet.open_approval().votes == ()
    await fleet.approve(approval, "kim")
    await fleet.person.answer("lou", "reject", {"approval": approval.id, "reason": "not this"})
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.BLOCKED
    with pytest.raises(Conflict, match=r"is denied by operator:lou, \d+ s ago: not this"):
        await fleet.approve(approval, "max")


async def test_request_of_a_rule_expires_when_the_rule_says(make_fleet: MakeFleet) -> None:
    fleet = await at_l1(make_fleet, approval=TWO_FOR_DATA)
    approval = await fleet.to_approval(DATA)
    await fleet.approve(approval, "kim")
    fleet.later(4 * 3600 + 1)
    await fleet.settle()
    assert fleet.open_approval().id != approval.id
    assert fleet.open_approval().votes == (), "who approved the old request has not approved the new one"


UNWATCHED = BESIDES_PROCESSES | {"observe risk"}


async def more_risk(fleet: Fleet) -> None:
    """Nothing but the band of risk is another by now, as when the agent's refused acts add up."""
    head = fleet.pr().head_sha
    changed = RiskChanged("dev", 60, "high", "low", ["+60 denied: 6"], {}, "rules", fleet.clock_ns, None, 1, 1, head)
    await fleet.say(changed, "pr:1")


@pytest.mark.parametrize("granted", [False, True])
async def test_risk_that_rises_voids_with_the_reason_and_asks_anew(make_fleet: MakeFleet, granted: bool) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 600})
    approval = await fleet.to_approval()
    assert approval.risk_band is RiskBand.LOW
    if granted:
        await fleet.approve(approval)
    await more_risk(fleet)
    if not granted:
        with pytest.raises(Conflict, match="CHANGED while you looked: its risk rose low → high"):
            await fleet.approve(approval)
    await fleet.settle(without=UNWATCHED)
    assert (fleet.pr().head_sha, fleet.pr().risk_band) == (approval.head_sha, RiskBand.HIGH)
    (voided,) = fleet.events("approval_voided")
    assert voided.payload["reason"] == "its risk rose low → high: look again, then decide"
    again = fleet.open_approval()
    assert (again.state, again.risk_band) == (ApprovalState.REQUESTED, RiskBand.HIGH)
    assert any(reason.startswith("risk 60 high") for reason in again.reasons)
    fleet.later(700)
    await fleet.settle(without=UNWATCHED)
    assert fleet.pr().state is PullRequestState.GATED, "the word for the lower risk lands nothing"


async def test_two_clients_at_once_the_first_decision_wins_and_the_other_is_told_whose(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 600})
    approval = await fleet.to_approval()
    names = iter(("kim", "lou"))

    async def handle(caller: Caller, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        return await fleet.person.answer(next(names), op, args)

    bus = BusServer(handle, lambda _pid: None)
    await bus.listen_operator(fleet.ctx.paths.operator_socket)
    args = {"approval": approval.id, "head": approval.head_sha}
    fleet.ctx.home.merge_results.clear()  # both have to wait for git between looking and deciding
    try:
        first, second = await asyncio.gather(
            *(operator.acall(fleet.ctx.paths.operator_socket, "approve", args) for _ in range(2)),
            return_exceptions=True,
        )
    finally:
        await bus.close()
    refused = [answer for answer in (first, second) if isinstance(answer, BaseException)]
    assert len(refused) == 1, (first, second)
    assert isinstance(refused[0], Conflict)
    assert f"already decided: {approval.id} is held by operator:" in str(refused[0])
    (granted,) = fleet.events("approval_granted")
    assert granted.payload["by"] in str(refused[0])
