"""The event vocabulary: one frozen dataclass per kind, and the envelope they travel in.

A payload holds JSON values only (text, integers, booleans, lists, maps). Instants are integer nanoseconds UTC
(``*_ns``), durations carry their unit (``*_ms``, ``*_s``). Kinds that this version does not know are kept, shown, and
change no table.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

JSON = Any
"""Text, int, bool, None, or lists and maps of them. No floats: their canonical form differs between languages."""

PAYLOADS: dict[str, type[Payload]] = {}
"""Every known kind and the type of its payload."""


class Payload:
    """Base of all payloads; a subclass registers itself under its ``kind``."""

    __slots__ = ()
    kind: ClassVar[str]

    def __init_subclass__(cls, *, kind: str | None = None) -> None:
        super().__init_subclass__()
        # `@dataclass(slots=True)` makes the class anew, without the keyword: the later registration is the real one.
        if kind is not None:
            cls.kind = kind
        PAYLOADS[cls.kind] = cls

    def as_dict(self) -> dict[str, JSON]:
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended.

    ``key`` is the idempotency key: appending a second draft with the same key changes nothing and returns the first
    event. ``actor`` is stamped by the watcher from the caller's identity: ``watcher``, ``operator:<user>``,
    ``agent:<name>/<run>``.
    ``subject`` is what the event is about: ``ticket:3``, ``run:<id>``, ``pr:2``, ``agent:<name>``, ``fleet``.
    ``cause`` is the id of the event that led to this one.
    """

    kind: str
    payload: dict[str, JSON]
    subject: str
    actor: str = "watcher"
    cause: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event. ``seq`` is gapless; ``hash`` covers ``previous`` and a salted hash of the payload."""

    seq: int
    id: str
    at_ns: int
    host: str
    kind: str
    actor: str
    subject: str
    cause: str | None
    key: str | None
    epoch: int
    payload: dict[str, JSON]
    previous: str
    hash: str


def draft(
    payload: Payload, subject: str, *, actor: str = "watcher", cause: str | None = None, key: str | None = None
) -> Draft:
    """A draft of a typed payload."""
    return Draft(payload.kind, payload.as_dict(), subject, actor, cause, key)


def payload_of(event: Event | Draft, kind: type[P]) -> P:
    """The typed payload of ``event``; fields of a newer version are ignored.

    Raises:
        TypeError: a required field is missing.
    """
    names = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in event.payload.items() if name in names})


# -- tickets ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TicketCreated(Payload, kind="ticket_created"):
    """A ticket was seen for the first time. Its body is a blob: ``body_sha`` is the SHA-256 of the UTF-8 bytes.
    ``scope`` are patterns of where the work is expected to stay; empty: not said."""

    ticket: int
    title: str
    excerpt: str
    body_sha: str
    labels: list[str]
    depends_on: list[int]
    priority: int
    scope: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TicketChanged(Payload, kind="ticket_changed"):
    """Title, body, labels, dependencies, priority or scope of a ticket differ from what was recorded."""

    ticket: int
    title: str
    excerpt: str
    body_sha: str
    labels: list[str]
    depends_on: list[int]
    priority: int
    scope: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TicketReady(Payload, kind="ticket_ready"):
    """The ticket carries the ready label and may be taken."""

    ticket: int


@dataclass(frozen=True, slots=True)
class TicketWithdrawn(Payload, kind="ticket_withdrawn"):
    """The ready label was taken away before work began."""

    ticket: int


@dataclass(frozen=True, slots=True)
class TicketClaimed(Payload, kind="ticket_claimed"):
    """A run took the ticket."""

    ticket: int
    agent: str
    run: str


@dataclass(frozen=True, slots=True)
class TicketBlocked(Payload, kind="ticket_blocked"):
    """The ticket waits for a person. ``question`` names the open question, if there is one."""

    ticket: int
    reason: str
    question: str | None = None


@dataclass(frozen=True, slots=True)
class TicketUnblocked(Payload, kind="ticket_unblocked"):
    """A person let the ticket go on."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class TicketShipped(Payload, kind="ticket_shipped"):
    """The ticket's pull request has landed on the target branch."""

    ticket: int
    pr: int
    merge_sha: str


@dataclass(frozen=True, slots=True)
class TicketClosed(Payload, kind="ticket_closed"):
    """The ticket ended without a merge."""

    ticket: int
    reason: str


# -- runs ------------------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class RunStarted(Payload, kind="run_started"):
    """The run's processes exist. ``token_sha`` is the SHA-256 of its capability token."""

    run: str
    session: str
    pane_uuid: str
    workspace: str
    branch: str
    base_sha: str
    isolation: str
    agent_epoch: int
    token_sha: str


