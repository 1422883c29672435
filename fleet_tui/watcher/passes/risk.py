"""Risk: every living run and open pull request is scored as its work changes, and what follows from it is done."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import RiskChanged
from fleet_tui.domain.model import PullRequest, Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, RiskBand
from fleet_tui.git.worktree import Worktree
from fleet_tui.governance.risk.evidence import Evidence, bounded, to_json
from fleet_tui.governance.risk.score import kinds, score
from fleet_tui.store.reader import EventFilter
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes.containment import quarantine
from fleet_tui.watcher.risk.behaviour import TELLING, behaviour
from fleet_tui.watcher.risk.diffs import evidence_of
from fleet_tui.watcher.risk.every_commit import with_every_commit
from fleet_tui.watcher.risk.lookout import Watched

_FADES_NS = 30_000_000_000
"""How often what depends on time alone is looked at."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scored: the run, or the pull request at its head."""

    name: str
    agent: str
    score: int
    band: RiskBand
    reasons: tuple[str, ...]
    ticket: int | None
    run: str | None = None
    pr: int | None = None
    head_sha: str | None = None
    known: bool = True
    """Whether the score is of this very head."""


async def observe(ctx: Context) -> None:
    """Start a look at everything whose risk may be another by now."""
    live, pulls = ctx.reader.runs(*LIVE_RUNS), ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS))
    await _forget_others(ctx, live, pulls)
    mark, policy = _mark(ctx), ctx.policy
    for run in live:
        tip = await _tip(ctx, run)
        if tip is None:
            continue
        work = f"{tip}:{policy}:{_scope(ctx, run.ticket)}"
        watched = _watched(ctx, run)
        if ctx.risk_marks.get(f"run:{run.id}") != mark + work or (watched is not None and watched.is_due):
            look = _look_at_run(ctx, run, tip, work, mark)
            _start(ctx, f"risk:run:{run.id}", look)
    for pull in pulls:
        tip = await _tip(ctx, pull)
        if tip is None:
            continue
        work = f"{pull.head_sha}:{policy}:{_scope(ctx, pull.ticket)}"
        known = pull.risk_head == pull.head_sha
        if ctx.risk_marks.get(f"pr:{pull.number}") != mark + work or not known:
            _start(ctx, f"risk:pr:{pull.number}", _look_at_pull_request(ctx, pull, tip, work, mark))


async def _tip(ctx: Context, work: Run | PullRequest) -> str | None:
    """The target's commit where it is done; None where a further repository cannot be told anything of."""
    try:
        return await ctx.repository_of(work).base()
    except FleetError:
        if ctx.is_home(work):
            raise
        return None


def _start(ctx: Context, key: str, look: Coroutine[object, object, None]) -> None:
    if not ctx.jobs.start(key, lambda: look):
        look.close()  # one is under way, or rests after a failure


async def _forget_others(ctx: Context, live: Sequence[Run], pulls: Sequence[PullRequest]) -> None:
    await ctx.lookout.keep_only(run.id for run in live)
    names = {*(f"run:{run.id}" for run in live), *(f"pr:{pull.number}" for pull in pulls)}
    for remembered in (ctx.risk_seen, ctx.risk_marks):
        for name in set(remembered) - names:
            del remembered[name]


def _mark(ctx: Context) -> str:
    """Changes when a look may find something without a change of the work: another event that tells, time gone by."""
    latest = ctx.reader.events(EventFilter(kinds=TELLING), limit=1)
    told = latest[-1].seq if latest else 0
    return f"{told}:{ctx.now_ns() // _FADES_NS}:"


def is_told(ctx: Context, pull: PullRequest) -> bool:
    """Whether the risk of the pull request's head is known, or cannot be found out: then a person is asked."""
    return pull.risk_head == pull.head_sha or ctx.jobs.failures(f"risk:pr:{pull.number}") > 0


# -- looking -----------------------------------------------------------------------------------------------------------


def _is_author(ctx: Context, run: Run) -> bool:
    return run.ticket is not None and bool(run.workspace) and ctx.settings.family(run.role).name == "author"


def _watched(ctx: Context, run: Run) -> Watched | None:
    if not _is_author(ctx, run):
        return None
    scratch, control = ctx.paths.scratch / run.id, ctx.repository_of(run).control.path
    return ctx.lookout.of(run.id, lambda: Worktree(control, Path(run.workspace), run.base_sha, scratch))


async def _look_at_run(ctx: Context, run: Run, tip: str, work: str, mark: str) -> None:
    name, seen, changed_ns = f"run:{run.id}", Evidence(), 0
    watched = _watched(ctx, run)
    if watched is not None:
        seen, changed_ns = await _of_worktree(ctx, name, watched, tip, work, run), watched.changed_ns
    fresh = ctx.reader.run(run.id)
    if fresh is None or fresh.state not in LIVE_RUNS:
        return
    seen = replace(seen, behaviour=behaviour(ctx, (fresh,), None, changed_ns))
    await _score(ctx, _of_run(fresh), seen)
    ctx.risk_marks[name] = mark + work


async def _of_worktree(ctx: Context, name: str, watched: Watched, tip: str, work: str, run: Run) -> Evidence:
    changed = watched.is_due and await watched.look(ctx.now_ns())
    if changed or ctx.risk_seen.get(name, ("",))[0] != work:
        diffs = await watched.tree.diff(tip)
        found = await asyncio.to_thread(evidence_of, diffs, ctx.settings.risk, _scope(ctx, run.ticket))
        ctx.risk_seen[name] = (work, found)
    await ctx.lookout.watch(watched)
    return ctx.risk_seen[name][1]


