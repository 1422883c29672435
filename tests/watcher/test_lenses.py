"""Lenses: a reviewer is told what to look for, its verdict carries it, and a band's needs are never waived."""

from __future__ import annotations

import copy

from fleet_tui.domain.states import PullRequestState, RiskBand
from fleet_tui.watcher.runs import prompt
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

TEAM = [
    agent("dev", "developer"),
    agent("lee", "tech-lead"),
    agent("quinn", "qa-engineer"),
    agent("sam", "security-reviewer"),
]
RISKY: dict[str, str | None] = {".github/workflows/ci.yml": "on: push\n", "Makefile": "all:\n\ttrue\n"}


def for_all(**needs: object) -> dict[str, object]:
    """The same needs for every band, so that a test does not depend on the score of its change."""
    return {"bands": {band.value: copy.deepcopy(needs) for band in RiskBand}}


async def written(fleet: Fleet, files: dict[str, str | None] | None = None) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    await fleet.settle()


async def test_each_reviewer_is_told_its_lens_and_its_verdict_carries_it(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await written(fleet)
    asked = {run.agent: run for run in fleet.occupying()}
    assert {name: run.lens for name, run in asked.items()} == {
        "lee": "correctness",
        "quinn": "does-it-run",
        "sam": "security",
    }
    told = prompt.build(fleet.ctx, asked["sam"], fleet.ctx.settings.agent("sam"))
    assert "## Your lens: security" in told
    assert "What could somebody do with this change that nobody wants?" in told
    assert "Try to refute this change." in told
    assert "When you are not certain that it is right, ask for changes" in told
    other = prompt.build(fleet.ctx, asked["quinn"], fleet.ctx.settings.agent("quinn"))
    assert "## Your lens: does-it-run" in other
    assert "refute" not in other
    for name in asked:
        await fleet.verdict(name)
    assert {review.agent: review.lens for review in fleet.ctx.reader.reviews(1)} == {
        "lee": "correctness",
        "quinn": "does-it-run",
        "sam": "security",
    }
    assert {event.payload["lens"] for event in fleet.events("pr_approved")} == {
        "correctness",
        "does-it-run",
        "security",
    }


async def test_agent_names_its_own_lens(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([TEAM[0], agent("lee", "tech-lead", lens="scope")])
    await written(fleet)
    (run,) = fleet.occupying()
    assert run.lens == "scope"


async def test_needed_lens_without_a_reviewer_waits_in_sight_until_there_is_one(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:3], reviews={"required": 1, **for_all(lenses=["security"])})
    await written(fleet)
    for name in ("lee", "quinn"):
        await fleet.verdict(name)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    (alarm,) = fleet.alarms("review-lacking")
    assert "PR 1 (risk low) waits for the lens security: no reviewer has it" in alarm.title
    data = fleet.ctx.settings.model_dump(mode="json")
    await fleet.reconfigure(agents=[*data["agents"], TEAM[3]])
    await fleet.settle()
    assert fleet.alarms("review-lacking") == []
    await fleet.verdict("sam")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_reviewer_with_another_lens_by_now_is_asked_again(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM[:2], reviews=for_all(lenses=["security"]))
    await written(fleet)
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    data = fleet.ctx.settings.model_dump(mode="json")
    await fleet.reconfigure(agents=[data["agents"][0], data["agents"][1] | {"lens": "security"}])
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    assert [review.lens for review in fleet.ctx.reader.reviews(1)] == ["security"]
    assert fleet.pr().state is PullRequestState.GATED


async def test_needed_role_and_number_hold_it_up(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"required": 1, **for_all(required=2, roles=["security*"])})
    await written(fleet)
    await fleet.verdict("sam")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "one of two"
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_higher_risk_needs_more_reviewers(make_fleet: MakeFleet) -> None:
    """As shipped: one approval may suffice, but everybody is heard when the risk is high."""
    fleet = await make_fleet(TEAM, reviews={"required": 1}, risk={"bands": {"medium": 20, "high": 35, "critical": 90}})
    await written(fleet, RISKY)
    assert fleet.pr().risk_band.severity >= RiskBand.HIGH.severity, fleet.pr().risk_reasons
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    for name in ("quinn", "sam"):
        await fleet.verdict(name)
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED


async def test_risk_that_rises_after_the_reviews_reopens_them(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, reviews={"required": 1, "bands": {"high": {"lenses": ["security"]}}})
    await written(fleet, {"auth/login.py": "x = 1\n"})
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
    assert fleet.open_approval().pr == 1
    risk = fleet.ctx.settings.risk.model_dump(mode="json")
    risk["factors"]["size"] = risk["factors"]["size"] | {"points": 60, "per": 1, "free": 0, "cap": 60}
    await fleet.reconfigure(risk=risk)
    await fleet.settle()
    assert fleet.pr().risk_band is RiskBand.HIGH
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert fleet.pr().reason == "at risk high it waits for quinn, sam"
    await fleet.verdict("sam")
    await fleet.verdict("quinn")
    await fleet.settle()
    assert fleet.pr().state is PullRequestState.GATED
