"""Whatever authors push and publish in whatever order: a rejection stands until others approve what is new, and the
rounds end at a person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.events import (
    ApprovalDenied,
    Draft,
    Event,
    Payload,
    PullRequestApproved,
    PullRequestChangesRequested,
    PullRequestCreated,
    PullRequestNeedsReview,
    PullRequestStateChanged,
    PullRequestUpdated,
    TicketUnblocked,
    draft,
)
from fleet_tui.domain.model import PullRequest, Review
from fleet_tui.domain.states import PullRequestState as State
from fleet_tui.governance import reviews as rules
from fleet_tui.governance.capabilities import may_decide_on
from fleet_tui.governance.reviews import HandOver, Reviewer, conclude, next_round, objections_to
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.rows import values
from fleet_tui.store.tables import PULL_REQUEST, REVIEW, MemoryTables
from tests.examples import tried
from tests.governance.rejections import violations
from tests.governance.test_dispatch import run

BOUND = 2
AUTHORS = ("ada", "bo")
REVIEWERS = ("lee", "quinn", "quincy")
ROLES = {"lee": "tech-lead", "quinn": "qa-lead", "quincy": "qa-lead"}
Rule = Callable[..., HandOver]


class Life:
    """One pull request: the real decisions and the real projections, with people and agents who do what they like."""

    def __init__(self, required: int | str, rule: Rule) -> None:
        self.log: list[Draft] = []
        self._tables = MemoryTables()
        self._required = required
        self._rule = rule
        self._contained: set[str] = set()
        self._authors = {"ada"}
        self.heads = ["head-0"]
        made = PullRequestCreated(1, 1, "t", "", "b", "main", "ada", "run-0", "head-0", "base", 1, 1, 1)
        self._say(made, "agent:ada/run-0")

    @property
    def pull_request(self) -> PullRequest:
        return values(PullRequest, self._tables.rows(PULL_REQUEST))[0]

    @property
    def reviews(self) -> list[Review]:
        return values(Review, self._tables.rows(REVIEW))

    def outcome(self) -> rules.ReviewOutcome:
        asked = [Reviewer(name, ROLES[name], name in self._contained) for name in REVIEWERS]
        return conclude(self.pull_request, self.reviews, asked, self._required, self._authors)

    def publish(self, who: str, head: int) -> None:
        """Some head of the past or, beyond those, a new one."""
        name = self.heads[head] if head < len(self.heads) else f"head-{len(self.heads)}"
        now = self.pull_request
        objections = objections_to(now, self.reviews, self._authors)
        decision = self._rule(now, objections, name, self.heads, BOUND)
        if decision.refusal:
            return
        if name not in self.heads:
            self.heads.append(name)
        self._authors.add(who)
        self._say(PullRequestUpdated(1, name, "base", f"run-{who}", 1, 1, 1), f"agent:{who}/run-{who}")
        self._say(PullRequestNeedsReview(1, name, decision.round))

    def verdict(self, who: str, head: int, approves: bool) -> None:
        """Given by a run that was started for some head of the past."""
        kind = PullRequestApproved if approves else PullRequestChangesRequested
        sha = self.heads[head % len(self.heads)]
        reading = run(who, pr=1, head_sha=sha)
        if may_decide_on(reading, self.pull_request, kind.kind, self._authors).allowed:
            self._say(kind(1, who, reading.id, "role", sha, "because"), f"agent:{who}/{reading.id}")

    def everybody(self, approves: bool) -> None:
        for name in REVIEWERS:
            self.verdict(name, -1, approves)

    def gate(self, passes: bool) -> None:
        if self.pull_request.state is State.APPROVED:
            if passes:
                self._move(State.GATED)
            else:
                self._send_back()

    def person(self, act: str) -> None:
        state = self.pull_request.state
        if act in REVIEWERS:
            self._contained ^= {act}
        elif act == "let go on" and state is State.BLOCKED:
            self._say(TicketUnblocked(1, "by hand"), "operator:kim", "ticket:1")
            self._move(State.CHANGES_REQUESTED)
        elif act in ("changes", "reject") and state is not State.BLOCKED:
            self._say(ApprovalDenied("approval-1", 1, "operator:kim", act, "no"), "operator:kim")
            self._move(State.CHANGES_REQUESTED if act == "changes" else State.BLOCKED)

    def look(self) -> None:
        """What the watcher makes of it, as in its pass."""
        now = self.pull_request
        if now.state in (State.APPROVED, State.GATED) and objections_to(now, self.reviews, self._authors):
            self._move(State.NEEDS_REVIEW)
        if self.pull_request.state is State.NEEDS_REVIEW:
            outcome = self.outcome()
            if outcome.conclusion == "approved":
                self._move(State.APPROVED)
            elif outcome.conclusion == "changes_requested":
                self._send_back()
            else:
                assert outcome.missing or outcome.contained, "it waits for somebody"

    def _send_back(self) -> None:
        self._move(State.BLOCKED if next_round(self.pull_request, BOUND) is None else State.CHANGES_REQUESTED)

    def _move(self, state: State) -> None:
        self._say(PullRequestStateChanged(1, state.value, "because", self.pull_request.round))

    def _say(self, payload: Payload, actor: str = "watcher", subject: str = "pr:1") -> None:
        said = draft(payload, subject, actor=actor)
        seq = len(self.log)
        event = Event(seq, f"ev-{seq}", seq, "h", said.kind, actor, subject, None, None, 0, said.payload, "", "")
        apply(self._tables, event)
        self.log.append(said)


acts = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(AUTHORS), st.integers(0, 6)),
    st.tuples(st.just("verdict"), st.sampled_from(REVIEWERS + AUTHORS), st.integers(-1, 6), st.booleans()),
    st.tuples(st.just("verdict"), st.sampled_from(REVIEWERS), st.just(-1), st.booleans()),
    st.tuples(st.sampled_from(("everybody", "gate")), st.booleans()),
    st.tuples(st.just("person"), st.sampled_from((*REVIEWERS, "let go on", "changes", "reject"))),
)
lives = st.lists(st.tuples(acts, st.booleans()), max_size=40)
required_strategy = st.one_of(st.just("all"), st.integers(1, 3))


def lived(life: list[tuple[tuple[object, ...], bool]], required: int | str, rule: Rule) -> Life:
    """``life``: acts, each with whether the watcher looks after it."""
    one = Life(required, rule)
    for (name, *args), looks in life:
        getattr(one, str(name))(*args)
        if looks:
            one.look()
    one.look()
    return one


@tried(400)
@given(lives, required_strategy)
def test_no_sequence_of_publications_undoes_a_rejection_or_outruns_the_bound(
    life: list[tuple[tuple[object, ...], bool]], required: int | str
) -> None:
    one = lived(life, required, rules.hand_over)
    assert violations(one.log, BOUND) == []
    assert len(one.heads) == len(set(one.heads)), "no head is handed over twice"


def by_the_run(pull_request: PullRequest, *_rest: object) -> HandOver:
    """Whatever is published counts, in the round that its run was started in."""
    return HandOver(pull_request.round)


def by_state(pull_request: PullRequest, _objections: object, head_sha: str, *_rest: object) -> HandOver:
    """The round counts what was sent back, and only the current head may not come again."""
    again = head_sha == pull_request.head_sha
    grown = pull_request.round + (pull_request.state is State.CHANGES_REQUESTED)
    return HandOver(grown, "again" if again else "")


UNDONE: list[tuple[tuple[object, ...], bool]] = [
    *((("verdict", name, -1, True), True) for name in REVIEWERS),
    (("gate", False), True),
    (("publish", "ada", 1), True),
    (("publish", "ada", 0), True),
]
OUTRUN: list[tuple[tuple[object, ...], bool]] = [
    act for nth in range(BOUND) for act in ((("verdict", "lee", -1, False), True), (("publish", "ada", nth + 1), True))
]


@pytest.mark.parametrize(
    ("rule", "life", "why"),
    [
        (by_the_run, UNDONE, "no approval"),
        (by_state, UNDONE, "no approval"),
        (by_the_run, OUTRUN, "round 3 of 2"),
        (by_state, OUTRUN, "round 3 of 2"),
    ],
)
def test_judge_catches_weaker_rules(rule: Rule, life: list[tuple[tuple[object, ...], bool]], why: str) -> None:
    assert why in violations(lived(life, "all", rule).log, BOUND)[0]
    assert violations(lived(life, "all", rules.hand_over).log, BOUND) == []


def test_lives_get_somewhere() -> None:
    """The same machinery reaches an approval, and a round that a person gave."""
    rejected = [(("verdict", "lee", -1, False), True), *((("verdict", n, -1, False), True) for n in REVIEWERS[1:])]
    rework = [(("publish", "bo", 9), True)]
    approved = [(("verdict", name, -1, True), True) for name in REVIEWERS]
    one = lived([*rejected, *rework, *rejected], "all", rules.hand_over)
    assert (one.pull_request.state, one.pull_request.round) == (State.BLOCKED, BOUND)
    one = lived(
        [*rejected, *rework, *rejected, (("person", "let go on"), True), *rework, *approved], "all", rules.hand_over
    )
    assert (one.pull_request.state, one.pull_request.round) == (State.APPROVED, BOUND + 1)
    assert violations(one.log, BOUND) == []
    assert violations(one.log, BOUND - 1)
