"""What every pass of the watcher works with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import Draft, Event, Payload, draft
from fleet_tui.domain.model import Run
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import Isolation
from fleet_tui.forge.base import Forge
from fleet_tui.governance.fusion import Fused, Reading
from fleet_tui.governance.isolation import Level
from fleet_tui.governance.risk.evidence import Evidence
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.load import Loaded, policy_version
from fleet_tui.settings.schema import Settings
from fleet_tui.store.memo import remembering
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.vendors.base import Observation
from fleet_tui.vendors.screens import RuleSet, Screen
from fleet_tui.watcher import causes
from fleet_tui.watcher.confinement.commands import Commands
from fleet_tui.watcher.desks import requests
from fleet_tui.watcher.jobs import Jobs
from fleet_tui.watcher.keyed_locks import KeyedLocks
from fleet_tui.watcher.repos.repository import Repository
from fleet_tui.watcher.risk.lookout import Lookout
from fleet_tui.watcher.runs.ledger import Ledger

if TYPE_CHECKING:
    from fleet_tui.watcher.upstream.state import Upstream


async def _nothing_to_drain(run: str) -> None:
    """Before the bus is up there is nobody to drain for."""


async def _nothing_to_reload() -> None:
    """Of a context without a daemon around it."""


class Work(Protocol):
    """What belongs to a ticket, or to none: a run, a pull request, an approval, a workspace."""

    @property
    def ticket(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class CheckoutLook:
    """What was found in the person's checkout at ``head``, seen from ``target``: the commits ``beyond`` it when its
    settings are others, and ``why`` nothing of them is used; empty when it may be."""

    head: str | None = None
    target: str | None = None
    beyond: tuple[str, ...] = ()
    why: str = ""
    looked_ns: int = 0


@dataclass(slots=True)
class Context:
    """The watcher's instruments. ``settings`` is the last good configuration; hot reload replaces it between passes."""

    paths: FleetPaths
    host: str
    settings: Settings
    store: Store
    tmux: TmuxServer
    home: Repository
    """The repository that the fleet lives in."""
    forge: Forge
    bus: BusServer
    commands: Commands
    jobs: Jobs
    wake: asyncio.Event
    others: dict[str, Repository] = field(default_factory=dict)
    """The further repositories that work lands in, by name."""
    level: Level = field(default_factory=lambda: Level(Isolation.L0, "not looked at yet"))
    """The isolation in force for runs that start now."""
    checkout: CheckoutLook = field(default_factory=CheckoutLook)
    """What was found of the person's checkout last."""
    scopes_lack: str = "not looked at yet"
    """Why the kernel cannot hold runs at their ceiling of memory; empty when it can."""
    stopping: bool = False
    looked_at: Loaded | None = None
    """The configuration as it was found last, good or not."""
    ending: bool = False
    """The fleet ends with its agents: nothing new begins, while the passes still see the living ones off."""
    drain_spool: Callable[[str], Awaitable[None]] = _nothing_to_drain
    """Takes in what a run's clients spooled while nobody answered."""
    reload: Callable[[], Awaitable[None]] = _nothing_to_reload
    """Puts the configuration in force as it is on disk now, without waiting for it to be noticed."""
    now_ns: Callable[[], int] = time.time_ns
    handing_over: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Pull requests are made one at a time: each gets its number from those that are recorded. Held for no longer than
    that takes, and never while anything of an agent's is looked at."""
    hand_overs: KeyedLocks = field(default_factory=KeyedLocks)
    """One hand-over of a ticket at a time: what was fetched last is what is recorded last."""
    interrupting: KeyedLocks = field(default_factory=KeyedLocks)
    """One interrupt of an agent at a time: the second looks at what the first has done."""
    dividing: set[int] = field(default_factory=set)
    """Tickets whose parts are being made, which takes a while on a forge beyond this machine: nobody takes them."""
    tagging: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One release at a time, from the look at what is there to the record."""
    memo: Reader | None = None
    landing: str | None = None
    """The approval whose landing is under way: from then on it cannot be taken back."""
    panes: dict[str, int] = field(default_factory=dict)
    """Run to the pid of its pane's first process, which is its runner: tmux's word, where a run's own directory could
    be made to lie."""
    statuses: dict[str, RunnerStatus] = field(default_factory=dict)
    """What the runners said in this round."""
    acted_ns: dict[str, int] = field(default_factory=dict)
    """When a run last asked whether it may do something, or was seen computing."""
    computed: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How much of the processor each run had used, in seconds, and when that was looked at (ns UTC)."""
    heard_ns: dict[str, int] = field(default_factory=dict)
    """When a hook of the run's vendor last said something."""
    ledger: Ledger | None = None
    """What was spent, as it was asked for last."""
    rules: dict[str, RuleSet] = field(default_factory=dict)
    """The detection rules of each vendor, as far as they were read."""
    views: dict[str, View] = field(default_factory=dict)
    """What the screen of each living run said last."""
    told: dict[tuple[str, str], Reading] = field(default_factory=dict)
    """What a run's hooks and files (run, source) said last."""
    fused: dict[str, Fused] = field(default_factory=dict)
    """The state of each living run by all its sources."""
    looked_at_screens_ns: int = 0
    versions: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The version of each vendor's program, and when the program was changed last (ns UTC)."""
    delivered_ns: dict[str, int] = field(default_factory=dict)
    """Runs that have handed their work over and go on, and since when that is known."""
    waits: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Why each message for a pane is not typed yet, and since when (ns UTC)."""
    listened_ns: dict[str, int] = field(default_factory=dict)
    """When the files of each run were last looked at."""
    to_meter: set[str] = field(default_factory=set)
    """Runs whose transcripts may have grown."""
    read_up_to: dict[tuple[str, bytes], int] = field(default_factory=dict)
    """How far each transcript of a run was read, in bytes."""
    short_looks: dict[str, int] = field(default_factory=dict)
    """How many looks in a row at the transcripts of each run had to leave some of them for the next."""
    contexts_told_ns: dict[str, int] = field(default_factory=dict)
    """When it was recorded last how full the context of each run is."""
    contexts_waiting: dict[str, Filled] = field(default_factory=dict)
    """What their programs said since, too soon to be recorded."""
    lookout: Lookout = field(default_factory=Lookout)
    """The working trees of living runs, as far as risk has looked at them."""
    risk_seen: dict[str, tuple[str, Evidence]] = field(default_factory=dict)
    """What the work of a run or pull request showed, and of which state of it."""
    risk_marks: dict[str, str] = field(default_factory=dict)
    """When each was last scored, in the terms of the risk pass."""
    passing: tuple[str, float] | None = None
    """The pass under way and when it began (monotonic seconds), for the watchdog."""
    round_ns: int = 0
    """When the loop last went through all passes."""
    looked_at_evidence_ns: int = 0
    looked_at_tickets_ns: int = 0
    look_at_tickets: bool = True
    """Whether ticket files may have changed since they were read."""

    @property
    def reader(self) -> Reader:
        """The tables; answers are remembered until the next event."""
        if self.memo is None:
            self.memo = remembering(self.store)
        return self.memo

    @property
    def upstream(self) -> Upstream | None:
        """Where the forge is beyond this machine; None: it is local."""
        return self.home.upstream

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """All of them, the home first."""
        return (self.home, *self.others.values())

    def repository_of(self, work: Work) -> Repository:
        """Where ``work`` is done: the repository of its ticket. What has none is done where its agent works first.

        Raises:
            FleetError: it is of a repository that the fleet does not have (any more).
        """
        name = self._name_of(work)
        if name and name not in self.others:
            told = f"`{name}` is not in `repos`"
            raise FleetError("no such repository", told, "put it back into `repos`, then restart the watcher")
        return self.others[name] if name else self.home

    def usable(self, work: Work) -> bool:
        """Whether the repository of ``work`` can be worked in now; why not, an alarm tells."""
        return self.is_usable(self._name_of(work))

    def is_usable(self, name: str) -> bool:
        """The same of a repository by its name; the home's is empty."""
        known = name in self.others and name in self.settings.repos
        return not name or (known and not self.others[name].trouble)

    def is_home(self, work: Work) -> bool:
        """Whether ``work`` is done in the repository that the fleet lives in."""
        return not self._name_of(work)

    def is_in(self, work: Work, repository: Repository) -> bool:
        """Whether ``work`` is done in ``repository``."""
        return self._name_of(work) == repository.name

    def upstream_of(self, work: Work) -> Upstream | None:
        """Where ``work`` lands beyond this machine; None: it does not, or its repository is none of the fleet's."""
        found = next((one for one in self.repositories if self.is_in(work, one)), None)
        return found.upstream if found is not None else None

    def _name_of(self, work: Work) -> str:
        found = self.reader.ticket(work.ticket) if work.ticket is not None else None
        if found is not None or work.ticket is not None or not isinstance(work, Run):
            return found.repo if found is not None else ""
        first = next((agent.repos[:1] for agent in self.settings.agents if agent.name == work.agent), ())
        return "" if first in ((), (HOME,)) else first[0]

    @property
    def policy(self) -> str:
        return policy_version(self.settings)

    async def record(self, *drafts: Draft) -> list[Event]:
        """Append events in one transaction; what answers an earlier event has it as its cause."""
        return await self.store.record(*(causes.with_cause(self.reader, one) for one in requests.stamped(drafts)))

    async def say(
        self,
        payload: Payload,
        subject: str,
        *,
        actor: str = "watcher",
        cause: str | None = None,
        key: str | None = None,
    ) -> Event:
        """Append one typed event."""
        (event,) = await self.record(draft(payload, subject, actor=actor, cause=cause, key=key))
        return event


@dataclass(frozen=True, slots=True)
class View:
    """What a run's screen said when it was looked at. Instants are ns UTC."""

    screen: Screen
    rules: RuleSet
    observation: Observation | None
    at_ns: int
    since_ns: int
    """When it began to say this without a break: the same state, or the same dialog, or nothing that a rule knows."""
