"""What the reviewers' verdicts add up to, and when work may be handed over. Only verdicts at the current head count."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import PullRequestState, RiskBand, Verdict
from fleet_tui.domain.text import one_line


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who is asked about pull requests. One that is ``contained`` (in quarantine) cannot answer before its release."""

    name: str
    role: str
    contained: bool = False
    lens: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What is needed beyond the usual, by risk. ``required``: exactly so many, or ``all``; None: nothing but the usual.

    Through each of ``lenses``, and of each of ``roles`` (globs), somebody must have approved.
    """

    required: int | str | None = None
    lenses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """``missing`` are the reviewers still to be asked; ``findings`` (so far) go back to the author.

    ``contained`` are the reviewers in quarantine without whom it cannot go on; ``lacking`` is what nobody can give;
    ``objectors`` are those who ask for changes, whether or not they were asked.
    """

    conclusion: Literal["waiting", "approved", "changes_requested"]
    missing: tuple[str, ...]
    reason: str
    findings: tuple[str, ...] = ()
    contained: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    objectors: tuple[str, ...] = ()


def risk_of(pull_request: PullRequest) -> RiskBand:
    """The band of risk that its reviews must satisfy. What cannot be told counts as high."""
    return pull_request.risk_band if pull_request.risk_head == pull_request.head_sha else RiskBand.HIGH


def conclude(
    pull_request: PullRequest,
    reviews: Sequence[Review],
    reviewers: Sequence[Reviewer],
    required: int | str,
    authors: Collection[str] = (),
    needs: Needs | None = None,
) -> ReviewOutcome:
    """The outcome for the current head of ``pull_request``.

    Every reviewer is heard before the author gets findings, so that one round carries them all. A verdict of one of
    the ``authors`` never counts. ``required`` is ``all`` or how many approvals suffice; one objection sends the work
    back. Quarantine lowers no requirement: another of the same role stands in, or the reviewer is waited for. What
    ``needs`` asks for in addition is never waived for want of reviewers.
    """
    writers = {pull_request.agent, *authors}
    asked = sorted((r for r in reviewers if r.name not in writers), key=lambda r: r.name)
    at_head = {r.agent: r for r in reviews if r.head_sha == pull_request.head_sha and _stands(r)}
    heard = at_head.keys()
    objections = objections_to(pull_request, reviews, authors)
    findings = tuple(f"{r.role} ({r.agent}): {r.summary}" for r in objections)
    gaps = _gaps(asked, at_head, needs or Needs())
    missing = tuple(r.name for r in asked if not r.contained and (r.name not in heard or r.name in gaps.able))
    if objections and not missing:
        names = tuple(r.agent for r in objections)
        why = f"{len(objections)} reviewer(s) ask for changes"
        return ReviewOutcome("changes_requested", (), why, findings, objectors=names)
    approvals = [r.name for r in asked if r.name in heard]
    if needs is not None and needs.required is not None:
        required = needs.required
    contained = _indispensable(asked, heard, len(approvals) + len(missing), required)
    contained = tuple(sorted({*contained, *gaps.contained}))
    enough = len(approvals) >= min(required, len(asked)) if isinstance(required, int) else not missing
    if enough and not objections and not contained and not gaps.any:
        return ReviewOutcome("approved", (), f"approved by {', '.join(approvals) or 'no reviewer configured'}")
    waits = [*missing, *(f"{name} (in quarantine)" for name in contained), *gaps.lacking]
    return ReviewOutcome("waiting", missing, f"waits for {', '.join(waits)}", findings, contained, gaps.lacking)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What is still needed: who is ``able`` to give it, who could but is ``contained``, what nobody can."""

    any: bool
    able: frozenset[str]
    contained: frozenset[str]
    lacking: tuple[str, ...]


def _gaps(asked: Sequence[Reviewer], at_head: Mapping[str, Review], needs: Needs) -> _Gaps:
    open_, able, contained, lacking = 0, set(), set(), []
    for what, fits, met in _wanted(asked, at_head, needs):
        if met:
            continue
        open_ += 1
        free = {r.name for r in fits if not r.contained}
        able |= free
        if not free:
            contained |= {r.name for r in fits}
        if not fits:
            lacking.append(what)
    if isinstance(needs.required, int) and len(asked) < needs.required:
        lacking.append(f"{needs.required} reviewers, of whom there are {len(asked)}")
    return _Gaps(bool(open_ or lacking), frozenset(able), frozenset(contained), tuple(lacking))