async def _look_at_pull_request(ctx: Context, pull: PullRequest, tip: str, work: str, mark: str) -> None:
    name = f"pr:{pull.number}"
    if ctx.risk_seen.get(name, ("",))[0] != work:
        control = ctx.repository_of(pull).control
        diffs = await control.whole_diff(tip, pull.head_sha)
        found = await asyncio.to_thread(evidence_of, diffs, ctx.settings.risk, _scope(ctx, pull.ticket))
        ctx.risk_seen[name] = (work, await with_every_commit(control, tip, pull.head_sha, found))
    fresh = ctx.reader.pull_request(pull.number)
    if fresh is None or fresh.head_sha != pull.head_sha or fresh.state not in OPEN_PULL_REQUESTS:
        return
    worked = [run for run in ctx.reader.runs(ticket=pull.ticket) if _is_author(ctx, run)]
    seen = replace(ctx.risk_seen[name][1], behaviour=replace(behaviour(ctx, worked, pull.number), silence_s=0))
    await _score(ctx, _of_pull_request(fresh), seen)
    ctx.risk_marks[name] = mark + work


def _of_run(run: Run) -> Subject:
    return Subject(f"run:{run.id}", run.agent, run.risk, run.risk_band, run.risk_reasons, run.ticket, run=run.id)


def _of_pull_request(pull: PullRequest) -> Subject:
    known = pull.risk_head == pull.head_sha
    was = (pull.risk, pull.risk_band, pull.risk_reasons)
    name = f"pr:{pull.number}"
    return Subject(name, pull.agent, *was, pull.ticket, pr=pull.number, head_sha=pull.head_sha, known=known)


def _scope(ctx: Context, number: int | None) -> tuple[str, ...]:
    ticket = ctx.reader.ticket(number) if number is not None else None
    return ticket.scope if ticket else ()


async def _score(ctx: Context, about: Subject, seen: Evidence) -> None:
    """Write the score down when it is another than before."""
    rules, now_ns = ctx.settings.risk, ctx.now_ns()
    agent = ctx.reader.agent(about.agent)
    seen = replace(seen, floor=agent.risk_floor if agent else 0)
    kept = await asyncio.to_thread(bounded, seen, kinds(rules, seen.scope))
    found = score(kept, rules, now_ns, about.band)
    reasons: list[str] = [reason.text for reason in found.reasons]
    if about.known and (found.points, found.band, tuple(reasons)) == (about.score, about.band, about.reasons):
        return
    changed = RiskChanged(
        about.agent,
        found.points,
        found.band.value,
        about.band.value,
        reasons,
        to_json(kept),
        hashlib.sha256(rules.model_dump_json().encode()).hexdigest()[:12],
        now_ns,
        about.run,
        about.pr,
        about.ticket,
        about.head_sha,
    )
    await ctx.say(changed, about.name)


# -- what follows ------------------------------------------------------------------------------------------------------


async def enforce(ctx: Context) -> None:
    """Tell a person about medium and high risk, and quarantine at critical. High risk also asks at the gate, and its
    agent gets one run at a time: see approvals and dispatch."""
    standing = _standing(ctx)
    for band, priority, response in (
        (RiskBand.MEDIUM, 3, "see `fleet risk explain`; look at what it changes"),
        (RiskBand.HIGH, 2, "see `fleet risk explain`; look at what it changes before you approve it"),
    ):
        titles = {s.name: f"{_what(s)}: risk {s.score} {s.band}, {_first(s)}" for s in standing if s.band is band}
        over = "its risk is another now, or it has ended"
        await alarms.keep(ctx, f"risk-{band}", titles, priority=priority, response=response, over=over)
    for subject in standing:
        if subject.band is RiskBand.CRITICAL:
            await _contain(ctx, subject)


def _standing(ctx: Context) -> list[Subject]:
    """Everything that has a score now."""
    runs = ctx.reader.runs(*LIVE_RUNS)
    pulls = ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS))
    return [*map(_of_run, runs), *map(_of_pull_request, pulls)]


def _what(subject: Subject) -> str:
    return f"PR {subject.pr} by {subject.agent}" if subject.pr is not None else subject.agent


def _first(subject: Subject) -> str:
    return "; ".join(subject.reasons[:2])


async def _contain(ctx: Context, subject: Subject) -> None:
    """Quarantine once, and again only when it is worse by another ten points: what a person released stays released."""
    agent = ctx.reader.agent(subject.agent)
    if agent is None or agent.quarantined:
        return
    reason = f"risk {subject.score} {subject.band}: {_first(subject)}"
    key = f"risk:{_entered(ctx, subject)}:{subject.score // 10}"
    await quarantine(ctx, agent, reason, rule="risk", actor="watcher", key=key)


def _entered(ctx: Context, subject: Subject) -> str:
    """The id of the event with which the work on this ticket became critical; a new run on it inherits that."""
    subjects = {subject.name}
    if subject.ticket is not None:
        subjects |= {f"run:{run.id}" for run in ctx.reader.runs(ticket=subject.ticket)}
        subjects |= {f"pr:{pull.number}" for pull in ctx.reader.pull_requests() if pull.ticket == subject.ticket}
    wanted = EventFilter(kinds=(RiskChanged.kind,), subjects=tuple(sorted(subjects)))
    entered = ""
    for event in ctx.reader.events(wanted, limit=1_000):
        critical = event.payload["band"] == RiskBand.CRITICAL
        entered = (entered or event.id) if critical else ""
    return entered or subject.name
