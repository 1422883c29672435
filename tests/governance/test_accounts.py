"""Usage limits of accounts: nobody before the reset, never two at once, and everybody in the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.domain.model import Account
from fleet_tui.governance.accounts import Pace, Waiting, Word, earliest_ns, is_doubtful, is_over, next_one, opens_ns

SECOND = 1_000_000_000
MET = 1_000_000 * SECOND
WALL = Account("cc:1", "cc", "dev", "rate_limit", True, MET, None, None, None, 0, 1)
PACE = Pace(10, 120, (300, 900))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Account, Pace, list[Waiting], list[bool]]:
    reset_s = draw(st.none() | st.integers(-600, 20_000))
    opened_s = draw(st.none() | st.integers(0, 1_000))
    account = replace(
        WALL,
        reset_ns=None if reset_s is None else MET + reset_s * SECOND,
        opened_ns=None if opened_s is None else MET + opened_s * SECOND,
        limits=draw(st.integers(1, 6)),
    )
    pace = Pace(
        draw(st.integers(0, 60)), draw(st.integers(0, 300)), tuple(draw(st.lists(st.integers(1, 4_000), min_size=1)))
    )
    since = draw(st.lists(st.integers(0, 500), max_size=8))
    waiting = [Waiting(f"run-{number}", MET + offset * SECOND) for number, offset in enumerate(since)]
    return account, pace, waiting, draw(st.lists(st.booleans(), min_size=1, max_size=20))


@settings(max_examples=200, deadline=None)
@given(situations(), st.integers(1, 97))
def test_nobody_early_no_two_at_once_everybody_in_order(
    found: tuple[Account, Pace, list[Waiting], list[bool]], step_s: int
) -> None:
    account, pace, waiting, proofs = found
    went_on: list[tuple[int, str]] = []
    now_ns, looks = MET, 0
    while waiting or not is_over(account, waiting, pace, now_ns, proved=False):
        proved = bool(went_on) and proofs[looks % len(proofs)]
        chosen = next_one(account, waiting, pace, now_ns, proved=proved)
        if chosen is not None:
            went_on.append((now_ns, chosen))
            waiting = [one for one in waiting if one.run != chosen]
            account = replace(account, released_ns=now_ns, released=account.released + 1)
        else:
            now_ns = max(now_ns + step_s * SECOND, min(earliest_ns(account, pace, proved=proved), now_ns + 10**13))
        looks += 1
        assert looks < 2_000, "somebody waits for ever"
    opens = opens_ns(account, pace)
    assert all(at_ns >= opens for at_ns, _ in went_on)
    if account.opened_ns is None and account.reset_ns is not None:
        assert all(at_ns >= account.reset_ns for at_ns, _ in went_on)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(went_on)]
    assert all(gap >= pace.gap_s * SECOND for gap in gaps)
    order = {one.run: (one.since_ns, one.run) for one in found[2]}
    assert [run for _, run in went_on] == sorted(order, key=order.__getitem__)


def test_the_others_wait_until_the_first_one_has_shown_that_it_works() -> None:
    waiting = [Waiting("b", MET + 1), Waiting("a", MET + 2)]
    at = MET + 300 * SECOND
    assert next_one(WALL, waiting, PACE, at - 1, proved=False) is None
    assert next_one(WALL, waiting, PACE, at, proved=False) == "b", "who waits longest"
    first = replace(WALL, released_ns=at, released=1)
    assert next_one(first, waiting[1:], PACE, at + 119 * SECOND, proved=False) is None
    assert next_one(first, waiting[1:], PACE, at + 120 * SECOND, proved=False) == "a"
    assert next_one(first, waiting[1:], PACE, at + 10 * SECOND, proved=True) == "a"
    assert next_one(first, waiting[1:], PACE, at + 9 * SECOND, proved=True) is None
    assert not is_over(first, [], PACE, at + 119 * SECOND, proved=False), "it may meet the limit again"


def test_unknown_ends_are_tried_less_and_less_often() -> None:
    assert [opens_ns(replace(WALL, limits=limits), PACE) - MET for limits in (1, 2, 3)] == [
        300 * SECOND,
        900 * SECOND,
        900 * SECOND,
    ]
    past = replace(WALL, reset_ns=MET - 5)
    assert opens_ns(past, PACE) == MET + 10 * SECOND
    assert opens_ns(replace(past, limits=2), PACE) == MET + 300 * SECOND, "who says it is over already, again"
    assert opens_ns(replace(past, opened_ns=MET + 1), PACE) == MET + 1, "a person decides"


@pytest.mark.parametrize(
    ("said", "after_s"),
    [
        ("a@0", 900),
        ("a@0 a@300 a@800", 900),  # never long, but again and again
        ("a@0 -@400 a@450 -@700 a@800", 900),  # nobody waited in between
        ("b@-500 -@-400 a@0", 900),  # what b met was another limit
        ("b@0 a@10", None),  # both met it
        ("b@0 a@10 a@800", None),
        ("b@0 a@10 -@400 a@500", 1400),
        ("a@-90000 a@0", 900),  # that was yesterday
    ],
)
def test_what_one_agent_alone_says_holds_up_the_others_for_the_longest_back_off(said: str, after_s: int | None) -> None:
    told = (word.partition("@") for word in said.split())
    words = [Word(MET + int(at) * SECOND, None if who == "-" else who) for who, _, at in told]
    last_s = int(said.rpartition("@")[2])
    looks = range(last_s, 5_000, 50)
    doubted = [at for at in looks if is_doubtful(words, PACE, MET + at * SECOND)]
    assert (doubted[0] if doubted else None) == after_s
