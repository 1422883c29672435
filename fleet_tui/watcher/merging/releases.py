"""What landed since the last release: pull requests with who made and judged them, and what else is on the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import Event, PullRequestMerged, PullRequestPublished, ReleaseTagged
from fleet_tui.domain.states import GateState, Verdict
from fleet_tui.domain.text import one_line
from fleet_tui.git import tags
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.user import UserRepository
from fleet_tui.git.values import Step
from fleet_tui.governance.approval_policy import persons
from fleet_tui.governance.tagging import is_version
from fleet_tui.store.reader import EventFilter, Reader

_MOST_COMMITS = 50_000
_MOST_EVENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Landed:
    """One pull request that landed. ``title`` is the agent's; ``number`` is the forge's, 0 where that is local."""

    pr: int
    ticket: int
    title: str
    agent: str
    reviewers: tuple[str, ...]
    gates: tuple[tuple[str, str], ...]
    """Names and results on the tree that landed."""
    approved_by: tuple[str, ...]
    commit: str
    landed_ns: int
    number: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release of ``commit`` has that ``since`` had not, newest first. ``since`` is a tag; empty: all."""

    target: str
    commit: str
    since: str
    since_commit: str
    pulls: tuple[Landed, ...]
    others: tuple[Step, ...]
    """Commits on the target that are no landing of the fleet's: of people."""


async def contents(
    reader: Reader,
    control: ControlRepository,
    user: UserRepository,
    commit: str,
    since: str = "",
    *,
    released: bool = False,
) -> Contents:
    """What a release of ``commit`` would have; ``since`` is a tag, by default that of the release before: with
    ``released`` also one of ``commit`` itself, for who asks what is new and not what another name would be of.

    Raises:
        UsageError: there is no such tag, or ``commit`` does not contain it.
    """
    if since:
        named: tuple[str, str] | None = await _named(control, user, commit, since)
    else:
        named = await _before(reader, control, user, commit, itself=released)
    tag, base = named or ("", "")
    inside = await control.between(base or None, commit, _MOST_COMMITS)
    merged = [event for event in merges(reader) if event.payload["merge_sha"] in inside]
    landings = {str(event.payload["merge_sha"]) for event in merged}
    # Without a release before it what was there before the fleet would be told too.
    line = await control.line(base, commit, _MOST_COMMITS) if base else []
    others = tuple(step for step in line if step.id not in landings)
    pulls = tuple(_landed(reader, event) for event in reversed(merged))
    return Contents(control.target, commit, tag, base, pulls, others)


def merges(reader: Reader) -> list[Event]:
    """Every landing, in order."""
    return reader.events(EventFilter(kinds=(PullRequestMerged.kind,)), after=0, limit=_MOST_EVENTS)


def tagged(reader: Reader) -> list[Event]:
    """Every release, in order."""
    return reader.events(EventFilter(kinds=(ReleaseTagged.kind,)), after=0, limit=_MOST_EVENTS)


async def commit_named(control: ControlRepository, text: str) -> str:
    """The commit on the target that ``text`` names by the first of its digits.

    Raises:
        UsageError: none, or several.
    """
    told = text.strip().lower()
    found = await control.resolve(f"{told}^{{commit}}") if 7 <= len(told) <= 64 and set(told) <= _HEX else None
    if found is None or not found.startswith(told):  # a ref may be called so
        raise UsageError("no such commit", one_line(text, 80), "git log: seven or more digits of its id")
    return found


_HEX = frozenset("0123456789abcdef")


async def _named(control: ControlRepository, user: UserRepository, commit: str, tag: str) -> tuple[str, str]:
    found = await tags.commit_of(control.path, tag) if is_version(tag) else None
    # Tags that people made are in their own repository only; a name of theirs may have more parts than one of ours.
    found = found or await tags.commit_of(user.path, tag)
    if found is None:
        raise UsageError(
            "no such tag", one_line(tag, 80), "git tag --list; those of a forge come with `git fetch --tags`"
        )
    if not await control.known([found]) or not await control.is_ancestor(found, commit):
        raise UsageError("not before it", f"{commit[:8]} does not contain {one_line(tag, 80)}", "name an earlier tag")
    return tag, found


async def _before(
    reader: Reader, control: ControlRepository, user: UserRepository, commit: str, *, itself: bool
) -> tuple[str, str] | None:
    """The release before ``commit``: the fleet's last one that it contains, else the nearest tag of a person's."""
    for event in reversed(tagged(reader)):
        tag, at = str(event.payload["version"]), str(event.payload["commit"])
        if (itself or at != commit) and await control.is_ancestor(at, commit):
            return tag, at
    nearest = await tags.newest(user.path, commit, itself=itself)
    found = await tags.commit_of(user.path, nearest) if nearest is not None else None
    if nearest is None or found is None or not await control.known([found]):
        return None
    return nearest, found


def _landed(reader: Reader, event: Event) -> Landed:
    facts = event.payload
    number, head = int(facts["pr"]), str(facts["head_sha"])
    pull = reader.pull_request(number)
    approval = reader.approval(facts["approval"]) if facts.get("approval") else None
    votes = (*approval.votes, *filter(None, [approval.decided_by])) if approval is not None else ()
    shown, url = _shown(reader, number)
    return Landed(
        pr=number,
        ticket=int(facts["ticket"]),
        title=pull.title if pull is not None else "",
        agent=pull.agent if pull is not None else "",
        reviewers=_reviewers(reader, number, head),
        gates=_gates(reader, str(facts["tree"])),
        approved_by=persons(votes),
        commit=str(facts["merge_sha"]),
        landed_ns=event.at_ns,
        number=shown,
        url=url,
    )


def _reviewers(reader: Reader, number: int, head: str) -> tuple[str, ...]:
    given = [one for one in reader.reviews(number) if one.head_sha == head and one.verdict is Verdict.APPROVED]
    return tuple(sorted({one.agent for one in given}))


def _gates(reader: Reader, tree: str) -> tuple[tuple[str, str], ...]:
    ran = sorted(reader.gates(GateState.PASSED, GateState.FAILED, tree=tree), key=lambda gate: gate.started_ns)
    last = {gate.name: gate.state.value for gate in ran if gate.reason != "interrupted"}
    return tuple(sorted(last.items()))


def _shown(reader: Reader, number: int) -> tuple[int, str]:
    wanted = EventFilter(kinds=(PullRequestPublished.kind,), subjects=(f"pr:{number}",))
    told: Sequence[Event] = reader.events(wanted, limit=1)
    return (int(told[-1].payload["number"]), str(told[-1].payload["url"])) if told else (0, "")
