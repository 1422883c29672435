"""Runs of agents: from the queue to the end."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import Payload


@dataclass(frozen=True, slots=True)
class RunQueued(Payload, kind="run_queued"):
    """An agent is to work. ``trigger`` is the kind its subscription matched; ``instructions`` go into the prompt."""

    run: str
    agent: str
    role: str
    vendor: str
    model: str | None
    trigger: str
    ticket: int | None = None
    pr: int | None = None
    head_sha: str | None = None
    round: int = 1
    attempt: int = 1
    previous: str | None = None
    instructions: str = ""
    not_before_ns: int = 0
    lens: str = ""
    """What a reviewer is to look for; see ``reviews.lenses``."""
    held: bool = False
    """It replaces a run that was lost with many others: it begins when a person restores it."""


@dataclass(frozen=True, slots=True)
class RunStarted(Payload, kind="run_started"):
    """The run's processes exist. ``token_sha`` is the SHA-256 of its capability token.

    ``memory_mb``: what they may take together; ``memory_by``: who holds them there, ``watcher`` (its runner measures,
    and freezes them) or ``kernel`` (besides, the kernel lets them have no more than a quarter above it).
    """

    run: str
    session: str
    pane_uuid: str
    workspace: str
    branch: str
    base_sha: str
    isolation: str
    agent_epoch: int
    token_sha: str
    memory_mb: int | None = None
    memory_by: str = ""


@dataclass(frozen=True, slots=True)
class RunStateChanged(Payload, kind="run_state_changed"):
    """What the run does now.

    ``source`` is where that was learnt: runner, bus, hook, file, title, screen, operator, rule.
    """

    run: str
    state: str
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunMetered(Payload, kind="run_metered"):
    """Run time bought so far, in prepaid slices; time suspended, frozen or waiting for a person is not counted.

    ``settled``: the run has ended, and its runner says how long it took; what was bought beyond that is given back.
    """

    run: str
    agent: str
    charged_ms: int
    settled: bool = False


@dataclass(frozen=True, slots=True)
class RunMemoryLimited(Payload, kind="run_memory_limited"):
    """The run may take ``memory_mb`` of memory from now on; null: what it wants.

    ``by``: who holds it there, as in ``run_started``; ``given``: a person gave it so much, else it is configured.
    """

    run: str
    agent: str
    memory_mb: int | None
    by: str
    reason: str
    given: bool = False


@dataclass(frozen=True, slots=True)
class MemoryExhausted(Payload, kind="memory_exhausted"):
    """The run takes ``used_mb`` and may take ``memory_mb``: it is frozen until a person gives it more or ends it."""

    run: str
    agent: str
    used_mb: int
    memory_mb: int


@dataclass(frozen=True, slots=True)
class RunFinished(Payload, kind="run_finished"):
    """The run's processes are gone. ``outcome`` is finished, failed or stopped."""

    run: str
    outcome: str
    exit_code: int | None
    signal: int | None
    active_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunCrashed(Payload, kind="run_crashed"):
    """The run ended without having been asked to and without having done its part."""

    run: str
    exit_code: int | None
    signal: int | None
    active_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class AgentRespawned(Payload, kind="agent_respawned"):
    """A crashed run was replaced by ``run`` after a back-off; or a person had it started again (``by``)."""

    agent: str
    run: str
    previous: str
    attempt: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class RunRestored(Payload, kind="run_restored"):
    """A person lets ``run`` begin, which was held: it goes on with the work of ``previous``, a run that was lost."""

    run: str
    agent: str
    previous: str


@dataclass(frozen=True, slots=True)
class SessionStarted(Payload, kind="session_started"):
    """The vendor's program of a run works in this session of its own, which a later run may take up again."""

    run: str
    agent: str
    vendor: str
    session: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ScreenUnmatched(Payload, kind="screen_unmatched"):
    """No detection rule knew the screen of a run for a while. ``version`` of its program, where that is known."""

    run: str
    agent: str
    vendor: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ContextFilled(Payload, kind="context_filled"):
    """How full the context of the run's session is, by its program's own figures: told when that has moved visibly.

    Tokens; ``window`` None: the program does not say how large it is. ``source``: ``statusline``, ``transcript``,
    ``rollout``, ``chat``.
    """

    run: str
    agent: str
    used: int
    window: int | None
    source: str
