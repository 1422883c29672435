"""GitHub as a forge: issues with the labels of the fleet are tickets, looked at now and then and kept as seen last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.repositories import label_of
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge import issues
from fleet_tui.forge.aside import Aside
from fleet_tui.forge.base import DEFAULT_PRIORITY, MAX_TITLE, NoSuchTicket, TicketRecord
from fleet_tui.forge.gh import Gh
from fleet_tui.forge.gh_issues import Issues
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.gh_releases import Releases
from fleet_tui.forge.gh_values import Comment, Issue
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.forge.trust import Trust
from fleet_tui.settings.schema import Settings

_MOST_STRANGE = 3
"""Issues of strangers that are told of one by one."""


@dataclass(slots=True)
class _Seen:
    """What the last look showed. ``open`` and ``closed`` are the issues that the fleet has to do with."""

    open: dict[int, Issue] = field(default_factory=dict)
    closed: dict[int, Issue] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    comments: dict[int, tuple[str, list[Comment]]] = field(default_factory=dict)
    """Of an issue, and which update of it they are of."""
    cut: tuple[str, ...] = ()
    """The labels that more issues have than are read."""

    @property
    def known(self) -> set[int]:
        return self.open.keys() | self.closed.keys() | self.gone


class GitHubForge:
    """The issues of ``repo``. Between two looks everybody is told what the last one showed. ``settings`` gives those in
    force."""

    def __init__(self, gh: Gh, settings: Callable[[], Settings], repo: str) -> None:
        self.gh = gh
        self._settings = settings
        self.repo = repo
        self.issues = Issues(gh, self.repo)
        self.pulls = Pulls(gh, self.repo)
        self.releases = Releases(gh, self.repo)
        self._seen: _Seen | None = None
        self._aside = Aside(gh.now_ns)
        """Issues that cannot be read, or taken: each is told by itself, and the others go on."""
        self._changed: set[int] = set()
        """The issues that were changed from here since the look under way began: it may show what was before."""
        self._login, self._is_doubted = "", False

    # -- looking -----------------------------------------------------------------------------------------------------

    async def look(self, follow: Collection[int], *, thoroughly: bool) -> None:
        """See what there is: issues labelled ready, those that ``follow`` names, and what they depend on.

        ``thoroughly`` also asks again about followed ones of which no list tells, which costs a request for each.

        Raises:
            ForgeTrouble: GitHub did not answer; what was seen before stands.
        """
        trust = await self.trust()
        before = self._seen or _Seen()
        self._changed.clear()
        self._aside.begin(anew=thoroughly)
        now = _Seen(comments=before.comments)
        for label in self._labels(follow):
            listed = await self.issues.labelled([label])
            now.open |= {issue.number: self._spelled(issue) for issue in listed.issues}
            now.cut += () if listed.complete else (label,)
        for number in sorted(set(follow) - now.open.keys()):
            await self._again(number, before, now, thoroughly=thoroughly)
        for issue in [issue for issue in now.open.values() if trust.is_trusted(issue)]:
            for number in issues.references(issue.body, self.repo):
                if number not in now.known:
                    await self._again(number, before, now, thoroughly=thoroughly)
        await self._read_comments(now, trust, thoroughly=thoroughly)
        self._aside.only(now.open.keys() | set(follow))
        newer = {number: issue for number, issue in before.open.items() if number in self._changed}
        now.open |= newer
        self._seen = now

    def _labels(self, follow: Collection[int]) -> tuple[str, ...]:
        names = self._settings().labels
        return (names.ready, names.in_progress, names.blocked, names.in_review) if follow else (names.ready,)

    async def _again(self, number: int, before: _Seen, now: _Seen, *, thoroughly: bool) -> None:
        """An issue that no list has: it was closed, lost its labels, or never had any."""
        known = before.open.get(number) if not thoroughly else None
        if known is not None and set(self._labels((1,))).isdisjoint(known.labels):
            now.open[number] = known  # no list would tell of it
            return
        if not thoroughly and number in before.closed:
            now.closed[number] = before.closed[number]
            return
        if not thoroughly and number in before.gone:
            now.gone.add(number)
            return
        await self._ask(number, before, now)

    async def _ask(self, number: int, before: _Seen, now: _Seen) -> None:
        try:
            issue = self._spelled(await self.issues.get(number))
        except ForgeTrouble as trouble:
            if trouble.trouble is Trouble.GONE:
                now.gone.add(number)
                return
            self._aside.put(number, trouble)
            if number in before.open:
                now.open[number] = before.open[number]
        else:
            (now.open if issue.open else now.closed)[number] = issue

    async def _read_comments(self, now: _Seen, trust: Trust, *, thoroughly: bool) -> None:
        """Of the issues that are tickets; those of strangers are nobody's work. What is edited later may leave its
        issue as it was: ``thoroughly`` all are read."""
        kept: dict[int, tuple[str, list[Comment]]] = {}
        for number, issue in now.open.items():
            updated, comments = now.comments.get(number, ("", []))
            wanted = thoroughly or updated != issue.updated
            if wanted and trust.is_trusted(issue) and not self._aside.rests(number):
                try:
                    comments = await self.issues.comments(number) if issue.comments else []
                except ForgeTrouble as trouble:
                    self._aside.put(number, trouble)
                else:
                    updated = issue.updated
                    self._aside.done(number)
            kept[number] = (updated, comments)
        now.comments = kept

    def set_aside(self, number: int, trouble: ForgeTrouble) -> None:
        """Leave an issue alone for a while with which something cannot be done."""
        self._aside.put(number, trouble, rest=True)

    @property
    def known_login(self) -> str:
        """Whom GitHub takes us for; empty before it was asked."""
        return self._login

    async def login(self) -> str:
        """Whom GitHub takes us for."""
        if not self._login:
            self._login = (await self.gh.probe()).login
        return self._login

    def doubt(self) -> None:
        """Something was amiss that a person mends: gh may be another one afterwards, and somebody else logged in."""
        self._is_doubted = True

    async def introduce(self, *, anew: bool) -> None:
        """Find out who we are, when that is not known for sure, or ``anew``.

        Raises:
            ForgeTrouble: gh cannot be used, or GitHub does not know us.
        """
        if anew or self._is_doubted:
            self._login, self._is_doubted = (await self.gh.probe()).login, False

    async def trust(self) -> Trust:
        """Whose words count. GitHub is asked who we are only before anything was seen there."""
        return Trust.of(self._settings().forge.authors, await self.login())

    # -- tickets -----------------------------------------------------------------------------------------------------

    async def tickets(self) -> list[TicketRecord] | None:
        """The open issues of the last look, by number; None before there was one."""
        if self._seen is None:
            return None
        trust = await self.trust()
        found = [self._record(issue, self._seen, trust) for _, issue in sorted(self._seen.open.items())]
        records = [record for record in found if record is not None]
        strange = [number for number, issue in sorted(self._seen.open.items()) if not trust.is_trusted(issue)]
        hidden = set([number for number in strange if number not in self._aside.all_told()][_MOST_STRANGE:])
        listed = [record for record in records if record.number not in hidden]
        return [*listed, *self._of_lists(self._seen, len(hidden))]

    def _of_lists(self, seen: _Seen, strange: int) -> list[TicketRecord]:
        """What is wrong with no issue alone. So many of ``strange`` ones are not told of by themselves."""
        told = [f"label {label}: more issues have it than are read, the oldest are not seen" for label in seen.cut]
        if strange:
            told.append(f"issues: {strange} more by people whose words do not count (forge.authors)")
        hint = "take the label away from those that are not to be worked on"
        return [TicketRecord(0, "", problem=problem, hint=hint) for problem in told]

    def _record(self, issue: Issue, seen: _Seen, trust: Trust) -> TicketRecord | None:
        """None: it is not known yet what it says."""
        trouble = self._aside.told(issue.number)
        if trouble is not None:
            told = f"issue {issue.number}: {trouble.title}: {trouble.message}"
            return TicketRecord(issue.number, one_line(issue.title), problem=told, hint=trouble.hint)
        if trust.is_trusted(issue) and not seen.comments.get(issue.number, ("", []))[0]:
            return None  # its comments could not be read so far
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

    def spelled(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Labels as the configuration spells them: to GitHub `Ready` and `ready` are one."""
        names = {str(name).casefold(): str(name) for name in self._settings().labels.model_dump().values()}
        return tuple(names.get(label.casefold(), label) for label in labels)

    def _spelled(self, issue: Issue) -> Issue:
        return replace(issue, labels=self.spelled(issue.labels))

    def note(self, issue: Issue) -> None:
        """What was seen of one issue between two looks, or done to it."""
        self._changed.add(issue.number)
        if self._seen is not None:
            self._seen.open.pop(issue.number, None)
            self._seen.closed.pop(issue.number, None)
            (self._seen.open if issue.open else self._seen.closed)[issue.number] = self._spelled(issue)

    # -- acts --------------------------------------------------------------------------------------------------------

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
        """Open an issue.

        Raises:
            UsageError: empty title.
            ForgeTrouble: GitHub did not do it.
        """
        name = one_line(title, MAX_TITLE)
        if not name:
            raise UsageError("ticket without a title", "the title is empty", "say in one line what is to be done")
        needs = f"\n\nBlocked by {', '.join(f'#{number}' for number in depends_on)}" if depends_on else ""
        wanted = [*labels, *([f"P{priority}"] if priority != DEFAULT_PRIORITY else [])]
        wanted += [label_of(repo)] if repo else []
        text = f"{clean(body)}{needs}{issues.scope_line(scope)}".strip()
        issue = await self.issues.create(name, text, wanted)
        fields = (issue.title, issue.body, issue.labels, tuple(depends_on), priority)
        return TicketRecord(issue.number, *fields, scope=issues.scope_of(issue.body), repo=repo)

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

    async def beginning_with(self, opening: str) -> list[int]:
        """The open issues of ours whose text begins with ``opening``, of those that changed last."""
        trust, listed = await self.trust(), await self.issues.labelled()
        return sorted(one.number for one in listed.issues if trust.is_ours(one) and one.body.startswith(opening))

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Nothing tells of changes; they are looked for."""
        await stop.wait()
        none: tuple[None, ...] = ()
        for change in none:
            yield change
