"""What a run may still spend, asked by whoever is about to let it do something."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.conditions import rules_for
from fleet_tui.domain.events import Blocker, BudgetReportAsked
from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import FLEET, Cells, Rule, Scope, chain
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance import budgets
from fleet_tui.governance.budgets import Asked
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs.ledger import brought_up

REPORT = "budget"
"""The purpose of the message that asks for a report: the one that is delivered to a run without a budget."""


def cells(ctx: Context, *more: Run) -> Cells:
    """The ledger, with the cells of the live runs and ``more``."""
    ctx.ledger = brought_up(ctx.ledger, ctx.reader, ctx.now_ns(), [*ctx.reader.runs(*LIVE_RUNS), *more])
    return ctx.ledger.cells


def rules(ctx: Context, *runs: Run) -> tuple[Rule, ...]:
    """The budgets of the configuration, and those on which the agents of ``runs`` were released from quarantine."""
    return (*ctx.settings.budget_rules, *rules_for(map(ctx.reader.agent, {run.agent for run in runs}), runs))


def of_run(ctx: Context, run: Run) -> list[Standing]:
    """Every budget that ``run`` spends from."""
    return budgets.of_run(run, rules(ctx, run), cells(ctx, run), ctx.now_ns())


def active_ms(ctx: Context, run: Run) -> int:
    """The run time that the runner told in this round; before that, all that was bought counts as used."""
    status = ctx.statuses.get(run.id)
    return status.active_ms if status is not None else run.charged_ms


def asked(ctx: Context, run: Run, found: list[Standing]) -> Asked | None:
    """The last request for a report that concerns a budget still used up, and whether it was answered."""
    keys = {standing.key for standing in found if standing.spent}
    kinds = EventFilter(kinds=(BudgetReportAsked.kind,), subjects=(f"run:{run.id}",))
    for event in reversed(ctx.reader.events(kinds, after=0, limit=1_000)) if keys else ():
        if event.payload["standing"] in keys:
            said = ctx.reader.events(EventFilter(kinds=(Blocker.kind,)), after=event.seq, limit=1_000)
            reported = any(blocker.payload["run"] == run.id for blocker in said)
            facts = event.payload
            return Asked(facts["standing"], facts["active_ms"], facts["grace_s"], reported)
    return None


def limit_ms(run: Run, found: list[Standing], asked: Asked | None, others: Iterable[Run]) -> int | None:
    """The run time at which the runner stops ``run`` by itself, whether or not we live to see it.

    ``found``: what it spends from; ``others``: who may draw on the same. None without a ceiling on run time.
    """
    if asked is not None and not asked.reported:
        return asked.until_ms
    shared = {(standing.rule.scope, standing.name) for standing in found if standing.room_ms is not None}
    sharing = sum(not shared.isdisjoint(drawn(other)) for other in others if other.id != run.id)
    return budgets.limit_ms(run.charged_ms, budgets.room_ms(found), 1 + sharing)


def first_limit_ms(ctx: Context, run: Run) -> int | None:
    """The :func:`limit_ms` of a run about to start: in force from its first instant, should we die in the next.

    Who is queued may be starting too: together they never get more than there is.
    """
    found = of_run(ctx, run)
    return limit_ms(run, found, None, ctx.reader.runs(*LIVE_RUNS, RunState.QUEUED))


def drawn(run: Run) -> tuple[tuple[Scope, str], ...]:
    """Whose budgets ``run`` spends from."""
    return chain(run.id, run.agent, run.role, run.ticket)


def refusal(ctx: Context, run: Run) -> str | None:
    """Why ``run`` may not go on now, or None: at its ceiling it may only report."""
    found = of_run(ctx, run)
    standing = budgets.to_name(budgets.binding(found, run, active_ms(ctx, run), asked(ctx, run, found)))
    if standing is None:
        return None
    return f"{describe(standing)}; say what is done and what is left with `fleet blocker`, and stop there"


def has_room(ctx: Context, run: Run) -> bool:
    """Whether a run that has not begun may begin."""
    return not any(standing.spent for standing in of_run(ctx, run))


def without_room(ctx: Context, agents: Iterable[AgentSettings]) -> frozenset[str]:
    """The names of those of ``agents`` who could begin nothing now: their own budget, their role's or the fleet's is
    used up."""
    agents = list(agents)
    subjects = [subject for agent in agents for subject in _of_agent(agent)]
    found = standings(rules(ctx), cells(ctx), subjects, ctx.now_ns()) if ctx.settings.budget_rules else []
    spent = {(standing.rule.scope, standing.name) for standing in found if standing.spent}
    return frozenset(agent.name for agent in agents if not spent.isdisjoint(_of_agent(agent)))


def _of_agent(agent: AgentSettings) -> tuple[tuple[Scope, str], ...]:
    return (("agent", agent.name), ("role", agent.role), ("fleet", FLEET))


def describe(standing: Standing) -> str:
    """``the budget of agent dev is used up: 40 s of 40 s (day)``."""
    rule = standing.rule
    whose = "the fleet" if rule.scope == "fleet" else f"{rule.scope} {standing.name}"
    amounts = f"{show_amount(rule.unit, standing.used)} of {show_amount(rule.unit, standing.ceiling)}"
    window = "" if rule.window == "total" else f" this {rule.window}"
    return f"the budget of {whose} is used up: {amounts}{window}"
