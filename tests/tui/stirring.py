"""Rows that come and go: a fleet that is at work while somebody decides."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from fleet_tui.domain import events as ev

HOUR_NS = 3_600_000_000_000
READS = frozenset({"status", "diff", "system", "templates", "template", "poll", "plan"})
OWN_BOOKS = frozenset({"acknowledge", "shelve", "unshelve"})
"""What a person notes for themselves: it changes nothing of the fleet."""


def acts(world: Any) -> list[tuple[str, dict[str, Any]]]:
    """What arrived at the watcher's door that would have changed the fleet."""
    return [(op, args) for op, args in world.calls if op not in READS | OWN_BOOKS]


def sha(number: int) -> str:
    return f"{number:040x}"


class Stirring:
    """Each `once` adds or takes away one row of one list. ``pull_requests`` are those whose approvals it plays with;
    ``rows`` counts their pushes."""

    def __init__(self, world: Any, seed: int, pull_requests: tuple[int, ...] = (1, 2), head: int = 1 << 40) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self._heads = dict.fromkeys(pull_requests, 0)
        self._number = head
        self._alarms: list[str] = []
        self._blocked = False
        self.rows = 0

    def once(self) -> None:
        self._chance.choice((self.approval, self.approval, self.alarm, self.alarm, self.ticket, self.note))()

    def approval(self) -> None:
        """A push: what was asked for is void, and asked for anew at another commit, at another place of the list."""
        number = self._chance.choice(list(self._heads))
        self.pushed(number)

    def pushed(self, number: int) -> str:
        """A push to a pull request; the new head."""
        self.rows += 1
        standing = [one for one in self._world.store.reader.approvals(pr=number) if one.state == "requested"]
        self._number += 1
        head, about = sha(self._number), f"pr:{number}"
        expires_ns = self._world.now_ns() + self._chance.randrange(1, 20) * HOUR_NS
        self._world.add(
            *(ev.draft(ev.ApprovalVoided(one.id, number, "head moved"), about) for one in standing),
            ev.draft(ev.PullRequestUpdated(number, head, sha(2), f"run-{number}", 2, 3, 1), about),
            ev.draft(
                ev.ApprovalRequested(
                    f"apr-{number}-{self._number}", number, number, head, sha(2), sha(3), "gates-1", "v-1234567890ab",
                    ["policy: every merge needs a person"], expires_ns,
                ),
                about,
            ),
        )  # fmt: skip
        return head

    def alarm(self) -> None:
        if self._alarms and self._chance.random() < 0.5:
            gone = self._alarms.pop(self._chance.randrange(len(self._alarms)))
            self._world.add(ev.draft(ev.AlarmCleared(gone, "over"), f"alarm:{gone}"))
            self._world.add(ev.draft(ev.AlarmAcknowledged(gone, "operator:other"), f"alarm:{gone}"))
            return
        self._number += 1
        name, priority = f"alm-x{self._number}", self._chance.choice((1, 2, 3))
        raised = ev.AlarmRaised(name, "gates", priority, f"gate {self._number} failed", "look", "agent:dev-2")
        self._world.add(ev.draft(raised, "agent:dev-2"))
        self._alarms.append(name)

    def ticket(self) -> None:
        change = ev.TicketUnblocked(3, "go on") if self._blocked else ev.TicketBlocked(3, "three rounds of review")
        self._blocked = not self._blocked
        self._world.add(ev.draft(change, "ticket:3"))

    def note(self) -> None:
        self._world.add(ev.draft(ev.Note("noise", run="run-dev-1-1"), "run:run-dev-1-1"))


@contextlib.asynccontextmanager
async def stirred(app: Any, once: Callable[[], None], per_s: float = 20) -> AsyncIterator[None]:
    """``once`` so many times a second, each shown as soon as it can be."""
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            once()
            app.feed.poke()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 1 / per_s)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await task
