"""The demo's own judgement: a log in which a step of governance is missing, or out of order, is no success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet_tui.demo.scenes import governance
from fleet_tui.domain.events import Event

KEY = "AKIA" + "IOSFODNN7EXAMPLQ"
AMOUNT = {"scope": "agent", "name": "cy", "unit": "tokens", "window": "total", "start_ns": 0}
TOLD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("run_queued", {"run": "r5", "agent": "ada"}),
    ("policy_denied", {"act": "publish pr_approved", "reason": "may not", "agent": "ada", "run": "r5"}),
    ("agent_quarantined", {"agent": "ada", "rule": "denials", "reason": "3 acts denied"}),
    ("budget_warning", {**AMOUNT, "used": 130_000, "ceiling": 150_000}),
    ("budget_exhausted", {**AMOUNT, "used": 160_000, "ceiling": 150_000}),
    ("budget_report_asked", {"run": "r1", "agent": "cy"}),
    ("blocker", {"run": "r1", "agent": "cy", "ticket": 1}),
    ("run_state_changed", {"run": "r1", "state": "limited"}),
    ("budget_extended", {**AMOUNT, "extra": 75_000}),
    ("risk_changed", {"agent": "bo", "band": "medium", "score": 30, "reasons": ["+30 pipeline: ci.yml"]}),
    ("risk_changed", {"agent": "bo", "band": "critical", "score": 80,
                      "reasons": ["+30 pipeline: ci.yml", "+50 secrets: key in upload.py:1"]}),
    ("agent_quarantined", {"agent": "bo", "rule": "risk", "reason": "risk 80 critical"}),
    ("pr_merged", {"ticket": 1}),
)  # fmt: skip


def log(*told: tuple[str, dict[str, Any]], by: str = "operator:kim") -> list[Event]:
    actors = {"budget_extended": by}
    return [
        Event(seq, str(seq), 0, "h", kind, actors.get(kind, "watcher"), "", None, None, 1, facts, "", "")
        for seq, (kind, facts) in enumerate(told, 1)
    ]


def lacking(events: list[Event]) -> list[str]:
    return [scene.name for scene in governance(events) if scene.lacks]


def test_a_whole_story_is_told_in_three_sentences() -> None:
    scenes = governance(log(*TOLD))
    assert [scene.lacks for scene in scenes] == ["", "", ""]
    assert [scene.told.split()[0] for scene in scenes] == ["cy", "ada", "bo"]
    assert "warned at 130k tokens of 150k tokens" in scenes[0].told
    assert "operator:kim gave 75k tokens more" in scenes[0].told
    assert "+50 secrets: key in upload.py:1" in scenes[2].told


@pytest.mark.parametrize("missing", [n for n in range(len(TOLD)) if TOLD[n][1].get("band") != "medium"])
def test_every_step_is_needed(missing: int) -> None:
    kind, facts = TOLD[missing]
    agent = facts.get("agent") or facts.get("name") or "cy"
    scene = {"cy": "budget", "ada": "approval", "bo": "risk"}[agent]
    assert lacking(log(*TOLD[:missing], *TOLD[missing + 1 :])) == [scene], kind


def changed(kind: str, **facts: object) -> list[Event]:
    """The log with other facts in the last event of ``kind``."""
    last = max(n for n, (name, _) in enumerate(TOLD) if name == kind)
    return log(*TOLD[:last], (kind, {**TOLD[last][1], **facts}), *TOLD[last + 1 :])


@pytest.mark.parametrize(
    ("events", "scene"),
    [
        (lambda: log(*TOLD, by="watcher"), "budget"),
        (lambda: log(*TOLD[:5], TOLD[8], *TOLD[5:8], *TOLD[9:]), "budget"),
        (lambda: log(TOLD[-1], *TOLD[:-1]), "budget"),
        (lambda: changed("policy_denied", agent="bo"), "approval"),
        (lambda: log(*TOLD, ("pr_approved", {"agent": "ada"})), "approval"),
        (lambda: changed("risk_changed", reasons=["+80 size: 9000 lines"]), "risk"),
        (lambda: log(*TOLD, ("note", {"summary": f"the key is {KEY}"})), "risk"),
    ],
    ids=["no person", "extended before the hold", "landed before", "another's name", "counted", "unnamed", "leaked"],
)
def test_what_is_not_as_it_must_be(events: Callable[[], list[Event]], scene: str) -> None:
    assert lacking(events()) == [scene]
