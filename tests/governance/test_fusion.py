"""One state from many sources: by trust and age, the same in any order, and no dialog is ever hidden by an old word."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.fusion import FADED_NS, SKEW_NS, TRUST, Reading, Says, Source, fuse, weight

NOW = 1_800_000_000_000_000_000
S = 1_000_000_000
TOLD: tuple[Source, ...] = ("hook", "file", "fleet")
SEEN: tuple[Source, ...] = ("title", "screen")
STATES: tuple[Says, ...] = ("working", "idle", "asking", "dialog")
readings = st.lists(
    st.builds(
        Reading,
        st.sampled_from(("hook", "file", "fleet", "title", "screen", "heartbeat")),
        st.sampled_from(STATES),
        st.integers(0, 2_000).map(lambda age: NOW - age * S),
        st.text(max_size=3),
    ),
    max_size=8,
)


def said(source: Source, says: Says, age_s: float = 0) -> Reading:
    return Reading(source, says, NOW - round(age_s * S))


@given(readings, st.randoms())
def test_the_order_makes_no_difference(found: list[Reading], shuffle: random.Random) -> None:
    mixed = list(found)
    shuffle.shuffle(mixed)
    assert fuse(mixed, NOW) == fuse(found, NOW)


@given(readings)
def test_the_winner_is_one_of_them_and_there_is_one_when_anything_is_said(found: list[Reading]) -> None:
    fused = fuse(found, NOW)
    assert (fused.winner in found) if found else (fused.winner is None)
    assert sorted(map(repr, fused.readings)) == sorted(map(repr, found))


@given(
    st.lists(st.sampled_from(list(TRUST)), min_size=2, max_size=2, unique=True),
    st.lists(st.integers(0, 900), min_size=2, max_size=2, unique=True),
    st.sampled_from(STATES),
    st.sampled_from(STATES),
)
def test_who_is_fresher_and_more_trusted_wins(sources: list[Source], ages: list[int], says: Says, old: Says) -> None:
    (one, other), (age, older) = sorted(sources, key=TRUST.__getitem__, reverse=True), sorted(ages)
    better, worse = said(one, says, age), said(other, old, older)
    assert fuse([worse, better], NOW).winner == better


@given(st.sampled_from(TOLD), st.sampled_from(STATES), st.integers(0, 5_000), st.integers(0, 60), st.sampled_from(SEEN))
def test_a_dialog_seen_since_is_never_hidden_by_an_older_word(
    source: Source, says: Says, before: int, seen: int, where: Source
) -> None:
    fused = fuse([said(source, says, seen + before), said(where, "dialog", seen)], NOW)
    assert fused.says == "dialog"


@given(st.sampled_from(TOLD), st.integers(0, 10))
def test_a_word_that_is_younger_than_the_look_counts_before_its_dialog(source: Source, ago: int) -> None:
    fused = fuse([said(source, "working", ago), said("screen", "dialog", ago + 1)], NOW)
    assert fused.says == "working", "it was answered since"


@given(readings, st.integers(1, 3_000))
def test_a_frozen_process_needs_no_other_word(found: list[Reading], age: int) -> None:
    fused = fuse([*found, said("process", "frozen", age)], NOW)
    assert (fused.says, fused.confidence) == ("frozen", "sure")


@given(st.sampled_from(list(TRUST)), st.integers(0, 1_000), st.integers(1, 1_000))
def test_every_word_decays(source: Source, age: int, more: int) -> None:
    assert weight(said(source, "idle", age + more), NOW) < weight(said(source, "idle", age), NOW)


@pytest.mark.parametrize(
    ("found", "says", "confidence"),
    [
        ([], None, "unsure"),
        ([said("hook", "working", 5), said("screen", "working")], "working", "sure"),
        ([said("hook", "idle", 3_000), said("screen", "asking")], "idle", "sure"),
        ([said("hook", "working", 1), said("screen", "idle")], "working", "likely"),
        ([said("hook", "working", 30), said("screen", "idle")], "working", "unsure"),
        ([said("hook", "working", 1), said("screen", "idle", 20)], "working", "likely"),
        ([said("hook", "working", 300), said("screen", "idle")], "idle", "likely"),  # no hook told of the end
        ([said("hook", "working", 60), said("screen", "idle")], "idle", "unsure"),
        ([said("hook", "working", 30), said("file", "idle", 10)], "idle", "likely"),  # Escape: only the file tells
        ([said("file", "working", 30), said("hook", "idle", 10)], "idle", "likely"),
        ([said("fleet", "working", 7_000)], "working", "likely"),  # a program that tells nothing
        ([said("hook", "working", 700)], "working", "unsure"),
        ([said("hook", "working", 700), said("heartbeat", "working", 2)], "working", "likely"),
        ([said("hook", "idle", 700), said("heartbeat", "working", 2)], "idle", "unsure"),
        ([said("heartbeat", "working", 2)], "working", "unsure"),
    ],
)
def test_cases(found: list[Reading], says: Says | None, confidence: str) -> None:
    fused = fuse(found, NOW)
    assert (fused.says, fused.confidence) == (says, confidence)
    assert fused.why


def test_what_claims_to_come_from_the_future_says_nothing() -> None:
    ahead = Reading("file", "idle", NOW + SKEW_NS + 1)
    assert fuse([ahead, said("screen", "working")], NOW).says == "working"
    assert FADED_NS > 0