def _wanted(
    asked: Sequence[Reviewer], at_head: Mapping[str, Review], needs: Needs
) -> Iterator[tuple[str, list[Reviewer], bool]]:
    """Each lens and role that is needed, who could still speak for it, and whether somebody has."""
    for lens in needs.lenses:
        met = any(r.name in at_head and at_head[r.name].lens == lens for r in asked)
        yield f"the lens {lens}", [r for r in asked if r.lens == lens], met
    for role in needs.roles:
        fits = [r for r in asked if fnmatchcase(r.role.lower(), role.lower())]
        yield f"the role {role}", fits, any(r.name in at_head for r in fits)


def _indispensable(
    asked: Sequence[Reviewer], heard: Collection[str], attainable: int, required: int | str
) -> tuple[str, ...]:
    """The contained reviewers whose verdict is needed and that nobody stands in for."""
    absent = [r for r in asked if r.contained and r.name not in heard]
    if isinstance(required, int):
        return tuple(r.name for r in absent) if attainable < min(required, len(asked)) else ()
    covered = {r.role for r in asked if not r.contained}
    return tuple(r.name for r in absent if r.role not in covered)


def _stands(review: Review) -> bool:
    return review.verdict is not Verdict.WITHDRAWN


def is_taken_back(pull_request: PullRequest, reviews: Sequence[Review], asked: Collection[str]) -> bool:
    """Whether those whose objections brought it where it is (``asked``) took them back, and nobody else objects."""
    at_head = [r for r in reviews if r.head_sha == pull_request.head_sha]
    return bool(asked) and not any(r.verdict is Verdict.CHANGES_REQUESTED for r in at_head)


def objections_to(
    pull_request: PullRequest, reviews: Sequence[Review], authors: Collection[str] = ()
) -> tuple[Review, ...]:
    """The verdicts at the current head that ask for changes; whoever gave them but an author."""
    writers = {pull_request.agent, *authors}
    return tuple(
        r
        for r in reviews
        if r.head_sha == pull_request.head_sha and r.verdict is Verdict.CHANGES_REQUESTED and r.agent not in writers
    )


@dataclass(frozen=True, slots=True)
class HandOver:
    """Whether a head may be handed over for review: in which round, or why not (``refusal``) and what to do."""

    round: int
    refusal: str = ""
    hint: str = ""


def next_round(pull_request: PullRequest, max_rounds: int) -> int | None:
    """The round that a rejection leads to, or None when a person must decide first."""
    return pull_request.round + 1 if pull_request.round < max_rounds else None


def hand_over(
    pull_request: PullRequest,
    objections: Sequence[Review],
    head_sha: str,
    seen: Collection[str],
    max_rounds: int,
) -> HandOver:
    """Whether ``head_sha`` may become the head of an open ``pull_request``, whichever run publishes it and however.

    A rejection is answered with a commit that was never handed over (``seen`` are those that were), and the answer is
    a round. What waits for a person goes on when the person says so.
    """
    name, rejected = f"PR {pull_request.number}", is_rejected(pull_request, objections)
    if pull_request.state is PullRequestState.BLOCKED:
        hint = "stop here: when a person lets it go on, its author is started with what is to be done"
        return HandOver(pull_request.round, f"{name} waits for a person: {pull_request.reason}", hint)
    if head_sha == pull_request.head_sha and rejected:
        why = "; ".join(f"{r.agent}: {one_line(r.summary)}" for r in objections) or pull_request.reason
        return HandOver(pull_request.round, f"{name} is rejected at {head_sha[:8]}: {why}", _COMMIT)
    if head_sha == pull_request.head_sha:
        return HandOver(pull_request.round, f"{name} already stands at {head_sha[:8]}", _COMMIT)
    if head_sha in seen:
        return HandOver(pull_request.round, f"{head_sha[:8]} was handed over before for {name}", _COMMIT)
    if not rejected:
        return HandOver(pull_request.round)
    # Back with its author means that the next round was granted when it was sent back: by the bound or by a person.
    if pull_request.state is not PullRequestState.CHANGES_REQUESTED and next_round(pull_request, max_rounds) is None:
        hint = "stop here: a person is asked when every reviewer has been heard"
        return HandOver(pull_request.round, f"the {pull_request.round} rounds of {name} are used up", hint)
    return HandOver(pull_request.round + 1)


def is_rejected(pull_request: PullRequest, objections: Sequence[Review]) -> bool:
    """Whether somebody (reviewer, gate, merge, person) has turned the current head down."""
    return bool(objections) or pull_request.state in (PullRequestState.CHANGES_REQUESTED, PullRequestState.BLOCKED)


_COMMIT = "commit what was asked for, push, publish again"