@dataclass(frozen=True, slots=True)
class RunStateChanged(Payload, kind="run_state_changed"):
    """What the run does now. ``source`` is where that was learnt: runner, bus, hook, screen, operator, rule."""

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
    """A crashed run was replaced by ``run`` after a back-off."""

    agent: str
    run: str
    previous: str
    attempt: int


# -- agents ----------------------------------------------------------------------------------------------------------


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
class RunStopRequested(Payload, kind="run_stop_requested"):
    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunInterruptRequested(Payload, kind="run_interrupt_requested"):
    """A person ends the turn under way; the run stays. Recorded before ``key`` is pressed in its pane; what came of it
    follows: the effect, and the run's state once its screen shows no turn any more."""

    run: str
    key: str


# -- what agents say -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note(Payload, kind="note"):
    """Something worth remembering. ``to`` names agents whose inbox gets it."""

    summary: str
    run: str | None = None
    ticket: int | None = None
    pr: int | None = None
    data: JSON = None
    to: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Claim(Payload, kind="claim"):
    """An agent announces what it works on (files, parts), so that others keep off."""

    summary: str
    run: str | None = None
    ticket: int | None = None
    pr: int | None = None
    data: JSON = None
    to: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Handoff(Payload, kind="handoff"):
    """An agent passes work on to the agents in ``to``."""

    summary: str
    run: str | None = None
    ticket: int | None = None
    pr: int | None = None
    data: JSON = None
    to: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Artifact(Payload, kind="artifact"):
    """An agent produced something: ``data`` tells path and kind."""

    summary: str
    run: str | None = None
    ticket: int | None = None
    pr: int | None = None
    data: JSON = None
    to: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Blocker(Payload, kind="blocker"):
    """An agent cannot go on without a person: the ticket is too thin, or it asks a question."""

    question: str
    summary: str
    run: str
    agent: str
    ticket: int | None = None
    pr: int | None = None
    data: JSON = None


@dataclass(frozen=True, slots=True)
class QuestionAnswered(Payload, kind="question_answered"):
    question: str
    text: str
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class QuestionWithdrawn(Payload, kind="question_withdrawn"):
    """Nobody waits for the answer any more: the run that asked was stopped."""

    question: str
    reason: str


@dataclass(frozen=True, slots=True)
class MailAcknowledged(Payload, kind="mail_acknowledged"):
    """An agent has read its inbox up to and including event ``seq``."""

    agent: str
    seq: int


@dataclass(frozen=True, slots=True)
class MessageSent(Payload, kind="message_sent"):
    """A text for the pane of a run (prompts, answers, a person's messages). The text is a blob when it is long."""

    message: str
    run: str
    purpose: str
    text: str
    text_sha: str | None = None


@dataclass(frozen=True, slots=True)
class MessageDelivered(Payload, kind="message_delivered"):
    """A receipt: typed, submitted, taken_up, failed or uncertain."""

    message: str
    run: str
    state: str
    reason: str = ""


# -- pull requests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PullRequestCreated(Payload, kind="pr_created"):
    pr: int
    ticket: int
    title: str
    body: str
    branch: str
    target: str
    agent: str
    run: str
    head_sha: str
    base_sha: str
    files: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class HandOverRefused(Payload, kind="hand_over_refused"):
    """``run`` asked for its work to be taken over, and it was not: nothing to review, a rejection not answered yet …"""

    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullRequestUpdated(Payload, kind="pr_updated"):
    """New commits arrived on the branch: earlier reviews and approvals no longer count."""

    pr: int
    head_sha: str
    base_sha: str
    run: str
    files: int
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class PullRequestNeedsReview(Payload, kind="pr_needs_review"):
    pr: int
    head_sha: str
    round: int


@dataclass(frozen=True, slots=True)
class PullRequestApproved(Payload, kind="pr_approved"):
    """One reviewer's verdict, bound to the head it saw and the ``lens`` it looked through."""

    pr: int
    agent: str
    run: str
    role: str
    head_sha: str
    summary: str
    data: JSON = None
    lens: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestChangesRequested(Payload, kind="pr_changes_requested"):
    """One reviewer's verdict, bound to the head it saw. A person's carries ``agent`` = ``operator``."""

    pr: int
    agent: str
    run: str
    role: str
    head_sha: str
    summary: str
    data: JSON = None
    lens: str = ""


@dataclass(frozen=True, slots=True)
class PullRequestStateChanged(Payload, kind="pr_state_changed"):
    """The watcher's conclusion from reviews, gates and approvals."""

    pr: int
    state: str
    reason: str
    round: int


