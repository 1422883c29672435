"""The order in which what was lost begins again, and who is asked before that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.restoring import Work, in_order, must_ask
from fleet_tui.settings.limits import Limits
from tests.governance.test_dispatch import run


def work(name: str, family: str, priority: int = 3, **about: Any) -> Work:
    return Work(run(name, **({"ticket": None} | about)), family, priority)


EXPECTED = [
    work("boss", "release", pr=9, ticket=9),
    work("lee", "reviewer", pr=2, ticket=2),
    work("ann", "reviewer", pr=8, ticket=8),
    work("cy", "author", pr=3, ticket=3),
    work("urgent", "author", 1, ticket=7),
    work("bo", "author", 3, ticket=4),
    work("ada", "author", 3, ticket=5),
    work("scribe", "observer"),
]


@given(st.permutations(EXPECTED))
def test_what_is_nearest_to_its_end_begins_first_however_it_was_lost(works: list[Work]) -> None:
    assert [item.run.agent for item in in_order(works)] == [item.run.agent for item in EXPECTED]


def test_every_place_in_the_order_has_its_reason() -> None:
    reasons = [item.why for item in EXPECTED]
    assert reasons[0] == "decides on PR 9, which waits for nothing else"
    assert reasons[1] == "reviews PR 2, whose work is done"
    assert reasons[3] == "answers what was asked of PR 3"
    assert "ticket #7" in reasons[4]
    assert all(reasons)


@pytest.mark.parametrize(
    ("restore", "unasked", "lost", "waiting", "asked"),
    [
        ("ask", 2, 2, False, False),
        ("ask", 2, 3, False, True),
        ("ask", 2, 1, True, True),  # who has not decided about the first ones has not seen this one
        ("ask", 0, 1, False, True),
        ("auto", 0, 50, False, False),
        ("auto", 0, 1, True, False),
    ],
)
def test_who_lost_many_is_asked(restore: str, unasked: int, lost: int, *, waiting: bool, asked: bool) -> None:
    limits = Limits(restore=restore, restore_unasked=unasked)
    assert must_ask(limits, lost, waiting=waiting) is asked
