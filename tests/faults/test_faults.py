"""A few trials of every kind with each full test run; `python -m tests.faults` makes long series."""

from __future__ import annotations

import pytest

from tests.faults.series import as_line, one
from tests.faults.trial import NAMES, Outcome

pytestmark = pytest.mark.slow
SPEED = 20.0


@pytest.fixture(scope="module")
def undisturbed() -> Outcome:
    """The story without a kill: what every other one must come to."""
    calm = one("none", 0, SPEED)
    assert not calm.problems, as_line(calm)
    return calm


@pytest.mark.parametrize("seed", [3])
@pytest.mark.parametrize("victim", [name for name in NAMES if name != "none"])
def test_kill_changes_nothing_in_the_end(undisturbed: Outcome, victim: str, seed: int) -> None:
    outcome = one(victim, seed, SPEED)
    assert not outcome.problems, as_line(outcome)
    assert outcome.kills, "a trial without a kill proves nothing"
    assert outcome.tree == undisturbed.tree
