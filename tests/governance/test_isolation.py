"""Which level is in force, and what work may be trusted with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.states import Isolation
from fleet_tui.governance.isolation import choose, weakest

LEVELS = st.sampled_from(Isolation)


@pytest.mark.parametrize(
    ("wanted", "problem", "level", "refused"),
    [
        ("auto", "", "L1", False),
        ("auto", "no bwrap", "L0", False),
        ("L0", "", "L0", False),
        ("L1", "", "L1", False),
        ("L1", "no bwrap", "L0", True),
    ],
)
def test_the_level_is_the_strongest_that_works_and_was_allowed(
    wanted: str, problem: str, level: str, refused: bool
) -> None:
    found = choose(wanted, problem)
    assert (found.isolation, bool(found.refusal)) == (level, refused)
    assert problem in found.why + found.refusal
    assert found.why


@given(st.lists(LEVELS, min_size=1), LEVELS)
def test_one_more_run_never_makes_work_more_trusted(levels: list[Isolation], more: Isolation) -> None:
    assert weakest(*levels, more) <= weakest(*levels)
    assert weakest(*levels) in levels


@pytest.mark.parametrize("unknown", ["", "L9", "strong"])
def test_what_nobody_knows_protects_nothing(unknown: str) -> None:
    assert weakest(Isolation.L1, unknown) is Isolation.L0
