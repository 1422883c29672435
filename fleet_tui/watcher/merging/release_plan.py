"""What a release would be now: who asked for it, what would be in it, and everything that stands against it. Looks, and
changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import Event, ReleaseDeclined, ReleaseRequested, ReleaseSeconded, ReleaseTagged
from fleet_tui.domain.states import ApprovalState, EffectState, PullRequestState
from fleet_tui.domain.text import one_line
from fleet_tui.git import tags
from fleet_tui.governance.approval_policy import for_tag
from fleet_tui.governance.release import Ground, Reason, gate_reasons
from fleet_tui.governance.tagging import Facts, is_version, objections
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.arguments import Args
from fleet_tui.watcher.merging import release_notes
from fleet_tui.watcher.merging.mergeview import gate_results, gates_in_force
from fleet_tui.watcher.merging.releases import Contents, commit_named, contents, merges
from fleet_tui.watcher.repos.landings import LANDING

HOUR_NS = 3_600_000_000_000
_TARGET_ALARMS = ("landed-differs", "target-diverged", "target-missing")
BY_ITSELF = "watcher"
"""Who declines what cannot be tagged any more."""
_KINDS = (ReleaseRequested.kind, ReleaseSeconded.kind, ReleaseDeclined.kind, ReleaseTagged.kind)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release that waits: asked for by ``agent`` in ``run`` (empty: by persons only), and wanted by ``by``."""

    version: str
    commit: str
    agent: str
    run: str
    words: str
    expires_ns: int
    asked_ns: int = 0
    by: tuple[str, ...] = ()
    notes_sha: str = ""
    declined: bool = False
    """Whether a person has declined it before, or the same commit by another name: then no policy speaks for it."""


def pending(ctx: Context) -> dict[str, Wanted]:
    """What was asked for and is neither tagged nor declined nor too old, by version."""
    found: dict[str, Wanted] = {}
    declined: set[str] = set()
    hours = for_tag(ctx.settings.approval).expires_h
    for event in ctx.reader.events(EventFilter(kinds=_KINDS), after=0, limit=100_000):
        _fold(found, event, hours * HOUR_NS)
        if event.kind == ReleaseDeclined.kind and event.payload["by"] != BY_ITSELF:
            declined |= {str(event.payload["version"]), str(event.payload["commit"])}
    return {
        version: replace(one, declined=not declined.isdisjoint((version, one.commit)))
        for version, one in found.items()
        if one.expires_ns > ctx.now_ns()
    }


def _fold(found: dict[str, Wanted], event: Event, lasts_ns: int) -> None:
    facts, version = event.payload, str(event.payload["version"])
    before = found.get(version)
    if event.kind == ReleaseRequested.kind:
        asked = (str(facts["agent"]), str(facts["run"]), str(facts["notes"]))
        found[version] = Wanted(version, str(facts["commit"]), *asked, event.at_ns + lasts_ns, event.at_ns)
    elif event.kind == ReleaseSeconded.kind:
        about = (str(facts["commit"]), str(facts["notes_sha"]))
        given_ns = max(event.at_ns, int(facts["expires_ns"]) - lasts_ns)
        if before is not None and before.expires_ns <= given_ns:
            before = None  # it had lapsed: nobody's word in it counts any more
        same = before is not None and (before.commit, before.notes_sha if before.by else about[1]) == about
        base = before if before is not None and same else Wanted(version, about[0], "", "", "", 0)
        until_ns = max(base.expires_ns, int(facts["expires_ns"]))
        found[version] = replace(base, by=(*base.by, str(facts["by"])), notes_sha=about[1], expires_ns=until_ns)
    else:
        found.pop(version, None)


@dataclass(frozen=True, slots=True)
class Plan:
    version: str
    contents: Contents
    notes: str
    given_sha: str
    """The digest of notes that were given; empty: they are what the fleet puts together."""
    wanted: Wanted | None
    reasons: tuple[Reason, ...]

    @property
    def votes(self) -> tuple[str, ...]:
        """Who wants just this: the same commit, with the same notes."""
        wanted = self.wanted
        return wanted.by if wanted is not None and wanted.notes_sha == self.given_sha else ()

    @property
    def sha(self) -> str:
        """The digest of what a person is shown of it: the commit, the notes, and whose release it is."""
        asked_by = self.wanted.run if self.wanted is not None else ""
        shown = "\0".join((self.version, self.contents.commit, asked_by, self.notes))
        return hashlib.sha256(shown.encode()).hexdigest()

    def refuse(self, seen: object = None) -> None:
        """``seen``: the digest of what was shown; None: nothing was.

        Raises:
            Conflict: something is against it, or it is not what was shown.
        """
        if seen not in (None, self.sha):
            hint = f"fleet release tag {self.version} --dry-run shows what it is now"
            raise Conflict("changed meanwhile", f"{self.version} would be another release by now", hint)
        if self.reasons:
            more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
            hint = f"fleet release tag {self.version} --dry-run tells all of it"
            raise Conflict("not released", f"{self.reasons[0].message}{more}", hint)


