"""The pure fold of the log into stages and times."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.domain.events import Event, Payload
from fleet_tui.domain.states import PullRequestState, TicketState
from fleet_tui.readmodel.flow import SECOND_NS, Flow, Stage, stage_of

SHA = "a" * 40


def at(second: int, payload: Payload) -> Event:
    return Event(
        second, f"e{second}", second * SECOND_NS, "h", payload.kind, "watcher", "x", None, None, 1,
        payload.as_dict(), "", "",
    )  # fmt: skip


def created(pr: int, ticket: int) -> Payload:
    return ev.PullRequestCreated(pr, ticket, "t", "b", "br", "main", "dev", "run", SHA, SHA, 1, 1, 0)


def way(ticket: int, pr: int, start: int) -> list[Event]:
    """Ready, 10 s later taken, 100 s of work, 20 s of review, 5 s of gates, 40 s until the approval, shipped."""
    steps: list[tuple[int, Any]] = [
        (0, ev.TicketReady(ticket)),
        (10, ev.TicketClaimed(ticket, "dev", "run")),
        (110, created(pr, ticket)),
        (130, ev.PullRequestStateChanged(pr, "approved", "", 1)),
        (135, ev.PullRequestStateChanged(pr, "gated", "", 1)),
        (140, ev.ApprovalRequested(f"a{pr}", pr, ticket, SHA, SHA, SHA, "", "p", [], 0)),
        (170, ev.ApprovalGranted(f"a{pr}", pr, "me", 0)),
        (175, ev.TicketShipped(ticket, pr, SHA)),
    ]
    return [at(start + second, payload) for second, payload in steps]


def test_a_way_through_all_stages_is_measured() -> None:
    flow = Flow()
    flow.take(way(1, 1, 1000))
    found = flow.summary(2000 * SECOND_NS)
    assert dict(found.medians_s) == {
        Stage.READY: 10, Stage.DEV: 100, Stage.REVIEW: 20, Stage.GATES: 5, Stage.APPROVAL: 40,
    }  # fmt: skip
    assert (found.shipped, found.lead_s, found.decision_s) == (1, 175, 30)
    assert flow.since(1) == (Stage.DONE, 1175 * SECOND_NS)


def test_what_was_a_day_ago_is_not_counted_but_tells_what_is_usual() -> None:
    flow = Flow()
    for number in (1, 2):
        flow.take(way(number, number, 1000 * number))
    assert flow.usual_s(Stage.DEV) is None
    flow.take(way(3, 3, 3000))
    found = flow.summary((86_400 + 5000) * SECOND_NS)
    assert (found.shipped, found.lead_s, dict(found.medians_s)) == (0, None, {})
    assert flow.usual_s(Stage.DEV) == 100


def test_work_that_is_sent_back_is_counted_where_it_came_from() -> None:
    flow = Flow()
    flow.take(way(1, 1, 0)[:3])
    flow.take([at(150, ev.PullRequestStateChanged(1, "changes_requested", "no tests", 1))])
    assert flow.since(1)[0] is Stage.DEV
    assert dict(flow.summary(200 * SECOND_NS).sent_back) == {Stage.REVIEW: 1}


def test_gates_before_the_review_are_gates() -> None:
    flow = Flow()
    flow.take([*way(1, 1, 0)[:3], at(120, ev.GateStarted("g", "unit", 1, SHA, SHA, SHA, "make"))])
    assert flow.since(1)[0] is Stage.GATES
    flow.take([at(125, ev.GatePassed("g", "unit", 1, SHA, 5000, 0, "l", ""))])
    assert flow.since(1)[0] is Stage.REVIEW


def test_what_waits_for_a_person_stays_in_its_stage() -> None:
    flow = Flow()
    flow.take([*way(1, 1, 0)[:5], at(150, ev.PullRequestStateChanged(1, "blocked", "rejected", 1))])
    assert flow.since(1) == (Stage.APPROVAL, 135 * SECOND_NS)


def test_every_state_has_its_stage() -> None:
    for ticket in TicketState:
        for pull_request in (None, *PullRequestState):
            stage = stage_of(ticket, pull_request, gates_run=False)
            assert (stage is None) == (ticket in (TicketState.DRAFT, TicketState.CLOSED))
