"""The order of the needs-you queue."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.needs import after, order, words_of
from fleet_tui.readmodel.values import NeedItem, NeedKind

items = st.lists(
    st.builds(
        NeedItem,
        kind=st.sampled_from(NeedKind),
        id=st.text("abc", min_size=1, max_size=3),
        priority=st.integers(1, 3),
        agent=st.none() | st.just("dev"),
        title=st.just("t"),
        since_ns=st.integers(1, 50),
        deadline_ns=st.none() | st.integers(1, 50),
    ),
    unique_by=lambda item: item.key,
    max_size=12,
)


@given(items, st.randoms())
def test_order_depends_on_nothing_else(found: list[NeedItem], chance: object) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(found) == order(shuffled)


@given(items)
def test_priority_then_deadline_then_age(found: list[NeedItem]) -> None:
    ordered = order(found)
    for first, second in pairwise(ordered):
        assert first.priority <= second.priority
        if first.priority == second.priority:
            assert first.deadline_ns is not None or second.deadline_ns is None
            if first.deadline_ns == second.deadline_ns:
                assert first.since_ns <= second.since_ns


@given(items)
def test_w_visits_everything_once_a_round(found: list[NeedItem]) -> None:
    ordered, seen = order(found), list[NeedItem]()
    for _ in ordered:
        item = after(ordered, seen[-1] if seen else None)
        assert item is not None
        seen.append(item)
    assert seen == list(ordered)


@given(items, st.data())
def test_w_remembers_the_place_of_what_is_gone(found: list[NeedItem], data: st.DataObject) -> None:
    ordered = order(found)
    if len(ordered) < 2:
        return
    at = data.draw(st.integers(0, len(ordered) - 1))
    rest = (*ordered[:at], *ordered[at + 1 :])
    assert after(rest, ordered[at]) == ordered[(at + 1) % len(ordered)]


def test_nothing_to_visit() -> None:
    assert after((), None) is None


ABOUT = {
    "agent:dev": "dev",
    "pr:2": "PR 2",
    "ticket:3": "ticket #3",
    "run:run-1m8cd90nymf0wb8wp": "run ..mf0wb8wp",
    "fleet": "fleet",
    "file:0003-x.md": "file 0003-x.md",
    "pass:land": "pass land",
    "a\x1b[2Jb": "ab",
}


@pytest.mark.parametrize("about", list(ABOUT))
def test_subjects_in_words(about: str) -> None:
    assert words_of(about) == ABOUT[about]


def need(title: str, agent: str | None, about: str = "") -> NeedItem:
    return NeedItem(NeedKind.ALARM, "a", 1, agent, one_line(title), 1, None, about=about)


def test_nobody_is_named_twice() -> None:
    assert need("ada QUARANTINED: x", "ada").who == ""
    assert need("secret in a diff", "ada").who == "ada"
    assert need("PR 2 waits for ada", None, "PR 2").who == ""
    assert need("tmux is gone", None).who == "fleet"
