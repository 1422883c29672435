"""When each repository on the forge is looked at, how that went last, and what a person is told when it cannot be."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import PullRequestPublished
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.model import PullRequest
from fleet_tui.domain.states import OPEN_PULL_REQUESTS, STANDING_ALARMS, PullRequestState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.forge.answer import Rate
from fleet_tui.forge.aside import Aside
from fleet_tui.forge.gh import Gh, environment
from fleet_tui.forge.gh_issues import repository
from fleet_tui.forge.gh_values import Protection, Pull
from fleet_tui.forge.github import GitHubForge
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.git.remote import RemoteRepository
from fleet_tui.governance.polling import (
    Budget,
    Polling,
    budgeted,
    failed,
    next_poll_ns,
    refusal_of_a_poll_now,
    succeeded,
)
from fleet_tui.settings.schema import Settings
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.upstream import closing
from fleet_tui.watcher.upstream.identity import Identity
from fleet_tui.watcher.upstream.standing import wanted_texts

if TYPE_CHECKING:
    from fleet_tui.watcher.context import Context
    from fleet_tui.watcher.repos.repository import Repository

LOOK = "look-at-forge"
CLOSED_THERE = "it was closed on GitHub"
"""Why a pull request is closed here."""
_ALARM, _ONE, _RENAMED = "forge", "forge-pr", "forge-renamed"
_SECOND = 1_000_000_000
_THOROUGHLY_NS = 15 * 60 * _SECOND
"""How often issues are asked about of which no list tells: what was missed is repaired."""
_CLOSED_LATELY_NS = 3600 * _SECOND
_TOLD_AFTER = 3
"""Failures in a row that a person is told of when they may be over by themselves."""
_ENDED = frozenset({TicketState.SHIPPED, TicketState.CLOSED})
_COUNTED = ("core", "graphql")
"""The budgets that a look is counted on."""
_OF_SSH = ("SSH_AUTH_SOCK", "SSH_AGENT_PID")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenPull:
    """A pull request of the forge's as it was seen; it was asked for when the log ended with event ``seq``."""

    pull: Pull
    seq: int
    texts: Mapping[str, str]
    """What people who ask for changes wrote, by the ids of their reviews and conversations."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.pull.labels


class Upstream:
    """What ``local`` is on GitHub, and how the looks there have gone. Tickets are the issues of the home alone."""

    def __init__(self, forge: GitHubForge, remote: RemoteRepository, identity: Identity, local: Repository) -> None:
        self.forge = forge
        self.remote = remote
        self.local = local
        self.pulls: dict[int, SeenPull] = {}
        """The fleet's pull requests as they were seen last, by GitHub's number."""
        self.polling = Polling()
        self.trouble = ""
        """Why the last look failed, in words; empty: it did not."""
        self.succeeded_ns = 0
        """When the last one that did not fail ended; 0: none yet."""
        self._identity = identity
        self._is_known = not local.name
        """What has the name of this repository is it. The home's name is compared before the watcher starts; to a
        further one nothing is sent before that was seen."""
        self._aside = Aside(forge.gh.now_ns)
        """Pull requests that cannot be read, by GitHub's number."""
        self._rules: dict[str, Protection | None] = {}
        """By target branch; asked for at every look, which costs nothing while they stay."""
        self._thorough_ns = 0
        self._wanted = False

    def due_ns(self, settings: Settings) -> int:
        """When the next look is due."""
        own = settings.repos.get(self.local.name)
        interval_s = own.poll_s if own is not None and own.poll_s is not None else settings.forge.poll_s
        return self.polling.retry_at_ns if self._wanted else next_poll_ns(self.polling, interval_s)

    @property
    def job(self) -> str:
        """The name of the job that looks at it."""
        return f"{LOOK}:{self.local.name}"

    def issues(self, ctx: Context) -> str:
        """The repository there whose issues the tickets are; empty when it is this one."""
        return "" if ctx.upstream is None or ctx.upstream is self else ctx.upstream.forge.repo

    def want(self, now_ns: int) -> str:
        """Look as soon as possible; why it will not be at once, or ""."""
        self._wanted = True
        return refusal_of_a_poll_now(self.polling, now_ns)

    def start(self, ctx: Context, key: str, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Start a job that asks something of the forge, unless the forge wants to be left alone for a while."""
        if self.polling.retry_at_ns <= ctx.now_ns() and self._is_known:
            ctx.jobs.start(key, lambda: self._heeding(work))

    async def _heeding(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        try:
            await work()
        except ForgeTrouble as trouble:
            self.polling = replace(self.polling, retry_at_ns=trouble.retry_at_ns or self.polling.retry_at_ns)
            raise

    async def look(self, ctx: Context) -> None:
        """See what there is on the forge, or take note of why that cannot be seen."""
        now_ns, thoroughly = ctx.now_ns(), self._wanted or ctx.now_ns() - self._thorough_ns >= _THOROUGHLY_NS
        self._wanted, before = False, dict(self.forge.gh.rates)
        try:
            await self.forge.introduce(anew=thoroughly)
            has_tickets = self.forge is ctx.forge
            if thoroughly or not self._is_known or not has_tickets:  # whose issues are looked at need not be asked for
                await self._recognise(ctx)
            if has_tickets:
                await self.forge.look(_followed(ctx), thoroughly=thoroughly)
            await self.remote.fetch(self.local.control.target)
            # After the target: what is merged and not in it yet is taken in by the next look.
            await self._look_at_pulls(ctx, anew=thoroughly)
        except FleetError as error:
            trouble = error.trouble if isinstance(error, ForgeTrouble) else Trouble.OFFLINE
            retry_at_ns = error.retry_at_ns if isinstance(error, ForgeTrouble) else None
            if not trouble.passes:
                self.forge.doubt()
            self.polling = failed(self._budgeted(before, now_ns), trouble, now_ns, retry_at_ns)
            self.trouble = one_line(f"{error.title}: {error.message}", 300)
            await self._tell(ctx, trouble, error)
        else:
            self.polling, self.trouble = succeeded(self._budgeted(before, now_ns), now_ns), ""
            self.succeeded_ns = now_ns
            self._thorough_ns = now_ns if thoroughly else self._thorough_ns
            await alarms.clear(ctx, _ALARM, self.local.about, "it answers again")
        ctx.look_at_tickets, self.local.looked_at_target_ns = True, 0

    async def _recognise(self, ctx: Context) -> None:
        """See what the repository is called today, and that it is the same.

        Raises:
            ForgeTrouble: it is not, or cannot be seen.
        """
        asked = self.forge.repo
        found = await repository(self.forge.gh, asked)
        self._is_known = False
        self._identity.recognise(found, asked)
        self._is_known = True
        about, key = self.local.about, f"repos.{self.local.name}.github" if self.local.name else "forge.repo"
        if found.name.lower() == asked.lower():
            await alarms.clear(ctx, _RENAMED, about, "it is called so here too")
            return
        title = f"{asked} on GitHub is called {found.name} now"
        response = f"write `{key}: {found.name}` and start the watcher anew, before somebody else takes the old name"
        await alarms.ensure(ctx, _RENAMED, about, priority=3, title=title, response=response)

    async def _look_at_pulls(self, ctx: Context, *, anew: bool) -> None:
        """Each for itself: one that cannot be read, or is flooded, holds up no other."""
        shown = _shown(ctx, self.local, waiting=anew)
        self._aside.begin(anew=anew)
        self._rules.clear()
        for number in shown:
            if self._aside.rests(number):
                continue
            try:
                longer = (await self.view(ctx, number, shown[number].branch)).pull.longer
            except ForgeTrouble as trouble:
                self._aside.put(number, trouble)
                continue
            self._aside.done(number)
            if longer:
                what = f"{number} has more reviews, conversations or checks than are read"
                self._aside.put(number, ForgeTrouble(Trouble.TOO_LONG, what))
        self._aside.only(shown.keys())
        told = {f"pr:{shown[number].number}": trouble for number, trouble in self._aside.all_told().items()}
        for about, found in told.items():
            title = f"PR {about.removeprefix('pr:')} on GitHub: {found.title}: {found.message}"
            await alarms.ensure(ctx, _ONE, about, priority=3, title=title, response=found.hint)
        for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule=_ONE):
            pull_request = ctx.reader.pull_request(int(alarm.about.removeprefix("pr:")))
            if alarm.about not in told and (pull_request is None or ctx.is_in(pull_request, self.local)):
                await alarms.clear(ctx, _ONE, alarm.about, "it can be read")

    async def view(self, ctx: Context, number: int, branch: str) -> SeenPull:
        """The forge's pull request ``number`` as it is now, which the fleet opened from ``branch``.

        Raises:
            ForgeTrouble: it cannot be seen, or is another one.
        """
        trust = await self.forge.trust()
        seq, before = ctx.reader.last_seq(), self.pulls.get(number)
        pull = await self._with_rules(await self.forge.pulls.view(number))
        if pull.foreign or pull.branch != branch:
            whose = "a fork's" if pull.foreign else f"from {one_line(pull.branch, 100)}"
            what = f"{number} is not the pull request from {branch}, but {whose}"
            raise ForgeTrouble(Trouble.CONFLICT, what, hint="close ours here, and mark its ticket ready to begin anew")
        pull = replace(pull, labels=self.forge.spelled(pull.labels))
        wanted = wanted_texts(pull, trust)
        known = {one: before.texts[one] for one in wanted if one in before.texts} if before is not None else {}
        texts = known | await self.forge.pulls.words([one for one in wanted if one not in known])
        self.pulls[number] = seen = SeenPull(pull, seq, texts)
        return seen

    async def _with_rules(self, pull: Pull) -> Pull:
        """With what the repository's rules ask for of its target, as the look before it found them."""
        if pull.target not in self._rules:
            self._rules[pull.target] = await self.forge.pulls.rules(pull.target)
        rules = self._rules[pull.target]
        own = pull.protection
        return pull if rules is None else replace(pull, protection=rules if own is None else own.joined(rules))

    def _budgeted(self, before: Mapping[str, Rate], now_ns: int) -> Polling:
        """How it goes on with what the look left of GitHub's budgets, of which ``before`` tells before it."""
        rates = self.forge.gh.rates
        return budgeted(
            self.polling, [_budget(rates[name], before.get(name)) for name in _COUNTED if name in rates], now_ns
        )

    async def _tell(self, ctx: Context, trouble: Trouble, error: FleetError) -> None:
        if trouble.passes and self.polling.failures < _TOLD_AFTER:
            log.warning("the forge cannot be looked at: %s", self.trouble)
            return
        title = f"{self.forge.repo} on GitHub cannot be looked at: {self.trouble}"
        response = error.hint or "it is tried again by itself"
        await alarms.ensure(ctx, _ALARM, self.local.about, priority=2, title=title, response=response)


def _budget(now: Rate, before: Rate | None) -> Budget:
    """What others took meanwhile counts too: as much may go next time."""
    same = before is not None and before.reset_ns == now.reset_ns
    return Budget(now.limit, now.remaining, now.reset_ns, before.remaining - now.remaining if before and same else 1)


def open_upstreams(ctx: Context) -> None:
    """What each repository is on GitHub by the configuration in force; nothing is asked yet. Issues are of the home."""
    gh = Gh(now_ns=ctx.now_ns)  # one for all: the rate limit is of the account
    there = {name: (repo.github, repo.address) for name, repo in ctx.settings.repos.items() if repo.github}
    there[""] = (ctx.settings.forge.repo, ctx.settings.forge.address)
    keys = {name: os.environ[name] for name in _OF_SSH if name in os.environ}
    for local in ctx.repositories:
        if local.name in there:
            repo, address = there[local.name]
            forge = GitHubForge(gh, lambda: ctx.settings, repo)
            remote = RemoteRepository(local.control, address, environment() | keys)
            identity = Identity(local.control.path.parent / "forge", is_home=not local.name)
            local.upstream = Upstream(forge, remote, identity, local)
            ctx.forge = ctx.forge if local.name else forge


async def look(ctx: Context) -> None:
    """Look at each repository there when it is time to, beside the passes: it may take as long as it likes."""
    for local in ctx.repositories:
        upstream = local.upstream if local.is_open else None
        if upstream is not None and ctx.now_ns() >= upstream.due_ns(ctx.settings):
            ctx.jobs.start(upstream.job, lambda upstream=upstream: upstream.look(ctx))  # type: ignore[misc]


def is_waited_for(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether its ticket waits for a person because it was closed there."""
    ticket = ctx.reader.ticket(pull_request.ticket)
    waits = ticket is not None and ticket.state is TicketState.BLOCKED and ticket.pr == pull_request.number
    return waits and pull_request.reason == CLOSED_THERE


def own_name(ctx: Context) -> str:
    """The name of this fleet among those that may work on the same issues; two with the same paths have two names."""
    first = ctx.reader.events(after=0, limit=1)
    digest = hashlib.sha256((first[0].id if first else "").encode()).hexdigest()[:8]
    return f"{ctx.paths.fleet}-{digest}"


def _followed(ctx: Context) -> list[int]:
    """The issues of tickets that are not done, those that tickets were divided into, and those still to be closed."""
    of_pulls = {pull_request.ticket for pull_request in ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS))}
    tickets = ctx.reader.tickets()
    done = {ticket.number for ticket in tickets if ticket.state in _ENDED}
    going = {number for one in tickets if one.number not in done for number in (one.number, *one.parts)}
    return sorted(of_pulls | (going - done) | set(closing.unclosed(ctx)))


def _shown(ctx: Context, local: Repository, *, waiting: bool) -> dict[int, PullRequest]:
    """The pull requests in ``local`` that are open here, or were until lately, by the forge's numbers; also those that
    a ticket is ``waiting`` for to be opened again."""
    recently = ctx.now_ns() - _CLOSED_LATELY_NS
    candidates = ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS), PullRequestState.CLOSED)
    wanted = {
        f"pr:{one.number}": one
        for one in candidates
        if ctx.is_in(one, local)
        and (
            one.state is not PullRequestState.CLOSED
            or one.changed_ns > recently
            or (waiting and is_waited_for(ctx, one))
        )
    }
    if not wanted:
        return {}
    subjects = tuple(wanted)
    told = ctx.reader.events(EventFilter(kinds=(PullRequestPublished.kind,), subjects=subjects), after=0, limit=10_000)
    return {int(str(event.payload["number"])): wanted[event.subject] for event in told}