@dataclass(frozen=True, slots=True)
class ReleaseDecided(Payload, kind="release_decided"):
    """The release-manager role looked at a gated pull request: ``merge`` or ``hold``."""

    pr: int
    agent: str
    run: str
    head_sha: str
    decision: str
    summary: str


@dataclass(frozen=True, slots=True)
class PullRequestMerged(Payload, kind="pr_merged"):
    """``tree`` is the tree that the gates saw; ``merge_sha`` is the commit now at the tip of ``target``."""

    pr: int
    ticket: int
    head_sha: str
    base_sha: str
    merge_sha: str
    tree: str
    target: str
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class MergeFailed(Payload, kind="merge_failed"):
    """``conflict`` lists paths when the merge result cannot be built."""

    pr: int
    reason: str
    conflict: list[str] = field(default_factory=list)


# -- gates and approvals ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GateStarted(Payload, kind="gate_started"):
    """``isolation``: the level that it runs at; empty in logs from before it was recorded."""

    gate: str
    name: str
    pr: int
    tree: str
    head_sha: str
    base_sha: str
    command: str
    isolation: str = ""


@dataclass(frozen=True, slots=True)
class GatePassed(Payload, kind="gate_passed"):
    """``log`` is the path of the stored output, relative to the evidence directory."""

    gate: str
    name: str
    pr: int
    tree: str
    duration_ms: int
    exit_code: int
    log: str
    tail: str


@dataclass(frozen=True, slots=True)
class GateFailed(Payload, kind="gate_failed"):
    """``reason`` says why when it was not the exit code: time limit, output limit, cannot start, interrupted."""

    gate: str
    name: str
    pr: int
    tree: str
    duration_ms: int
    exit_code: int | None
    log: str
    tail: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Payload, kind="approval_requested"):
    """Bound to pull request, head, base, merge result, gate results and policy version; any change voids it, and so
    does a risk that rises above ``risk_band``."""

    approval: str
    pr: int
    ticket: int
    head_sha: str
    base_sha: str
    tree: str
    gates: str
    policy: str
    reasons: list[str]
    expires_ns: int
    risk_band: str = "low"
    quorum: int = 1
    """How many different persons must approve."""


@dataclass(frozen=True, slots=True)
class ApprovalSeconded(Payload, kind="approval_seconded"):
    """A person approves, and the quorum wants more of them; the last one's word is ``approval_granted``."""

    approval: str
    pr: int
    by: str
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class ApprovalGranted(Payload, kind="approval_granted"):
    """The effect is held until ``hold_until_ns`` and can be undone until then; ``shown`` was on screen."""

    approval: str
    pr: int
    by: str
    hold_until_ns: int
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class ApprovalUndone(Payload, kind="approval_undone"):
    approval: str
    pr: int
    by: str


@dataclass(frozen=True, slots=True)
class ApprovalDenied(Payload, kind="approval_denied"):
    """``verdict`` is ``reject`` (the pull request waits for a person) or ``changes`` (back to its author)."""

    approval: str
    pr: int
    by: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalVoided(Payload, kind="approval_voided"):
    approval: str
    pr: int
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalExpired(Payload, kind="approval_expired"):
    approval: str
    pr: int


# -- governance ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyDenied(Payload, kind="policy_denied"):
    """An act was refused. ``agent`` and ``run`` are the kernel's word, not the caller's. ``counts``: towards
    quarantine."""

    act: str
    reason: str
    agent: str | None = None
    run: str | None = None
    rule: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class ActAllowed(Payload, kind="act_allowed"):
    """An act that a rule asks a person about was allowed by the answer to ``question``, once."""

    act: str
    agent: str
    run: str
    question: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class FleetHalted(Payload, kind="fleet_halted"):
    """All stop: every agent is paused and frozen, nothing starts and nothing lands until a person lifts it. ``paused``
    are the agents that were not paused before."""

    reason: str
    paused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FleetResumed(Payload, kind="fleet_resumed"):
    """The all stop was lifted. Agents that were paused before it stay so."""

    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceKept(Payload, kind="evidence_kept"):
    """What a contained run looked like is in ``folder`` of the evidence directory; ``manifest_sha`` is the SHA-256 of
    its list of files with theirs. ``backup_ref`` holds the work, uncommitted files included."""

    run: str
    agent: str
    folder: str
    files: int
    manifest_sha: str
    backup_ref: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRemoved(Payload, kind="evidence_removed"):
    """Evidence that had been kept long enough was removed: ``names`` in the evidence directory, ``bytes`` in all, and
    the limits that were in force."""

    names: list[str]
    bytes: int
    keep_days: int
    keep_mib: int


