"""What may be tagged as a release, and by whose word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.approval_policy import agent_may_tag, for_tag, terms
from fleet_tui.governance.release import Ground, Reason
from fleet_tui.governance.tagging import Facts, is_version, objections
from fleet_tui.settings.approval import ApprovalPolicy

GOOD = Facts("v1", "a" * 40, "main", on_target=True, landed=3, newest="a" * 40)


@pytest.mark.parametrize("version", ["1", "v1.2.0", "2026-11-27", "v1.0.0-rc.1+build_5"])
def test_versions(version: str) -> None:
    assert is_version(version)


@pytest.mark.parametrize(
    "version",
    [
        "",
        "-f",
        "a b",
        "v1..2",
        "x.lock",
        "v1.",
        "v1/2",
        "ä",
        "$(id)",
        "v" * 65,
        "refs/heads/x",
        "v1\n",
        ".x",
        "HEAD",
        "FETCH_HEAD",
    ],
)
def test_what_is_no_version(version: str) -> None:
    assert not is_version(version)


@pytest.mark.parametrize(
    ("change", "grounds"),
    [
        ({}, []),
        ({"taken": ("GitHub",)}, [Ground.TAG]),
        ({"on_target": False}, [Ground.TARGET]),
        ({"landed": None}, [Ground.UNGATED]),
        ({"gates": (Reason(Ground.CHECKS, "gate test: failed"),)}, [Ground.CHECKS]),
        ({"halted": True}, [Ground.BLOCKED]),
        ({"alarms": ("landed-differs",)}, [Ground.TARGET]),
        ({"landing": (4,)}, [Ground.BLOCKED]),
        ({"waits": True}, [Ground.CHECKOUT]),
        ({"uncommitted": ("app.py",)}, [Ground.CHECKOUT]),
        ({"taken": ("GitHub",), "halted": True, "landed": None}, [Ground.TAG, Ground.UNGATED, Ground.BLOCKED]),
    ],
)
def test_every_reason_is_told(change: dict[str, Any], grounds: list[Ground]) -> None:
    assert [reason.ground for reason in objections(replace(GOOD, **change))] == grounds


def policy(**more: Any) -> ApprovalPolicy:
    return ApprovalPolicy.model_validate(more)


def test_an_agent_needs_no_person_only_where_nothing_asks_for_one() -> None:
    free = {"when": "sensitive"}
    assert agent_may_tag(policy(**free), "L1")
    assert not agent_may_tag(policy(**free), "L0")
    assert not agent_may_tag(policy(when="always"), "L1")
    assert not agent_may_tag(policy(**free, rules=[{"name": "x", "acts": ["tag"]}]), "L1")
    assert agent_may_tag(policy(**free, rules=[{"name": "x", "acts": ["release"]}]), "L1"), "that is about merges"


def test_a_rule_about_tags_is_about_nothing_else() -> None:
    rules = [{"name": "two", "acts": ["tag"], "quorum": 2, "expires_h": 3}]
    wanted = for_tag(policy(rules=rules))
    assert (wanted.quorum, wanted.expires_h, wanted.reasons) == (2, 3, ("rule two",))
    assert terms(policy(rules=rules), RiskBand.HIGH, ["CHANGELOG.md"]).quorum == 1
    assert for_tag(policy()).quorum == 1
    for more in ({"acts": ["tag", "merge"]}, {"acts": ["tag"], "paths": ["*"]}, {"acts": ["tag"], "bands": ["high"]}):
        with pytest.raises(ValidationError, match="rule of its own"):
            policy(rules=[{"name": "x", **more}])
