"""What the watcher needs of a forge, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from fleet_tui.domain.errors import FleetError

DEFAULT_PRIORITY = 3
MAX_TITLE = 200
"""Characters of a title."""


class NoSuchTicket(FleetError):
    """The forge has no ticket of that number (any more)."""


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket as the forge has it; text is as found, not yet cleaned. ``priority`` 1 is the most urgent.

    A ticket that cannot be read has ``problem`` (``file:line: what``, ``issue 7: what``) and is to be left alone until
    it is repaired; its ``number`` is 0 when even that is unknown.
    """

    number: int
    title: str
    body: str = ""
    labels: tuple[str, ...] = ()
    depends_on: tuple[int, ...] = ()
    priority: int = DEFAULT_PRIORITY
    problem: str | None = None
    hint: str = ""
    """What a person can do about the problem; empty: mend it where it is."""
    scope: tuple[str, ...] = ()
    """Where the work is expected to stay, as patterns of .gitignore; empty: not said."""
    repo: str = ""
    """Which of the fleet's repositories it is of, as written; empty: not said."""


class Forge(Protocol):
    """Tickets and pull requests of one repository. Calls raise FleetError when the forge refuses or is out of reach."""

    async def tickets(self) -> list[TicketRecord] | None:
        """All tickets, by number; broken ones have a ``problem``. None: not known yet."""
        ...

    async def create_ticket(
        self,
        title: str,
        body: str = "",
        labels: Sequence[str] = (),
        depends_on: Sequence[int] = (),
        priority: int = DEFAULT_PRIORITY,
        scope: Sequence[str] = (),
        repo: str = "",
    ) -> TicketRecord:
        """A new ticket with a number that no other has."""
        ...

    async def set_labels(self, number: int, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Add and remove labels; what is there or gone already is fine."""
        ...

    async def comment(self, number: int, text: str) -> None:
        """Add a comment to a ticket."""
        ...

    async def beginning_with(self, opening: str) -> list[int]:
        """The open tickets of ours whose text begins with ``opening``, whether or not the fleet works on them."""
        ...

    def watch(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Yield whenever something may have changed, until ``stop`` is set. It says only *that*, never *what*."""
        ...
