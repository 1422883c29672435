"""The conditions on which an agent was released from quarantine: what each of its runs may spend, and a least risk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from fleet_tui.domain.amounts import parse_amount, show_amount
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.spending import Rule, rules_of

_IN_WORDS = re.compile(r"(?P<what>budget|risk)\s+(?P<value>.+)", re.IGNORECASE)


def run_budget(text: str) -> dict[str, Any]:
    """The rule that each run may spend ``text``: ``10m``, ``500k``, ``$2.00``, ``20 turns``; a bare number is seconds.

    Raises:
        ValueError: it is no amount above 0.
    """
    unit, amount = parse_amount(text)
    if amount < 1:
        raise ValueError("an amount must be above 0")
    return Rule("run", "*", unit or "seconds", amount).as_dict()


def rules_for(agents: Iterable[Agent | None], runs: Sequence[Run]) -> tuple[Rule, ...]:
    """A rule of its own for each of ``runs`` whose agent is among ``agents`` and under conditions."""
    budgets = {agent.name: rules_of(agent.run_budgets) for agent in agents if agent is not None and agent.run_budgets}
    return tuple(replace(rule, name=run.id) for run in runs for rule in budgets.get(run.agent, ()))


def describe(budgets: Sequence[Any], risk_floor: int) -> str:
    """``each run at most 10m00, $2.00; risk at least 40``; "" without conditions."""
    ceilings = ", ".join(show_amount(rule.unit, rule.ceiling) for rule in rules_of(budgets))
    found = [f"each run at most {ceilings}"] if ceilings else []
    return "; ".join([*found, f"risk at least {risk_floor}"] if risk_floor else found)


def in_words(text: str) -> tuple[str, list[str], int | None]:
    """A reason with conditions behind it, ``a test key; budget 10m; risk 40``, as (reason, amounts, least risk).

    Only what stands at the end and is well-formed is a condition; all else is reason.
    """
    parts = text.split(";")
    amounts: list[str] = []
    floor: int | None = None
    while len(parts) > 1:
        found = _IN_WORDS.fullmatch(parts[-1].strip())
        if found is None:
            break
        if found["what"].lower() == "risk":
            if not found["value"].isdecimal():
                break
            floor = int(found["value"]) if floor is None else floor
        else:
            try:
                run_budget(found["value"])
            except ValueError:
                break
            amounts.insert(0, found["value"].strip())
        parts.pop()
    return ";".join(parts).strip(), amounts, floor
