"""Dispatch by property: nobody over capacity, nothing twice, dependencies respected, cycles named."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.model import Agent, Run, Ticket
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.governance.dispatch import completed, dependency_problem, plan, takes_work


def agent(name: str, **changes: object) -> Agent:
    fields: dict[str, object] = {
        "name": name, "role": "developer", "vendor": "scripted", "model": None, "enabled": True, "max_concurrent": 1,
        "department": None, "reports_to": None, "subscribes_to": ("ticket_ready",), "budget_s": None, "extended_s": 0,
        "charged_ms": 0, "quarantined": False, "quarantine_reason": "", "paused": False, "epoch": 0, "denials": 0,
        "acked_seq": 0, "configured": True,
    }  # fmt: skip
    return Agent(**(fields | changes))  # type: ignore[arg-type]


def ticket(number: int, state: TicketState = TicketState.READY, **changes: object) -> Ticket:
    fields: dict[str, object] = {
        "number": number, "title": "t", "excerpt": "", "body_sha": "", "labels": (), "depends_on": (), "priority": 3,
        "state": state, "agent": None, "run": None, "pr": None, "blocked_reason": "", "question": None,
        "created_ns": 0, "changed_ns": 0,
    }  # fmt: skip
    return Ticket(**(fields | changes))  # type: ignore[arg-type]


def run(name: str, state: RunState = RunState.RUNNING, **changes: object) -> Run:
    fields: dict[str, object] = {
        "id": f"run-{name}", "agent": name, "role": "developer", "vendor": "scripted", "model": None,
        "trigger": "ticket_ready", "ticket": 1, "pr": None, "head_sha": None, "round": 1, "attempt": 1,
        "previous": None, "instructions": "", "not_before_ns": 0, "state": state, "state_source": "",
        "state_reason": "",
        "state_ns": 0, "session": "", "pane_uuid": "", "workspace": "", "branch": "", "base_sha": "", "isolation": "L0",
        "agent_epoch": 0, "token_sha": "", "host": "h", "queued_ns": 0, "started_ns": None, "ended_ns": None,
        "exit_code": None, "signal": None, "active_ms": 0, "charged_ms": 0, "stop_requested": False, "published": False,
        "queued_id": "",
    }  # fmt: skip
    return Run(**(fields | changes))  # type: ignore[arg-type]


NAMES = ("ada", "bo", "cy")
agents_strategy = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
    lambda names: st.tuples(
        *[
            st.builds(
                agent,
                st.just(name),
                max_concurrent=st.integers(1, 3),
                paused=st.booleans(),
                quarantined=st.booleans(),
                enabled=st.booleans(),
            )
            for name in names
        ]
    )
)
tickets_strategy = st.dictionaries(
    st.integers(1, 8), st.tuples(st.sampled_from(TicketState), st.sets(st.integers(1, 9), max_size=3)), max_size=8
).map(lambda found: [ticket(n, state, depends_on=tuple(sorted(deps))) for n, (state, deps) in found.items()])
runs_strategy = st.lists(st.builds(run, st.sampled_from(NAMES), st.sampled_from(RunState)), max_size=6)


@given(tickets_strategy, agents_strategy, runs_strategy)
def test_assignments_are_lawful(tickets: list[Ticket], agents: tuple[Agent, ...], runs: list[Run]) -> None:
    result = plan(tickets, agents, runs, authors=NAMES)
    by_number = {t.number: t for t in tickets}
    assigned = [a.ticket for a in result.assignments]
    assert len(assigned) == len(set(assigned))
    for name in NAMES:
        row = next((a for a in agents if a.name == name), None)
        given_now = sum(1 for a in result.assignments if a.agent == name)
        live = {RunState.QUEUED, RunState.STARTING, RunState.RUNNING, RunState.WAITING, RunState.PAUSED}
        live |= {RunState.LIMITED, RunState.QUARANTINED}
        busy = sum(1 for r in runs if r.agent == name and r.state in live)
        if given_now:
            assert row is not None
            assert takes_work(row)
            assert busy + given_now <= row.max_concurrent
    for number in assigned:
        chosen = by_number[number]
        assert chosen.state is TicketState.READY
        assert all(by_number[dep].state is TicketState.SHIPPED for dep in chosen.depends_on)


@given(tickets_strategy, agents_strategy, runs_strategy)
def test_planning_is_deterministic_and_wastes_no_one(
    tickets: list[Ticket], agents: tuple[Agent, ...], runs: list[Run]
) -> None:
    result = plan(tickets, agents, runs, authors=NAMES)
    assert result == plan(list(reversed(tickets)), tuple(reversed(agents)), list(reversed(runs)), authors=NAMES)


def test_priority_then_number() -> None:
    tickets = [ticket(1), ticket(2, priority=1), ticket(3)]
    assert [a.ticket for a in plan(tickets, [agent("ada", max_concurrent=2)], [], authors=["ada"]).assignments] == [
        2,
        1,
    ]


def test_a_busy_agent_leaves_the_ticket_waiting() -> None:
    assert plan([ticket(2)], [agent("ada")], [run("ada")], authors=["ada"]).assignments == ()


def test_cycles_and_missing_dependencies_are_named() -> None:
    tickets = {1: ticket(1, depends_on=(2,)), 2: ticket(2, depends_on=(3,)), 3: ticket(3, depends_on=(1,))}
    assert dependency_problem(tickets[1], tickets) == "depends on itself: #1 → #2 → #3 → #1"
    assert dependency_problem(ticket(5, depends_on=(9,)), tickets) == "depends on #9, which does not exist"
    closed = {7: ticket(7, TicketState.CLOSED)}
    assert "closed without a merge" in (dependency_problem(ticket(8, depends_on=(7,)), closed) or "")


def test_a_long_chain_is_no_recursion() -> None:
    chain = {n: ticket(n, depends_on=(n + 1,)) for n in range(1, 5000)} | {5000: ticket(5000)}
    assert dependency_problem(chain[1], chain) is None


def test_who_has_no_room_in_its_budget_takes_nothing() -> None:
    agents = [agent("ada"), agent("bob")]
    found = plan([ticket(1), ticket(2)], agents, [], authors={"ada", "bob"}, spent={"ada"})
    assert [(one.ticket, one.agent) for one in found.assignments] == [(1, "bob")]


def test_a_kept_ticket_goes_to_its_keeper_who_takes_no_other() -> None:
    agents, tickets = [agent("ada"), agent("bo")], [ticket(1), ticket(2), ticket(3)]
    made = plan(tickets, agents, [], authors=NAMES, kept={"bo": (2,)})
    assert {(a.ticket, a.agent) for a in made.assignments} == {(1, "ada"), (2, "bo")}
    alone = plan([ticket(1)], [agent("bo")], [], authors=NAMES, kept={"bo": (2,)})
    assert (alone.assignments, dict(alone.stuck)) == ((), {})


def test_a_kept_ticket_waits_for_its_keeper_and_says_so() -> None:
    busy = plan([ticket(2)], [agent("ada"), agent("bo")], [run("bo", ticket=5)], authors=NAMES, kept={"bo": (2,)})
    assert (busy.assignments, dict(busy.stuck)) == ((), {}), "it comes free"
    held = plan([ticket(2)], [agent("ada"), agent("bo", paused=True)], [], authors=NAMES, kept={"bo": (2,)})
    assert held.assignments == ()
    assert held.stuck == {2: "kept for bo, who takes no work now"}
    two = plan([ticket(2)], [agent("ada"), agent("bo", paused=True)], [], authors=NAMES, kept={"bo": (2,), "ada": (2,)})
    assert [(a.ticket, a.agent) for a in two.assignments] == [(2, "ada")]


def test_who_does_not_take_tickets_keeps_none() -> None:
    made = plan([ticket(2)], [agent("ada")], [], authors=("ada",), kept={"rev": (2,)})
    assert [(a.ticket, a.agent) for a in made.assignments] == [(2, "ada")]


def test_a_divided_ticket_is_nobodys_and_completed_when_all_its_parts_have_shipped() -> None:
    parts = [ticket(2, TicketState.SHIPPED), ticket(3)]
    whole = ticket(1, parts=(2, 3))
    found = plan([whole, *parts], [agent("ada")], [], authors={"ada"})
    assert [(one.ticket, one.agent) for one in found.assignments] == [(3, "ada")]
    assert completed([whole, *parts]) == []
    shipped = [ticket(2, TicketState.SHIPPED), ticket(3, TicketState.SHIPPED)]
    assert completed([whole, *shipped]) == [whole]
    assert completed([ticket(1, TicketState.DRAFT, parts=(2, 3)), *shipped])
    assert completed([ticket(1, TicketState.SHIPPED, parts=(2, 3)), *shipped]) == []
    assert completed([ticket(1), *shipped]) == []


def test_a_divided_ticket_whose_part_was_closed_or_waits_for_it_is_told() -> None:
    closed = plan([ticket(1, parts=(2,)), ticket(2, TicketState.CLOSED)], [agent("ada")], [], authors={"ada"})
    assert closed.stuck == {1: "its part #2 was closed without a merge"}
    ring = plan([ticket(1, parts=(2,)), ticket(2, depends_on=(1,))], [agent("ada")], [], authors={"ada"})
    assert ring.stuck[2] == "depends on itself: #2 → #1 → #2"
    assert plan([ticket(1, parts=(7,))], [agent("ada")], [], authors={"ada"}).stuck == {}
