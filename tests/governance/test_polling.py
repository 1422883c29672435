"""When a forge is asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.forges import Trouble
from fleet_tui.governance.polling import (
    LONGEST_NS,
    Budget,
    Polling,
    budgeted,
    failed,
    next_poll_ns,
    refusal_of_a_poll_now,
    succeeded,
)
from tests.examples import tried

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND
INTERVALS = st.floats(1, 3600)
TROUBLES = st.sampled_from(list(Trouble))
STEPS = st.lists(st.one_of(st.none(), st.tuples(TROUBLES, st.one_of(st.none(), st.integers(0, 7200)))), max_size=40)


def story(steps: list[tuple[Trouble, int | None] | None]) -> Polling:
    """What is known after polls, a second apart; None is one that was answered."""
    polling = Polling()
    for at, step in enumerate(steps):
        now = NOW + at * SECOND
        if step is None:
            polling = succeeded(polling, now)
        else:
            trouble, wait_s = step
            polling = failed(polling, trouble, now, None if wait_s is None else now + wait_s * SECOND)
    return polling


def test_the_first_poll_is_at_once() -> None:
    assert next_poll_ns(Polling(), 60) == 0


def test_an_answered_poll_is_followed_by_the_interval() -> None:
    assert next_poll_ns(succeeded(Polling(), NOW), 45) == NOW + 45 * SECOND


@given(steps=STEPS.filter(bool), interval_s=INTERVALS)
@tried(1000)
def test_never_sooner_than_the_interval_or_than_the_forge_wants(
    steps: list[tuple[Trouble, int | None] | None], interval_s: float
) -> None:
    polling = story(steps)
    due = next_poll_ns(polling, interval_s)
    assert due >= polling.asked_ns + round(interval_s * SECOND)
    assert due >= polling.retry_at_ns


@given(steps=STEPS.filter(bool), interval_s=INTERVALS)
@tried(1000)
def test_it_never_gives_up(steps: list[tuple[Trouble, int | None] | None], interval_s: float) -> None:
    polling = story(steps)
    own = max(LONGEST_NS, round(interval_s * SECOND))
    assert next_poll_ns(polling, interval_s) <= max(polling.asked_ns + own, polling.retry_at_ns)


@given(trouble=TROUBLES, interval_s=INTERVALS, count=st.integers(1, 60))
@tried(500)
def test_pauses_grow_with_failures_and_one_answer_ends_them(trouble: Trouble, interval_s: float, count: int) -> None:
    before = story([(trouble, None)] * count)
    after = failed(before, trouble, before.asked_ns)
    assert next_poll_ns(after, interval_s) >= next_poll_ns(before, interval_s)
    answered = succeeded(after, after.asked_ns)
    assert next_poll_ns(answered, interval_s) == after.asked_ns + round(interval_s * SECOND)


@given(
    limit=st.integers(1, 15_000),
    remaining=st.integers(0, 15_000),
    left_s=st.integers(1, 3600),
    cost=st.integers(0, 200),
)
@tried(500)
def test_the_budget_lasts_until_it_is_filled_up(limit: int, remaining: int, left_s: int, cost: int) -> None:
    """Whatever is left and whatever a poll takes, polling at this pace does not touch the last tenth."""
    budget = Budget(limit, remaining, NOW + left_s * SECOND, cost)
    pause = next_poll_ns(budgeted(succeeded(Polling(), NOW), [budget], NOW), 1) - NOW
    spare = remaining - round(limit * 0.1)
    polls_until_reset = left_s * SECOND / pause
    assert polls_until_reset * max(1, cost) <= max(1, cost, spare) + max(1, cost)


def test_the_scarcer_budget_binds() -> None:
    """Forty pull requests take forty points a look of the one, and nothing of the other."""
    requests, points = Budget(5000, 4990, NOW + 3600 * SECOND), Budget(5000, 4900, NOW + 3600 * SECOND, 40)
    for told in ([requests, points], [points, requests]):
        polling = budgeted(succeeded(Polling(), NOW), told, NOW)
        assert polling.budget == points
        assert next_poll_ns(polling, 10) - NOW == 3600 * SECOND * 40 // 4400
    assert budgeted(polling, [], NOW).budget == points, "nothing new was told"


def test_an_old_budget_holds_nobody_up() -> None:
    polling = budgeted(succeeded(Polling(), NOW), [Budget(5000, 0, NOW - SECOND)], NOW)
    assert next_poll_ns(polling, 60) == NOW + 60 * SECOND


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_person_may_ask_at_once_unless_the_forge_forbids(trouble: Trouble) -> None:
    assert refusal_of_a_poll_now(failed(Polling(), trouble, NOW), NOW) == ""
    limited = failed(Polling(), trouble, NOW, NOW + 90 * SECOND)
    assert refusal_of_a_poll_now(limited, NOW + SECOND // 2) == "it wants no request for another 90 s"
    assert refusal_of_a_poll_now(limited, NOW + 90 * SECOND) == ""


def test_what_a_person_must_mend_is_looked_at_now_and_then() -> None:
    waits = [next_poll_ns(failed(Polling(), trouble, NOW), 30) - NOW for trouble in Trouble if not trouble.passes]
    assert set(waits) == {300 * SECOND}