@dataclass(frozen=True, slots=True)
class WorkDiscarded(Payload, kind="work_discarded"):
    """A person gave up what a contained agent did on a ticket; it is kept at ``backup_ref``."""

    run: str
    agent: str
    ticket: int
    backup_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class RiskChanged(Payload, kind="risk_changed"):
    """The risk of a run, or of pull request ``pr`` at ``head_sha``, is another than before. ``reasons`` read
    ``+10 factor: detail``, and their points add up to ``score``; ``evidence`` is what was seen, so that other rules can
    be tried on it. A secret that was found is there as kind, path, line and a short hash, never as itself. ``rules`` is
    a hash of the rules, ``seen_ns`` the instant as of which the score is."""

    agent: str
    score: int
    band: str
    previous: str
    reasons: list[str]
    evidence: dict[str, JSON]
    rules: str
    seen_ns: int
    run: str | None = None
    pr: int | None = None
    ticket: int | None = None
    head_sha: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReported(Payload, kind="usage_reported"):
    """What a vendor's program says it used for one request. ``input_tokens`` are those not from the cache.

    ``cost_source``: ``config`` (prices of the configuration), ``vendor``, ``table`` (shipped prices: an estimate),
    ``unknown`` (then there is no cost). ``turn`` is the run's turn so far, from 1; 0: not said.
    """

    run: str
    agent: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost_microusd: int | None = None
    cost_source: str = "unknown"
    turn: int = 0
    request: str = ""


@dataclass(frozen=True, slots=True)
class BudgetWarning(Payload, kind="budget_warning"):
    """Used up to the share at which a person is warned; amounts are in the smallest part of the unit."""

    scope: str
    name: str
    unit: str
    window: str
    start_ns: int
    used: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class BudgetExhausted(Payload, kind="budget_exhausted"):
    """At the ceiling: no further turn begins, and who works is asked for a report."""

    scope: str
    name: str
    unit: str
    window: str
    start_ns: int
    used: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class BudgetReportAsked(Payload, kind="budget_report_asked"):
    """The run may use ``grace_s`` more seconds of run time, from ``active_ms`` on, to say what is done and left.

    ``standing`` is the key of the budget: scope, name, unit, window, its start, ceiling.
    """

    run: str
    agent: str
    standing: str
    active_ms: int
    grace_s: int


@dataclass(frozen=True, slots=True)
class BudgetExtended(Payload, kind="budget_extended"):
    """A person adds ``extra`` to a ceiling. With an empty ``name``: ``extra_s`` seconds for ``agent``."""

    agent: str
    extra_s: int
    reason: str
    scope: str = "agent"
    name: str = ""
    unit: str = "seconds"
    window: str = "total"
    start_ns: int = 0
    extra: int = 0
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class BudgetExtensionSeconded(Payload, kind="budget_extension_seconded"):
    """A person wants to add ``amount`` to the budget ``standing``, and a rule wants more persons to: the last one's
    word is ``budget_extended``."""

    standing: str
    amount: int
    reason: str
    by: str
    quorum: int
    expires_ns: int
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class AlarmRaised(Payload, kind="alarm_raised"):
    """Something abnormal that a person must answer. ``priority`` is 1 (within minutes) to 3 (when free)."""

    alarm: str
    rule: str
    priority: int
    title: str
    response: str
    about: str
    first: str | None = None
    """The alarm that came first of its group, when this one follows from it."""


@dataclass(frozen=True, slots=True)
class AlarmShelved(Payload, kind="alarm_shelved"):
    """Out of sight until ``until_ns``; its condition is not changed."""

    alarm: str
    by: str
    until_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmUnshelved(Payload, kind="alarm_unshelved"):
    """Back in sight, as not yet acknowledged."""

    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmCleared(Payload, kind="alarm_cleared"):
    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(Payload, kind="alarm_acknowledged"):
    alarm: str
    by: str


# -- git, effects, the fleet itself ----------------------------------------------------------------------------------


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
    """The target branch advanced. ``source`` is ``merge`` (we landed) or ``user`` (a person committed)."""

    target: str
    old_sha: str
    new_sha: str
    source: str


@dataclass(frozen=True, slots=True)
class TargetPublished(Payload, kind="target_published"):
    """The user's repository has the landed commits. ``how``: fast-forward of the checkout, or of the ref alone."""

    target: str
    sha: str
    how: str


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
    """The agents' tmux server died. ``runs`` are those that were in it."""

    runs: list[str]


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
