"""Restarts after crashes, containment, and run-time budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fleet_tui.domain.model import Agent, Run
from fleet_tui.settings.schema import Settings

LOST = "lost: "
"""How the reason of a run begins that ended with its surroundings (tmux server, host): no fault of the agent's."""
MOST_LOSSES = 10
"""Replacements of one piece of work after losses; something is wrong that no further start will mend."""
SLICE_MS = 10_000
"""Run time is bought in prepaid slices: a crash forfeits the rest of one slice, and nothing is ever under-charged."""
_WARN_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Restart:
    """The next attempt and the instant before which it must not start."""

    attempt: int
    not_before_ns: int


def restart_after(run: Run, settings: Settings, now_ns: int, *, losses: int = 0) -> Restart | None:
    """When a crashed run is replaced; None when its attempts are used up and a person must look.

    ``losses`` counts the runs of this piece of work that were lost, this one included: a loss is no attempt of the
    agent's, so it does not use one up, but it has a bound and a back-off of its own.
    """
    lost = run.state_reason.startswith(LOST)
    if losses > MOST_LOSSES or (not lost and run.attempt >= settings.limits.restart_attempts):
        return None
    steps = settings.limits.restart_backoff_s
    nth = losses if lost else run.attempt
    wait_s = steps[min(max(1, nth), len(steps)) - 1] if steps else 0
    return Restart(run.attempt + (not lost), now_ns + round(wait_s * 1_000_000_000))


def containment_reason(agent: Agent, settings: Settings) -> str | None:
    """Why an agent must be quarantined by rule, or None."""
    limit = settings.limits.denials_to_quarantine
    if agent.quarantined or limit == 0 or agent.denials < limit:
        return None
    return f"{agent.denials} acts denied by policy (limit {limit})"


def ceiling_ms(agent: Agent) -> int | None:
    """The agent's run-time ceiling with extensions, or None without a budget."""
    return None if agent.budget_s is None else (agent.budget_s + agent.extended_s) * 1000


def slices_to_buy(run: Run, active_ms: int) -> int:
    """The new ``charged_ms`` of a run that has been active for ``active_ms``: always ahead, in whole slices."""
    return max(run.charged_ms, (active_ms // SLICE_MS + 1) * SLICE_MS)


def budget_state(agent: Agent) -> Literal["fine", "warn", "exhausted"]:
    """Where the agent stands against its run-time budget."""
    ceiling = ceiling_ms(agent)
    if ceiling is None or agent.charged_ms < ceiling * _WARN_SHARE:
        return "fine"
    return "exhausted" if agent.charged_ms >= ceiling else "warn"
