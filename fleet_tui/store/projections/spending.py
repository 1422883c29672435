"""The ledgers: what runs, tickets, agents, roles and the fleet used, in total and by week, day and hour (UTC); and what
the requests of each run to each model cost, by the hour."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from fleet_tui.domain.amounts import FULL, UNITS
from fleet_tui.domain.costs import UNTOLD, CostCell
from fleet_tui.domain.events import BudgetExtended, Event, Payload, UsageReported, payload_of
from fleet_tui.domain.spending import Spending, chain, window_start_ns
from fleet_tui.store.projections.base import Apply, agent_row, change_agent
from fleet_tui.store.tables import COST, RUN, SPENDING, Row, Tables

KEPT = ("total", "week", "day", "hour")
"""The windows that are added up; hours tell how fast it goes."""


def used(tables: Tables, event: Event) -> None:
    """A report of an unknown run counts for the fleet all the same."""
    usage = payload_of(event, UsageReported)
    run = tables.get(RUN, usage.run)
    tokens = {name: getattr(usage, name) for name in ("input_tokens", "output_tokens", "cache_read", "cache_write")}
    untold = usage.cost_source == UNTOLD
    counted = any(tokens.values()) or untold
    amounts = {
        **tokens,
        "microusd": usage.cost_microusd or 0,
        "estimated": int(usage.cost_source == "table"),
        "unpriced": int(counted and usage.cost_microusd is None),
        "turns": _new_turns(tables, usage),
    }
    if run is None:
        run = {"id": usage.run, "agent": usage.agent, "role": agent_row(tables, usage.agent)["role"], "ticket": None}
    spend(tables, event, run, **amounts)
    if counted or usage.cost_microusd:  # a turn alone is no request
        _cost(tables, event, usage, run["ticket"])


def _cost(tables: Tables, event: Event, usage: UsageReported, ticket: int | None) -> None:
    known = usage.cost_microusd is not None or usage.cost_source == UNTOLD
    source = usage.cost_source if known else "unknown"
    key = (usage.run, usage.model, source, window_start_ns("hour", event.at_ns))
    row = tables.get(COST, *key) or dataclasses.asdict(CostCell(*key, agent=usage.agent, ticket=ticket))
    more = {
        "requests": 1,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "reasoning_tokens": usage.reasoning_tokens or 0,
        "reasoned": int(usage.reasoning_tokens is not None),
        "microusd": usage.cost_microusd or 0,
    }
    tables.put(COST, _added(row, more))


def _new_turns(tables: Tables, usage: UsageReported) -> int:
    """Turns are numbered within their run: a number that was said before adds nothing."""
    row = tables.get(SPENDING, "run", usage.run, "total", 0)
    return max(0, usage.turn - (row["turns"] if row else 0))


def spend(tables: Tables, event: Event, run: Row, **amounts: int) -> None:
    """Adds ``amounts`` to every cell that ``run`` spends from."""
    for key in _cells(run, event.at_ns):
        row = _cell(tables, key, event)
        tables.put(SPENDING, _added(row, amounts))


def _added(row: Row, amounts: Mapping[str, int]) -> Row:
    """A cell that is full stays so: the next who spends from it must still be recorded."""
    return {**row, **{name: min(FULL, row[name] + amount) for name, amount in amounts.items()}}


def give_back(tables: Tables, event: Event, run: Row, run_ms: int) -> None:
    """Bought time that was not used. A window gives back no more than this run bought in it."""
    for window in KEPT:
        start_ns = window_start_ns(window, event.at_ns)
        bought = tables.get(SPENDING, "run", run["id"], window, start_ns)
        amount = min(run_ms, bought["run_ms"] if bought else 0)
        for scope, name in _chain(run):
            row = tables.get(SPENDING, scope, name, window, start_ns)
            if row is not None and amount:
                tables.put(SPENDING, {**row, "run_ms": max(0, row["run_ms"] - amount)})


def extended(tables: Tables, event: Event) -> None:
    extension = payload_of(event, BudgetExtended)
    if extension.agent:
        extended_s = agent_row(tables, extension.agent)["extended_s"] + extension.extra_s
        change_agent(tables, extension.agent, extended_s=extended_s)
    key = (extension.scope, extension.name, extension.window, extension.start_ns)
    unit, extra = extension.unit, extension.extra
    if not extension.name:
        key, unit, extra = ("agent", extension.agent, "total", 0), "seconds", extension.extra_s
    if unit in UNITS:
        row = _cell(tables, key, event)
        tables.put(SPENDING, _added(row, {f"more_{unit}": extra}))


def _cells(run: Row, at_ns: int) -> Iterator[tuple[str, str, str, int]]:
    for window in KEPT:
        start_ns = window_start_ns(window, at_ns)
        for scope, name in _chain(run):
            yield scope, name, window, start_ns


def _chain(run: Row) -> tuple[tuple[str, str], ...]:
    return chain(run["id"], run["agent"], run["role"], run["ticket"])


def _cell(tables: Tables, key: tuple[str, str, str, int], event: Event) -> Row:
    return tables.get(SPENDING, *key) or dataclasses.asdict(Spending(*key, first_ns=event.at_ns))


APPLY: dict[type[Payload], Apply] = {UsageReported: used, BudgetExtended: extended}
