"""What agents say, and what is said to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_tui.domain.events.envelope import JSON, Payload


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
