"""Who takes which ticket. One run per ticket; a busy agent is never interrupted: the ticket simply stays ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fleet_tui.domain.model import Agent, Run, Ticket
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import LIVE_RUNS, RunState, TicketState

_OVER = frozenset({TicketState.SHIPPED, TicketState.CLOSED})
OCCUPYING = LIVE_RUNS | {RunState.QUEUED}


@dataclass(frozen=True, slots=True)
class Assignment:
    ticket: int
    agent: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``stuck`` maps a ticket to why it can never start as things are."""

    assignments: tuple[Assignment, ...]
    stuck: Mapping[int, str]


def plan(
    tickets: Sequence[Ticket],
    agents: Sequence[Agent],
    runs: Sequence[Run],
    *,
    authors: Collection[str],
    risky: Collection[str] = (),
    spent: Collection[str] = (),
    kept: Mapping[str, Collection[int]] = MappingProxyType({}),
    bound: Mapping[str, Collection[str]] = MappingProxyType({}),
    resting: Collection[int] = (),
) -> Plan:
    """Assign ready tickets to free authors: by priority, then number; the least busy agent first, then by name.

    ``authors`` are the names of the agents that subscribe to ready tickets. ``runs`` are all that are queued or alive.
    ``risky`` are the names of those whose work is of high risk, ``spent`` of those whose budget has no room: what they
    took would wait with them while others are free. ``kept`` are the tickets that some agents have for themselves: they
    take no others, and nobody else takes those. ``bound`` are the repositories that some agents take tickets of, as
    people name them, ``resting`` the tickets of repositories in which nothing begins now.
    """
    by_number = {t.number: t for t in tickets}
    busy: dict[str, int] = {}
    for run in runs:
        if run.state in OCCUPYING:
            busy[run.agent] = busy.get(run.agent, 0) + 1
    taken = {run.ticket for run in runs if run.state in OCCUPYING and run.agent in authors}
    free = {a.name: a for a in agents if a.name in authors and takes_work(a) and a.name not in spent}
    keepers = _keepers(kept, authors)
    present = {a.name: a for a in agents if a.configured}
    assignments, stuck = [], {}
    for ticket in sorted((t for t in tickets if t.state is TicketState.READY), key=lambda t: (t.priority, t.number)):
        mine = keepers.get(ticket.number)
        problem = dependency_problem(ticket, by_number) or _keeper_problem(mine, present)
        problem = problem or _place_problem(ticket, authors, bound)
        if problem:
            stuck[ticket.number] = problem
        if problem or not all(by_number[n].state is TicketState.SHIPPED for n in ticket.depends_on):
            continue
        if ticket.parts or ticket.number in taken or ticket.number in resting:
            continue  # somebody is at it, or about to be: a second one would work in the same files
        willing = (a for a in free.values() if (a.name in mine if mine is not None else not kept.get(a.name)))
        able = (a for a in willing if _works_in(a.name, ticket.repo, bound))
        candidates = [a for a in able if busy.get(a.name, 0) < places(a, risky)]
        if not candidates:
            continue
        chosen = min(candidates, key=lambda a: (busy.get(a.name, 0), a.name))
        busy[chosen.name] = busy.get(chosen.name, 0) + 1
        assignments.append(Assignment(ticket.number, chosen.name))
    return Plan(tuple(assignments), stuck)


def _keepers(kept: Mapping[str, Collection[int]], authors: Collection[str]) -> dict[int, set[str]]:
    """Ticket → the authors that it is kept for."""
    found: dict[int, set[str]] = {}
    for name, numbers in kept.items():
        for number in numbers if name in authors else ():
            found.setdefault(number, set()).add(name)
    return found


def _keeper_problem(names: Collection[str] | None, agents: Mapping[str, Agent]) -> str | None:
    """Why nobody of those that a ticket is kept for can be given it."""
    if names is None or any(name in agents and takes_work(agents[name]) for name in names):
        return None
    return f"kept for {', '.join(sorted(names))}, who takes no work now"


def _works_in(agent: str, repo: str, bound: Mapping[str, Collection[str]]) -> bool:
    return not bound.get(agent) or (repo or HOME) in bound[agent]


def _place_problem(ticket: Ticket, authors: Collection[str], bound: Mapping[str, Collection[str]]) -> str | None:
    """Why nobody can be given a ticket of its repository."""
    if not authors or any(_works_in(name, ticket.repo, bound) for name in authors):
        return None
    return f"nobody who takes tickets works in {ticket.repo or HOME}"


def places(agent: Agent, risky: Collection[str]) -> int:
    """How many runs an agent may have at the same time: one while its work is of high risk."""
    return min(1, agent.max_concurrent) if agent.name in risky else agent.max_concurrent


def takes_work(agent: Agent) -> bool:
    """Whether an agent may be given anything now."""
    return agent.configured and agent.enabled and not agent.quarantined and not agent.paused


def dependency_problem(ticket: Ticket, tickets: Mapping[int, Ticket]) -> str | None:
    """Why the dependencies of ``ticket``, or its parts, can never be met: unknown, closed, or a cycle."""
    for number in ticket.parts:
        # One that is not known yet was made this moment.
        if number in tickets and tickets[number].state is TicketState.CLOSED:
            return f"its part #{number} was closed without a merge"
    for number in ticket.depends_on:
        if number not in tickets:
            return f"depends on #{number}, which does not exist"
        if tickets[number].state is TicketState.CLOSED:
            return f"depends on #{number}, which was closed without a merge"
    cycle = _cycle_from(ticket.number, tickets)
    return f"depends on itself: {' → '.join(f'#{n}' for n in cycle)}" if cycle else None


def completed(tickets: Sequence[Ticket]) -> list[Ticket]:
    """The divided tickets of which every part has shipped, and which have not themselves."""
    shipped = {ticket.number for ticket in tickets if ticket.state is TicketState.SHIPPED}
    open_ones = (ticket for ticket in tickets if ticket.parts and ticket.state not in _OVER)
    return [ticket for ticket in open_ones if shipped.issuperset(ticket.parts)]


def _cycle_from(start: int, tickets: Mapping[int, Ticket]) -> list[int] | None:
    """A dependency path from ``start`` back to itself, if there is one (iterative: chains may be long)."""
    came_from: dict[int, int] = {}
    stack = [start]
    while stack:
        node = stack.pop()
        for nxt in (*tickets[node].depends_on, *tickets[node].parts) if node in tickets else ():
            if nxt == start:
                path = [start]
                while node != start:
                    path.append(node)
                    node = came_from[node]
                return [start, *reversed(path[1:]), start]
            if nxt not in came_from:
                came_from[nxt] = node
                stack.append(nxt)
    return None
