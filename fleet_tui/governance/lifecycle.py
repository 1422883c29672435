"""Restarts after crashes, and containment."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.model import Agent, Run
from fleet_tui.settings.schema import Settings

LOST = "lost: "
"""How the reason of a run begins that ended with its surroundings (tmux server, host): no fault of the agent's."""
MOST_LOSSES = 10
"""Replacements of one piece of work after losses; something is wrong that no further start will mend."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The next attempt and the instant before which it must not start."""

    attempt: int
    not_before_ns: int


def restart_after(
    run: Run, settings: Settings, now_ns: int, *, losses: int = 0, at_limit: bool = False
) -> Restart | None:
    """When a crashed run is replaced; None when its attempts are used up and a person must look.

    ``losses`` counts the runs of this piece of work that were lost, this one included: a loss is no attempt of the
    agent's, so it does not use one up, but it has a bound and a back-off of its own. ``at_limit``: its program ended
    because its account was at its usage limit: no attempt either, and who may begin when is decided there.
    """
    if at_limit:
        return Restart(run.attempt, now_ns)
    lost = run.state_reason.startswith(LOST)
    if losses > MOST_LOSSES or (not lost and run.attempt >= settings.limits.restart_attempts):
        return None
    steps = settings.limits.restart_backoff_s
    nth = losses if lost else run.attempt
    wait_s = steps[min(max(1, nth), len(steps)) - 1] if steps else 0
    return Restart(run.attempt + (not lost), now_ns + round(wait_s * 1_000_000_000))


def ends_in_words(run: Run, losses: int) -> str:
    """``crashed 3 times``: how often the piece of work of ``run``, which crashed or was lost, came to such an end."""
    crashes = run.attempt - run.state_reason.startswith(LOST)  # each but the last of its attempts ended in a crash
    crashed = f"crashed {_times(crashes)}" if crashes else ""
    lost = f"was lost {_times(losses)}" if losses else ""
    return " and ".join(filter(None, (crashed, lost)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def containment_reason(agent: Agent, settings: Settings) -> str | None:
    """Why an agent must be quarantined by rule, or None."""
    limit = settings.limits.denials_to_quarantine
    if agent.quarantined or limit == 0 or agent.denials < limit:
        return None
    return f"{agent.denials} acts denied by policy (limit {limit})"
