"""Pushes, takeovers and verdicts in any order: an approved head was read by somebody who did not write it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fleet_tui.domain.model import Review
from fleet_tui.domain.states import Verdict
from fleet_tui.governance.capabilities import may_decide_on
from fleet_tui.governance.reviews import Reviewer, conclude
from tests.examples import tried
from tests.governance.test_capabilities_and_lifecycle import _pull_request
from tests.governance.test_dispatch import run

AGENTS = ("ada", "bo", "cy", "di")
ANYBODY = st.sampled_from(AGENTS)


class PullRequestLife(RuleBasedStateMachine):
    """Everybody may try everything; what `may_decide_on` lets through is recorded, as the watcher does."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = ["aaaa"]
        self.authors = {"ada"}
        self.reviews: list[Review] = []
        self.started: list[tuple[str, str]] = []

    @property
    def pull_request(self) -> Any:
        return _pull_request(head_sha=self.heads[-1])

    @rule(who=ANYBODY)
    def push(self, who: str) -> None:
        """By whoever has the branch now: also one that has reviewed before."""
        self.authors.add(who)
        self.heads.append(f"{len(self.heads):04d}")

    @rule(who=ANYBODY)
    def start(self, who: str) -> None:
        self.started.append((who, self.heads[-1]))

    @rule(nth=st.integers(0, 20), verdict=st.sampled_from(Verdict), number=st.sampled_from([1, 1, 1, 2, None]))
    def speak(self, nth: int, verdict: Verdict, number: int | None) -> None:
        """A run, old or new, says its verdict."""
        if not self.started:
            return
        who, head = self.started[nth % len(self.started)]
        kind = "pr_approved" if verdict is Verdict.APPROVED else "pr_changes_requested"
        decision = may_decide_on(run(who, pr=number, head_sha=head), self.pull_request, kind, self.authors)
        assert decision.allowed is (number == 1 and head == self.heads[-1] and who not in self.authors)
        if decision.allowed:
            self.reviews.append(_review(who, self.heads[-1], verdict))

    @invariant()
    def approval_means_read_by_another_at_this_head(self) -> None:
        asked = [Reviewer(name, "tech-lead") for name in AGENTS]
        for required in ("all", 1, 2):
            outcome = conclude(self.pull_request, self.reviews, asked, required, self.authors)
            if outcome.conclusion != "approved":
                continue
            others = set(AGENTS) - self.authors
            said = {r.agent for r in self.reviews if r.head_sha == self.heads[-1] and r.verdict is Verdict.APPROVED}
            assert said & self.authors <= {r.agent for r in self.reviews}
            wanted = len(others) if required == "all" else min(int(required), len(others))
            assert len(said - self.authors) >= wanted


def _review(agent: str, head: str, verdict: Verdict) -> Review:
    fields = dict.fromkeys(Review.__dataclass_fields__)
    fields |= {"pr": 1, "agent": agent, "run": f"run-{agent}", "role": "tech-lead", "head_sha": head}
    return Review(**(fields | {"verdict": verdict, "summary": "s"}))  # type: ignore[arg-type]


TestPullRequestLife = PullRequestLife.TestCase
TestPullRequestLife.settings = tried(300, stateful_step_count=30)
