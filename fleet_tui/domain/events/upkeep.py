"""Git, effects on the world, and the fleet itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class WorkspaceCreated(Payload, kind="workspace_created"):
    ticket: int
    branch: str
    base_sha: str
    path: str


@dataclass(frozen=True, slots=True)
class WorkspaceRemoved(Payload, kind="workspace_removed"):
    """``backup_ref`` in the control repository keeps what the workspace held."""

    ticket: int
    path: str
    backup_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class TargetMoved(Payload, kind="target_moved"):
    """The target branch moved. ``source``: ``merge`` (we landed), ``user`` (a person committed), ``forge`` (there).
    ``repo`` is which of `repos`; empty: the fleet's home."""

    target: str
    old_sha: str
    new_sha: str
    source: str
    repo: str = ""


@dataclass(frozen=True, slots=True)
class TargetPublished(Payload, kind="target_published"):
    """The user's repository has the landed commits. ``how``: fast-forward of the checkout, or of the ref alone.
    ``repo`` is which of `repos`; empty: the fleet's home."""

    target: str
    sha: str
    how: str
    repo: str = ""


@dataclass(frozen=True, slots=True)
class EffectPlanned(Payload, kind="effect_planned"):
    """An act on the world is due. ``effect_class`` says how a repeat is prevented (see domain.states.EffectClass)."""

    effect: str
    name: str
    effect_class: str
    target: str
    precondition: dict[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectAttempted(Payload, kind="effect_attempted"):
    """Written before the world is touched; ``fence`` grows with every attempt."""

    effect: str
    fence: int


@dataclass(frozen=True, slots=True)
class EffectDone(Payload, kind="effect_done"):
    effect: str
    fence: int
    result: str = ""


@dataclass(frozen=True, slots=True)
class EffectFailed(Payload, kind="effect_failed"):
    """``retry`` false means that it will not be tried again."""

    effect: str
    fence: int
    error: str
    retry: bool = False


@dataclass(frozen=True, slots=True)
class EffectUncertain(Payload, kind="effect_uncertain"):
    """The watcher died between attempt and result; it is probed, never blindly repeated."""

    effect: str
    fence: int


@dataclass(frozen=True, slots=True)
class ConfigLoaded(Payload, kind="config_loaded"):
    """A configuration is in force. ``agents``: name, role, vendor, model, enabled, max_concurrent, budget_s, …

    ``budgets``: every rule that limits what is spent: scope, name, unit, ceiling, window, warn_permille, grace_s.
    """

    sha: str
    policy: str
    agents: list[dict[str, JSON]]
    budgets: list[dict[str, JSON]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConfigRejected(Payload, kind="config_rejected"):
    """A changed configuration has errors; the last good one stays in force."""

    problems: list[str]


@dataclass(frozen=True, slots=True)
class ScheduleFired(Payload, kind="schedule_fired"):
    agent: str
    schedule: str
    due_ns: int


@dataclass(frozen=True, slots=True)
class WatcherStarted(Payload, kind="watcher_started"):
    version: str
    pid: int
    host: str
    boot: str
    isolation: str


@dataclass(frozen=True, slots=True)
class IsolationChanged(Payload, kind="isolation_changed"):
    """What holds agents in that start from now on, and why it is no more or no less."""

    isolation: str
    why: str


@dataclass(frozen=True, slots=True)
class WatcherStopped(Payload, kind="watcher_stopped"):
    reason: str


@dataclass(frozen=True, slots=True)
class TmuxLost(Payload, kind="tmux_lost"):
    """The agents' tmux server died. ``runs`` are those that were in it.

    ``cause``: tmux, or host where that was restarted. ``asks``: a person is asked before any of them starts again.
    """

    runs: list[str]
    cause: str = "tmux"
    asks: bool = False


@dataclass(frozen=True, slots=True)
class BodyErased(Payload, kind="body_erased"):
    """Text was overwritten in the payload of event ``seq``; ``replacement`` is the salted hash of the new body."""

    seq: int
    event: str
    replacement: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperatorActed(Payload, kind="operator_acted"):
    """A person's command that has no event of its own. ``act`` names it, ``data`` holds its arguments."""

    act: str
    data: JSON = None
