"""Budgets as a screen shows them: everybody who has one, the tightest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet_tui.domain.conditions import rules_for
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.spending import chain, rules_of, window_start_ns
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.store.reader import Reader


def read_budgets(reader: Reader, now_ns: int) -> list[Standing]:
    """Every rule in force against all that it covers: agents, their roles, the fleet, live and queued runs."""
    with reader.snapshot():
        runs = reader.runs(RunState.QUEUED, *LIVE_RUNS)
        return of_all(reader, reader.agents(), runs, now_ns)


def of_all(reader: Reader, agents: Iterable[Agent], runs: Sequence[Run], now_ns: int) -> list[Standing]:
    """The same for agents and runs that were read already."""
    agents = list(agents)
    rules = (*rules_of(reader.fleet().budgets), *rules_for(agents, runs))
    if not rules:
        return []
    subjects: list[tuple[str, str]] = [("fleet", "fleet")]
    for agent in agents:
        if agent.configured:
            subjects += [("agent", agent.name), ("role", agent.role)]
    for run in runs:
        subjects += chain(run.id, run.agent, run.role, run.ticket)
    cells = reader.spending(window_start_ns("hour", now_ns), tuple(runs))
    return sorted(standings(rules, cells, subjects, now_ns), key=tightness, reverse=True)


def tightness(standing: Standing) -> int:
    """Share of the ceiling used, in a thousandth."""
    return standing.used * 1000 // max(1, standing.ceiling)


def of_agent(found: Iterable[Standing], agent: str, role: str, run: Run | None) -> tuple[Standing, ...]:
    """The budgets that an agent spends from, the one that will stop it first at the front."""
    drawn = chain(run.id, agent, role, run.ticket) if run else (("agent", agent), ("role", role), ("fleet", "fleet"))
    own = [standing for standing in found if (standing.rule.scope, standing.name) in drawn]
    return tuple(sorted(own, key=lambda s: (s.spent, tightness(s), s.rule.scope in ("run", "agent")), reverse=True))
