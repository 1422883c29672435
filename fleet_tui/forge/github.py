"""GitHub as a forge: issues with the labels of the fleet are tickets, looked at now and then and kept as seen last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge import issues
from fleet_tui.forge.base import DEFAULT_PRIORITY, MAX_TITLE, NoSuchTicket, TicketRecord
from fleet_tui.forge.gh import Gh
from fleet_tui.forge.gh_issues import Issues
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.gh_releases import Releases
from fleet_tui.forge.gh_values import Comment, Issue
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.forge.trust import Trust
from fleet_tui.settings.schema import Settings


@dataclass(slots=True)
class _Seen:
    """What the last look showed. ``open`` and ``closed`` are the issues that the fleet has to do with."""

    open: dict[int, Issue] = field(default_factory=dict)
    closed: dict[int, Issue] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    comments: dict[int, tuple[str, list[Comment]]] = field(default_factory=dict)
    """Of an issue, and which update of it they are of."""


class GitHubForge:
    """The issues of ``repo``. Between two looks everybody is told what the last one showed. ``settings`` gives those in
    force."""

    def __init__(self, gh: Gh, settings: Callable[[], Settings]) -> None:
        self.gh = gh
        self._settings = settings
        self.repo = settings().forge.repo
        self.issues = Issues(gh, self.repo)
        self.pulls = Pulls(gh, self.repo)
        self.releases = Releases(gh, self.repo)
        self._seen: _Seen | None = None
        self._changed: set[int] = set()
        """The issues that were changed from here since the look under way began: it may show what was before."""
        self._login = ""

    # -- looking -----------------------------------------------------------------------------------------------------

    async def look(self, follow: Collection[int], *, thoroughly: bool) -> None:
        """See what there is: issues labelled ready, those that ``follow`` names, and what they depend on.

        ``thoroughly`` also asks again about followed ones of which no list tells, which costs a request for each.

        Raises:
            ForgeTrouble: GitHub did not answer; what was seen before stands.
        """
        await self.login()
        before = self._seen or _Seen()
        self._changed.clear()
        now = _Seen(comments=before.comments)
        for label in self._labels(follow):
            listed, _ = await self.issues.labelled([label])
            now.open |= {issue.number: issue for issue in listed}
        for number in sorted(set(follow) - now.open.keys()):
            await self._again(number, before, now, thoroughly=thoroughly)
        for issue in list(now.open.values()):
            for number in issues.references(issue.body, self.repo):
                if not self._is_known(number, now):
                    await self._again(number, before, now, thoroughly=thoroughly)
        await self._read_comments(now)
        newer = {number: issue for number, issue in before.open.items() if number in self._changed}
        now.open |= newer
        self._seen = now

    def _labels(self, follow: Collection[int]) -> tuple[str, ...]:
        names = self._settings().labels
        return (names.ready, names.in_progress, names.blocked, names.in_review) if follow else (names.ready,)

    async def _again(self, number: int, before: _Seen, now: _Seen, *, thoroughly: bool) -> None:
        """An issue that no list has: it was closed, lost its labels, or never had any."""
        known = before.open.get(number) if not thoroughly else None
        if known is not None and not self._was_listed(known):
            now.open[number] = known
            return
        if not thoroughly and number in before.closed:
            now.closed[number] = before.closed[number]
            return
        if not thoroughly and number in before.gone:
            now.gone.add(number)
            return
        await self._ask(number, now)

    def _was_listed(self, issue: Issue) -> bool:
        return not set(self._labels((1,))).isdisjoint(issue.labels)

    async def _ask(self, number: int, now: _Seen) -> None:
        try:
            issue = await self.issues.get(number)
        except ForgeTrouble as trouble:
            if trouble.trouble is not Trouble.GONE:
                raise
            now.gone.add(number)
        else:
            (now.open if issue.open else now.closed)[number] = issue

    def _is_known(self, number: int, seen: _Seen) -> bool:
        return number in seen.open or number in seen.closed or number in seen.gone

    async def _read_comments(self, now: _Seen) -> None:
        kept: dict[int, tuple[str, list[Comment]]] = {}
        for number, issue in now.open.items():
            updated, comments = now.comments.get(number, ("", []))
            if updated != issue.updated:
                comments = await self.issues.comments(number) if issue.comments else []
            kept[number] = (issue.updated, comments)
        now.comments = kept

    @property
    def known_login(self) -> str:
        """Whom GitHub takes us for; empty before it was asked."""
        return self._login

    async def login(self) -> str:
        """Whom GitHub takes us for."""
        if not self._login:
            self._login = (await self.gh.probe()).login
        return self._login

    async def trust(self) -> Trust:
        """Whose words count. GitHub is asked who we are only before anything was seen there."""
        return Trust.of(self._settings().forge.authors, await self.login())

    # -- tickets -----------------------------------------------------------------------------------------------------

    async def tickets(self) -> list[TicketRecord] | None:
        """The open issues of the last look, by number; None before there was one."""
        if self._seen is None:
            return None
        trust = await self.trust()
        return [self._record(issue, self._seen, trust) for _, issue in sorted(self._seen.open.items())]

    def _record(self, issue: Issue, seen: _Seen, trust: Trust) -> TicketRecord:
        wanted = issues.references(issue.body, self.repo)
        # What a person closed as done is done, whoever did it.
        done = {number for number, other in seen.closed.items() if other.state_reason != "not_planned"}
        open_ones = tuple(number for number in wanted if number not in done and number != issue.number)
        comments = seen.comments.get(issue.number, ("", []))[1]
        return issues.record(issue, comments, open_ones, trust)

    def is_open(self, number: int) -> bool:
        """Whether the last look showed the issue, and open."""
        return self._seen is not None and number in self._seen.open

    def is_closed(self, number: int) -> bool:
        """Whether the last look showed that the issue was closed, or is not there any more."""
        return self._seen is not None and (number in self._seen.closed or number in self._seen.gone)

    def note(self, issue: Issue) -> None:
        """What was seen of one issue between two looks, or done to it."""
        self._changed.add(issue.number)
        if self._seen is not None:
            self._seen.open.pop(issue.number, None)
            self._seen.closed.pop(issue.number, None)
            (self._seen.open if issue.open else self._seen.closed)[issue.number] = issue

    # -- acts --------------------------------------------------------------------------------------------------------

    async def create_ticket(
        self,
        title: str,
        body: str = "",
        labels: Sequence[str] = (),
        depends_on: Sequence[int] = (),
        priority: int = DEFAULT_PRIORITY,
        scope: Sequence[str] = (),
    ) -> TicketRecord:
        """Open an issue.

        Raises:
            UsageError: empty title, or a scope, which issues do not have; ForgeTrouble: GitHub did not do it.
        """
        if scope:
            raise UsageError("issues have no scope", one_line(", ".join(scope)), "say it in the text")
        name = one_line(title, MAX_TITLE)
        if not name:
            raise UsageError("ticket without a title", "the title is empty", "say in one line what is to be done")
        needs = f"\n\nBlocked by {', '.join(f'#{number}' for number in depends_on)}" if depends_on else ""
        wanted = [*labels, *([f"P{priority}"] if priority != DEFAULT_PRIORITY else [])]
        issue = await self.issues.create(name, f"{clean(body)}{needs}".strip(), wanted)
        return TicketRecord(issue.number, issue.title, issue.body, issue.labels, tuple(depends_on), priority)

    async def set_labels(self, number: int, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Change the labels of an issue or pull request."""
        try:
            await self.issues.add_labels(number, [label for label in add if label not in remove])
            for label in remove:
                await self.issues.remove_label(number, label)
        except ForgeTrouble as trouble:
            if trouble.trouble is Trouble.GONE:
                raise NoSuchTicket(trouble.title, trouble.message, trouble.hint) from trouble
            raise
        known = self._seen.open.get(number) if self._seen is not None else None
        if known is not None:
            kept = [label for label in known.labels if label not in remove]
            self.note(replace(known, labels=tuple(dict.fromkeys([*kept, *add]))))

    async def comment(self, number: int, text: str) -> None:
        """Add a comment."""
        await self.issues.comment(number, clean(text))

    async def delete_comment(self, comment: int) -> None:
        """Take a comment of ours back."""
        await self.gh.send("DELETE", f"repos/{self.repo}/issues/comments/{comment:d}")

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Nothing tells of changes; they are looked for."""
        await stop.wait()
        none: tuple[None, ...] = ()
        for change in none:
            yield change
