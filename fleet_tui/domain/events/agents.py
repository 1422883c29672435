"""What people and the watcher do with agents and their runs."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class AgentPaused(Payload, kind="agent_paused"):
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentResumed(Payload, kind="agent_resumed"):
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentQuarantined(Payload, kind="agent_quarantined"):
    """Latched until a person releases: identity refused, processes frozen, mail held; new ``agent_epoch``."""

    agent: str
    reason: str
    rule: str
    agent_epoch: int
    run: str | None = None


@dataclass(frozen=True, slots=True)
class AgentReleased(Payload, kind="agent_released"):
    """``run_budgets`` and ``risk_floor`` are the conditions, as in ``agent_conditions_changed``; null: as before."""

    agent: str
    reason: str
    agent_epoch: int
    run_budgets: list[JSON] | None = None
    risk_floor: int | None = None


@dataclass(frozen=True, slots=True)
class AgentConditionsChanged(Payload, kind="agent_conditions_changed"):
    """What each run of the agent may spend (rules as in ``config_loaded``) and its least risk (0: none)."""

    agent: str
    run_budgets: list[JSON]
    risk_floor: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunStopHeld(Payload, kind="run_stop_held"):
    """A person stops the run at ``until_ns``; until then it goes on, and that can be taken back. ``again``: the same
    work begins anew then."""

    run: str
    reason: str
    until_ns: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class RunStopUndone(Payload, kind="run_stop_undone"):
    """A held stop was taken back by a person, or is void because of ``reason``: the run goes on."""

    run: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunStopRequested(Payload, kind="run_stop_requested"):
    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunInterruptRequested(Payload, kind="run_interrupt_requested"):
    """A person ends the turn under way; the run stays. Recorded before ``key`` is pressed in its pane; what came of it
    follows: the effect, and the run's state once its screen shows no turn any more."""

    run: str
    key: str


@dataclass(frozen=True, slots=True)
class AgentsRevised(Payload, kind="agents_revised"):
    """Agents' definitions or prompts are others than before. ``revisions``: agent, revision (from 1), place (the file
    that defines it), definition and prompt (blobs; null: the agent is no more), whole (false: what its `env` holds was
    left out).

    ``act``: found, created, edited, removed, rolled back (to revision ``of``), or changed (in the files, by somebody).
    """

    act: str
    revisions: list[dict[str, JSON]]
    of: int | None = None


@dataclass(frozen=True, slots=True)
class TeamsRevised(Payload, kind="teams_revised"):
    """Teams have other members than before. ``revisions``: team, revision (from 1), place (the file that says so),
    agents (their names; null: the team is no more).

    ``act``: found, created, edited, removed, rolled back (to revision ``of``), or changed (in the files, by somebody).
    """

    act: str
    revisions: list[dict[str, JSON]]
    of: int | None = None
