"""Budgets as a screen shows them: everybody who has one, the tightest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fleet_tui.domain.conditions import rules_for
from fleet_tui.domain.costs import CostCell
from fleet_tui.domain.events import BudgetExhausted, BudgetWarning, Event
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.spending import FLEET, HOUR_NS, Spending, chain, rules_of, window_start_ns
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.store.reader import EventFilter, Reader

_RECENT, _LISTED = 400, 40
COST_DAYS = 7
"""How far back the screen of budgets tells of costs."""
_DAY_NS = 24 * HOUR_NS
_SPENDING = (RunState.STARTING, RunState.RUNNING)
"""Runs in other states wait: for a person, for a budget, to be let go on."""


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
    working = {
        drawn for run in runs if run.state in _SPENDING for drawn in chain(run.id, run.agent, run.role, run.ticket)
    }
    return sorted(standings(rules, cells, subjects, now_ns, working), key=tightness, reverse=True)


@dataclass(frozen=True, slots=True)
class BudgetBoard:
    """What the screen of budgets shows; ``today`` is what the fleet used since midnight (None: nothing yet).

    ``costs``: of the last :data:`COST_DAYS` days; ``roles``: by agent.
    """

    standings: tuple[Standing, ...] = ()
    today: Spending | None = None
    costs: tuple[CostCell, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    def standing(self, key: str | None) -> Standing | None:
        return next((standing for standing in self.standings if identity(standing) == key), None)

    def costs_of(self, standing: Standing | None) -> tuple[CostCell, ...]:
        """What was asked of models on this budget; all of the fleet's without one."""
        if standing is None or standing.rule.scope == "fleet":
            return self.costs
        return tuple(cell for cell in self.costs if self._subject(cell, standing.rule.scope) == standing.name)

    def _subject(self, cell: CostCell, scope: str) -> str | None:
        subjects = {"run": cell.run, "agent": cell.agent, "role": self.roles.get(cell.agent)}
        return str(cell.ticket) if scope == "ticket" else subjects.get(scope)


@dataclass(frozen=True, slots=True)
class BudgetStory:
    """What became of one budget. ``runs`` are those that spend from it in its window, with what each used in all."""

    warned_ns: int | None
    exhausted_ns: int | None
    runs: tuple[tuple[Run, Spending | None], ...]


def identity(standing: Standing) -> str:
    """Tells a rule on one subject from all others, also when it is extended or its window begins anew."""
    rule = standing.rule
    return f"{rule.scope}:{standing.name}:{rule.unit}:{rule.window}:{rule.name}:{rule.ceiling}"


def read_board(reader: Reader, now_ns: int) -> BudgetBoard:
    """Every budget once, the tightest first."""
    found = {identity(standing): standing for standing in reversed(read_budgets(reader, now_ns))}
    cells = reader.spending(window_start_ns("hour", now_ns))
    return BudgetBoard(
        tuple(reversed(found.values())),
        cells.get((FLEET, FLEET, "day", window_start_ns("day", now_ns))),
        tuple(reader.costs(now_ns - COST_DAYS * _DAY_NS)),
        {agent.name: agent.role for agent in reader.agents()},
    )


def read_story(reader: Reader, standing: Standing) -> BudgetStory:
    """When it warned and ended, and who spends from it."""
    rule = standing.rule
    with reader.snapshot():
        kinds = (BudgetWarning.kind, BudgetExhausted.kind)
        told = reader.events(EventFilter(kinds=kinds, subjects=(standing.subject,)), limit=100)
        ticket = int(standing.name) if rule.scope == "ticket" and standing.name.isdecimal() else None
        agent = standing.name if rule.scope == "agent" else None
        recent = reader.runs(agent=agent, ticket=ticket, limit=_RECENT)
        runs = tuple(run for run in recent if _spends(run, standing))[:_LISTED]
        cells = reader.spending(standing.start_ns, runs) if runs else {}
    window = [event for event in told if _is_about(event, standing)]
    at = {event.kind: event.at_ns for event in window}
    used = ((run, cells.get(("run", run.id, "total", 0))) for run in runs)
    ranked = sorted(used, key=lambda pair: pair[1].used(rule.unit) if pair[1] else 0, reverse=True)
    return BudgetStory(at.get(BudgetWarning.kind), at.get(BudgetExhausted.kind), tuple(ranked))


def _spends(run: Run, standing: Standing) -> bool:
    in_window = run.ended_ns is None or run.ended_ns >= standing.start_ns
    return in_window and (standing.rule.scope, standing.name) in chain(run.id, run.agent, run.role, run.ticket)


def _is_about(event: Event, standing: Standing) -> bool:
    """Of this rule, in its present window and at its present ceiling."""
    wanted = (standing.rule.unit, standing.rule.window, standing.start_ns, standing.ceiling)
    return tuple(event.payload.get(name) for name in ("unit", "window", "start_ns", "ceiling")) == wanted


def tightness(standing: Standing) -> int:
    """Share of the ceiling used, in a thousandth."""
    return standing.used * 1000 // max(1, standing.ceiling)


def of_agent(found: Iterable[Standing], agent: str, role: str, run: Run | None) -> tuple[Standing, ...]:
    """The budgets that an agent spends from, the one that will stop it first at the front."""
    drawn = chain(run.id, agent, role, run.ticket) if run else (("agent", agent), ("role", role), ("fleet", "fleet"))
    own = [standing for standing in found if (standing.rule.scope, standing.name) in drawn]
    return tuple(sorted(own, key=lambda s: (s.spent, tightness(s), s.rule.scope in ("run", "agent")), reverse=True))
