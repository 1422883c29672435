"""Further repositories of a fleet, as the log has them."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.model import Ticket

HOME = "home"
"""What people call the repository that the fleet lives in; in the log its name is empty."""
LABEL = "repo:"
"""How the label begins that says on GitHub which repository an issue is of."""


def label_of(name: str) -> str:
    """The label of the issues of the repository ``name``."""
    return f"{LABEL}{name}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the target branch of the repository ``name`` stands; that of the home is in the fleet's own row."""

    name: str
    target: str
    target_sha: str
    published_sha: str


def titled(ticket: Ticket) -> str:
    """The title of a ticket where those of several repositories stand beside each other."""
    return f"{ticket.repo}: {ticket.title}" if ticket.repo else ticket.title
