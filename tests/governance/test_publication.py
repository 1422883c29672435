"""What leaves for the forge, and what a person sees first."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.publication import in_public, seen_first, withheld

SECRET, LIKELY = "+50 secrets: AWS Access Key in app.py:1", "+15 likely_secrets: a long word in b.py:2"
HARMLESS = "+10 scope: outside of what the ticket names: c.py"


def why(**changes: Any) -> str:
    known: dict[str, Any] = {"risk_known": True, "quarantined": False, "unseen": "", "unmet": None}
    return withheld(changes.pop("band", RiskBand.HIGH), **known | changes)


def test_what_is_in_order_leaves() -> None:
    assert why() == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"quarantined": True},
        {"risk_known": False},
        {"band": RiskBand.CRITICAL},
        {"unseen": seen_first([SECRET])},
        {"unmet": "its gates have not passed"},
    ],
)
def test_any_of_these_keeps_it_here(changes: dict[str, Any]) -> None:
    assert why(**changes)


@pytest.mark.parametrize(
    ("reasons", "named"),
    [
        ([SECRET, HARMLESS, LIKELY], "secrets, likely_secrets"),
        (["+30 pipeline: decides what runs: .github/workflows/ci.yml"], "pipeline"),
        (["+50 unread: 3 files are too large"], "unread"),
    ],
)
def test_a_person_sees_what_cannot_be_taken_back(reasons: list[str], named: str) -> None:
    assert seen_first(reasons).endswith(f"its risk names {named}")


def test_nobody_needs_to_see_the_rest() -> None:
    assert seen_first([HARMLESS, "-4 ceiling: it adds up to 104; the score ends at 100"]) == ""


def test_where_a_secret_stands_is_not_told_in_public() -> None:
    assert in_public([SECRET, HARMLESS, LIKELY]) == [HARMLESS]