async def make(ctx: Context, version: str, args: Args) -> Plan:
    """How things are now."""
    wanted = pending(ctx).get(version)
    at = args.get("at")
    commit = wanted.commit if wanted is not None else await ctx.home.base()
    commit = await commit_named(ctx.home.control, at) if isinstance(at, str) and at else commit
    wanted = wanted if wanted is not None and wanted.commit == commit else None
    since = str(args.get("since") or "")
    found = await contents(ctx.reader, ctx.home.control, ctx.home.user, commit, since)
    given = release_notes.of_a_person(str(args.get("notes") or ""))
    if len(given.encode()) > release_notes.MOST_BYTES:
        raise UsageError("notes too long", f"{len(given.encode())} bytes of at most {release_notes.MOST_BYTES}")
    notes = given or release_notes.text(found, wanted.words if wanted is not None else "")
    digest = hashlib.sha256(given.encode()).hexdigest() if given else ""
    return Plan(version, found, notes, digest, wanted, objections(await _facts(ctx, version, found)))


def version_of(text: str) -> str:
    if not is_version(text):
        raise UsageError("not a version", one_line(text, 80), "letters, digits, `.`, `-`, `+` and `_`, as in v1.2.0")
    return text


async def _facts(ctx: Context, version: str, found: Contents) -> Facts:
    landings = {str(event.payload["merge_sha"]): event.payload for event in merges(ctx.reader)}
    tip, commit = await ctx.home.base(), found.commit
    landed = landings.get(commit)
    line = await ctx.home.control.line(None, tip, 1_000)
    local = ctx.upstream is None
    user = await ctx.home.user.inspect() if local else None
    fleet = ctx.reader.fleet()
    return Facts(
        version=version,
        commit=commit,
        target=found.target,
        on_target=await ctx.home.control.is_ancestor(commit, tip),
        landed=int(landed["pr"]) if landed is not None else None,
        newest=next((step.id for step in line if step.id in landings), ""),
        gates=await _gates(ctx, landed) if landed is not None else (),
        taken=await _taken(ctx, version),
        halted=bool(fleet.halted),
        alarms=tuple(rule for rule in _TARGET_ALARMS if alarms.active(ctx, rule, "fleet")),
        landing=_landing(ctx),
        waits=local and fleet.published_sha != tip,
        uncommitted=user.dirty if user is not None and user.branch == found.target else (),
    )


async def _gates(ctx: Context, landed: dict[str, Any]) -> tuple[Reason, ...]:
    """What the gates in force for that landing say of the tree that landed."""
    try:
        gates = await gates_in_force(ctx, ctx.home, str(landed["base_sha"]))
    except FleetError as error:
        return (Reason(Ground.UNKNOWN, f"its gates cannot be told: {error.title}: {error.message}"),)
    results = gate_results(ctx, str(landed["tree"]), gates)
    return gate_reasons([gate.name for gate in gates], {name: gate.state for name, gate in results.items()})


async def _taken(ctx: Context, version: str) -> tuple[str, ...]:
    places = []
    if await tags.seen(ctx.home.control.path, version) is not None:
        places.append("a release of the fleet's")
    if await tags.seen(ctx.paths.repository, version) is not None:
        places.append("your repository")
    if version == ctx.home.control.target or await tags.branches(ctx.paths.repository, version):
        places.append("a branch, which it would hide")
    if ctx.upstream is not None and await ctx.upstream.remote.tag(version) is not None:
        places.append("GitHub")
    return tuple(places)


def _landing(ctx: Context) -> tuple[int, ...]:
    """Pull requests of the home that are landing, or would by now if their grace time were over."""
    open_ones = ctx.reader.effects(EffectState.ATTEMPTING, EffectState.UNCERTAIN, name="merge")
    found = {int(str(effect.precondition["pr"])) for effect in open_ones}
    found |= {int(key.removeprefix(LANDING)) for key in ctx.jobs.running(LANDING)}
    found |= {approval.pr for approval in ctx.reader.approvals(ApprovalState.HELD)}
    found |= {pull.number for pull in ctx.reader.pull_requests(PullRequestState.MERGING)}
    known = {number: ctx.reader.pull_request(number) for number in found}
    return tuple(sorted(number for number, one in known.items() if one is None or ctx.is_home(one)))
