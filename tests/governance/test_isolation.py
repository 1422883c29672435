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


@pytest.mark.parametrize(
    ("wanted", "problem", "user", "user_problem", "level", "refused"),
    [
        ("auto", "", "ann", "", "L2", False),
        ("auto", "", "", "", "L1", False),
        ("auto", "", "ann", "no such user", "L1", False),
        ("auto", "no bwrap", "ann", "", "L0", False),
        ("L1", "", "ann", "", "L1", False),
        ("L0", "", "ann", "", "L0", False),
        ("L2", "", "ann", "", "L2", False),
        ("L2", "", "", "", "L1", True),
        ("L2", "", "ann", "no such user", "L1", True),
        ("L2", "no bwrap", "ann", "", "L0", True),
    ],
)
def test_another_user_is_asked_for_by_name_and_never_without_a_sandbox(
    wanted: str, problem: str, user: str, user_problem: str, level: str, refused: bool
) -> None:
    found = choose(wanted, problem, user, user_problem)
    assert (found.isolation, bool(found.refusal)) == (level, refused)
    assert (problem or user_problem) in found.why + found.refusal


@given(st.lists(LEVELS, min_size=1), LEVELS)
def test_one_more_run_never_makes_work_more_trusted(levels: list[Isolation], more: Isolation) -> None:
    assert weakest(*levels, more) <= weakest(*levels)
    assert weakest(*levels) in levels


@pytest.mark.parametrize("unknown", ["", "L9", "strong"])
def test_what_nobody_knows_protects_nothing(unknown: str) -> None:
    assert weakest(Isolation.L1, unknown) is Isolation.L0
