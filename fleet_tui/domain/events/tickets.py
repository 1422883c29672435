"""Tickets: what is to be done, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet_tui.domain.events.envelope import Payload


@dataclass(frozen=True, slots=True)
class TicketCreated(Payload, kind="ticket_created"):
    """A ticket was seen for the first time. Its body is a blob: ``body_sha`` is the SHA-256 of the UTF-8 bytes.
    ``scope`` are patterns of where the work is expected to stay; empty: not said. ``repo`` is the one of `repos` that
    it is of; empty: the fleet's home."""

    ticket: int
    title: str
    excerpt: str
    body_sha: str
    labels: list[str]
    depends_on: list[int]
    priority: int
    scope: list[str] = field(default_factory=list)
    repo: str = ""


@dataclass(frozen=True, slots=True)
class TicketChanged(Payload, kind="ticket_changed"):
    """Title, body, labels, dependencies, priority, scope or repository of a ticket differ from what was recorded."""

    ticket: int
    title: str
    excerpt: str
    body_sha: str
    labels: list[str]
    depends_on: list[int]
    priority: int
    scope: list[str] = field(default_factory=list)
    repo: str = ""


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
class ClaimDecided(Payload, kind="claim_decided"):
    """On a forge where other fleets may work too: whether ``run`` has the ticket, else why not, and who has."""

    ticket: int
    run: str
    won: bool
    reason: str = ""
    other: str = ""


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
class TicketSplit(Payload, kind="ticket_split"):
    """A person accepted that the ticket is done as ``parts``, tickets of their own: nobody takes it itself any more."""

    ticket: int
    parts: list[int]


@dataclass(frozen=True, slots=True)
class TicketCompleted(Payload, kind="ticket_completed"):
    """All ``parts`` of a ticket that was divided have shipped, and with them the ticket."""

    ticket: int
    parts: list[int]


@dataclass(frozen=True, slots=True)
class TicketClosed(Payload, kind="ticket_closed"):
    """The ticket ended without a merge."""

    ticket: int
    reason: str
