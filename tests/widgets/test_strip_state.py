"""No sequence of keys confirms anything except the right one, at the right time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_widgets.strip_state import ARM_S, Outcome, Reading, StripRequest, StripState

KEYS: list[tuple[str, str | None]] = [
    *[(c, c) for c in "abcdefghijklmnopqrstuvwxyzAQRCXYU0123456789"],
    ("space", " "), ("enter", "\r"), ("tab", "\t"), ("shift+tab", None), ("backspace", "\x7f"), ("up", None),
    ("right_square_bracket", "]"), ("delete", None), ("f1", None), ("ctrl+c", "\x03"),
]  # fmt: skip

REQUESTS = [
    StripRequest("QUARANTINE", (), confirm="y", opening_key="Q"),
    StripRequest("APPROVE", (), confirm="yes", opening_key="A"),
    StripRequest("APPROVE", (), confirm="last4", expected="c1e2", opening_key="A"),
    StripRequest("RELEASE", (), confirm="text", expected="qa 1", reason="required", opening_key="U"),
    StripRequest("REJECT", (), confirm="y", reason="required", opening_key="R", presets=("no", "later")),
    StripRequest("UNBLOCK", (), confirm="y", reason="optional", opening_key="T"),
    StripRequest("SHELVE", (), confirm="reason", reason="required", opening_key="s"),
]


def armed(request: StripRequest) -> StripState:
    state = StripState(request)
    state.painted(0.0)
    return state


def play(state: StripState, *keys: str, at: float = 1.0) -> Outcome | None:
    """Press keys by name (single characters are typed); the outcome of the last one that ended the strip."""
    characters = dict(KEYS)
    for key in keys:
        outcome = state.press(key, characters.get(key, key if len(key) == 1 else None), at)
        if outcome is not None:
            return outcome
    return None


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.confirm}-{r.reason}")
def test_ten_thousand_early_keys_bring_about_nothing(request_: StripRequest) -> None:
    rng = random.Random(7)
    for painted in (None, 100.0):
        state = StripState(request_)
        if painted is not None:
            state.painted(painted)
        for _ in range(10_000):
            key, character = rng.choice(KEYS)
            assert state.press(key, character, 100.0 + rng.uniform(-50, ARM_S - 1e-6)) is None
        assert state.typed == ""
        assert bool(state.reason) == (request_.reason == "required"), "only the text of a reason may come early"
        assert state.field == request_.fields[0 if request_.reason == "required" else -1]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.confirm}-{r.reason}")
def test_random_keys_confirm_only_what_was_really_typed(request_: StripRequest) -> None:
    """10 000 random keys in strips opened again and again: every confirmation is the literal right answer."""
    rng = random.Random(11)
    state, confirmed = armed(request_), 0
    for _ in range(10_000):
        key, character = rng.choice(KEYS)
        before = (state.field, state.typed.strip(), bool(state.reason.strip()))
        outcome = state.press(key, character, 1.0)
        if outcome is None:
            continue
        if outcome.kind == "confirmed":
            confirmed += 1
            assert key not in ("space", request_.opening_key)
            if request_.word:
                assert (key, before[1]) == ("enter", request_.word)
            elif request_.confirm == "reason":
                assert key == "enter"
            else:
                assert before[0] == "act"
                assert key == "y" or (key == "enter" and before[2])
            assert before[2] or request_.reason != "required"
        state = armed(request_)
    if request_.word:
        assert confirmed == 0


@given(st.lists(st.sampled_from(KEYS), max_size=60), st.sampled_from(REQUESTS))
def test_without_y_and_enter_nothing_is_ever_confirmed(
    keys: list[tuple[str, str | None]], request_: StripRequest
) -> None:
    state = armed(request_)
    for key, character in keys:
        if key in ("y", "enter"):
            continue
        outcome = state.press(key, character, 1.0)
        assert outcome is None or outcome.kind == "cancelled"
        if outcome:
            return


@given(
    st.lists(st.sampled_from([("enter", "\r"), ("space", " "), ("tab", "\t"), ("shift+tab", None)]), max_size=30),
    st.sampled_from(REQUESTS),
)
def test_enter_space_and_tab_alone_never_confirm(keys: list[tuple[str, str | None]], request_: StripRequest) -> None:
    state = armed(request_)
    for key, character in keys:
        outcome = state.press(key, character, 1.0)
        assert outcome is None or outcome.kind == "cancelled"
        if outcome:
            return


def test_one_key_confirms_and_any_other_cancels() -> None:
    for key, character in KEYS:
        outcome = armed(REQUESTS[0]).press(key, character, ARM_S)
        assert outcome == (Outcome("confirmed") if key == "y" else Outcome("cancelled", "key"))


def test_a_word_is_typed_and_can_be_corrected() -> None:
    state = armed(REQUESTS[1])
    assert play(state, "y", "e", "enter") is None
    assert state.note == "this is not yes"
    assert play(state, "x", "backspace", "s", "enter") == Outcome("confirmed")
    assert play(armed(REQUESTS[1]), "enter") == Outcome("cancelled", "empty")
    assert play(armed(REQUESTS[2]), *"c1e2", "enter") == Outcome("confirmed")
    assert play(armed(REQUESTS[2]), *"C1E2", "enter") is None


def test_reject_with_a_reason_by_text_tab_enter() -> None:
    state = armed(REQUESTS[4])
    assert play(state, *"bad", "enter") is None
    assert state.note == "Tab goes on, then y"
    assert play(state, "tab", "enter") == Outcome("confirmed")
    assert state.reason == "bad"


def test_where_the_reason_confirms_enter_alone_does_nothing() -> None:
    assert play(armed(REQUESTS[6]), "enter") == Outcome("cancelled", "empty")
    state = armed(REQUESTS[6])
    assert play(state, "tab", *"2h y", "tab", "y") is None
    assert play(state, "enter") == Outcome("confirmed")
    assert state.reason == "2h yy"
    with pytest.raises(ValueError, match="required reason"):
        StripRequest("SHELVE", (), confirm="reason")


def test_a_text_that_cannot_be_read_is_not_confirmed() -> None:
    def reads(text: str) -> Reading:
        return Reading(f"{text} more") if text.isdecimal() else Reading("not a number", ok=False)

    request = StripRequest("EXTEND", (), confirm="yes", reason="required", label="amount", reads=reads)
    state = armed(request)
    assert state.reading is None
    assert play(state, "x", "tab", *"yes", "enter") is None
    assert (state.field, state.note) == ("reason", "not a number")
    play(state, "backspace", "7")
    assert state.reading == Reading("7 more")
    assert play(state, "tab", "enter") == Outcome("confirmed")
    state = armed(request)
    assert play(state, "tab", *"yes", "enter") is None
    assert state.note == "an amount is needed"


def test_presets_fill_the_empty_box_only() -> None:
    state = armed(REQUESTS[4])
    play(state, "2", "tab", "shift+tab", "1")
    assert state.reason == "later1"
    play(state := armed(REQUESTS[4]), "5")
    assert state.reason == "5"


def test_a_required_reason_is_asked_for() -> None:
    state = armed(REQUESTS[4])
    assert play(state, "tab", "y") is None
    assert (state.field, state.note) == ("reason", "a reason is needed")
    state = armed(REQUESTS[3])
    assert play(state, "tab", *"qa 1", "enter") is None
    assert state.field == "reason"
    assert play(state, *"ok", "tab", "enter") == Outcome("confirmed")


def test_an_optional_reason_may_stay_away() -> None:
    """The strip opens ready to be confirmed; the reason is a key away, and comes back to where it is confirmed."""
    assert play(armed(REQUESTS[5]), "y") == Outcome("confirmed")
    assert play(armed(REQUESTS[5]), "enter") == Outcome("cancelled", "key")
    state = armed(REQUESTS[5])
    assert play(state, "tab", "enter") is None
    assert (state.field, state.note) == ("reason", "Tab goes on, then y")
    assert play(state, *"by", "tab", "enter") == Outcome("confirmed")
    assert state.reason == "by"


def test_what_is_typed_ahead_of_a_strip_that_is_ready_is_dropped() -> None:
    state = StripState(REQUESTS[5])
    assert play(state, "y", "n", "enter") is None
    assert (state.field, state.reason) == ("act", "")


def test_escape_cancels_even_before_the_strip_is_armed() -> None:
    for request in REQUESTS:
        assert StripState(request).press("escape", "\x1b", 0.0) == Outcome("cancelled", "escape")


def test_a_changed_object_can_only_be_closed_and_only_after_it_was_shown() -> None:
    for request in REQUESTS:
        state = armed(request)
        state.invalidate("head 3f9c1e2 -> 77aa012")
        assert play(state, "y", "enter", at=100.0) is None
        state.painted(100.0)
        assert play(state, "y", at=100.2) is None
        assert play(state, "y", at=100.4) == Outcome("cancelled", "changed")


def test_passed_keys_leave_the_strip_open() -> None:
    request = StripRequest("A", (), confirm="last4", expected="c1e2", passes=("right_square_bracket", "d"))
    state = armed(request)
    assert play(state, "right_square_bracket") == Outcome("passed", key="right_square_bracket")
    assert play(state, *"c1e2", "enter") == Outcome("confirmed")


@pytest.mark.parametrize(
    "options",
    [
        {"confirm": "y", "opening_key": "y"},
        {"confirm": "last4", "expected": "abc"},
        {"confirm": "last4"},
        {"confirm": "text", "expected": "  "},
    ],
)
def test_requests_that_invite_accidents_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"strip|confirm"):
        StripRequest("x", (), **options)  # type: ignore[arg-type]


def test_typed_text_is_bounded() -> None:
    state = armed(REQUESTS[3])
    play(state, *("a" * 2_000))
    assert len(state.reason) == 500
    play(state, "tab", *("a" * 500))
    assert len(state.typed) == 64
