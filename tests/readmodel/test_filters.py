"""The filter language: what it lets through, and where it says a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.events import Event
from fleet_tui.readmodel.filters import Filter, FilterError, parse

NOW = 1_900_000_000_000_000_000 // 86_400_000_000_000 * 86_400_000_000_000 + 15 * 3_600_000_000_000
"""15:00 UTC on some day."""
HOUR = 3_600_000_000_000


def event(kind: str = "note", actor: str = "watcher", subject: str = "fleet", **payload: object) -> Event:
    return Event(1, "evt-1", NOW, "h", kind, actor, subject, None, None, 1, payload, "", "")


def lets(wanted: Filter, row: Event) -> bool:
    """As the store would decide kinds and actors, and the predicate the rest."""
    return (not wanted.store.kinds or row.kind in wanted.store.kinds) and wanted.matches(row)


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("type:gate", event("gate_failed"), True),
        ("type:gate,alarm", event("alarm_raised"), True),
        ("type:gate", event("note"), False),
        ("!type:gate", event("gate_failed"), False),
        ("type:my_own", event("my_own"), True),
        ("type:gate type:gate_f", event("gate_failed"), True),
        ("type:gate type:gate_f", event("gate_passed"), False),
        ("by:human", event(actor="operator:me"), True),
        ("by:human", event(actor="agent:dev/run-1"), False),
        ("by:agent", event(actor="agent:dev/run-1"), True),
        ("by:dev", event(actor="agent:dev/run-1"), True),
        ("by:dev", event(actor="agent:dev-2/run-1"), False),
        ("by:watcher", event(), True),
        ("agent:dev", event(subject="agent:dev"), True),
        ("agent:dev", event(subject="run:r1"), True),
        ("agent:dev", event(run="r1"), True),
        ("agent:dev", event(run="r2"), False),
        ("agent:dev,qa", event(agent="qa"), True),
        ("pr:2", event(subject="pr:2"), True),
        ("pr:2", event(pr=2), True),
        ("pr:2", event(pr=22), False),
        ("ticket:3", event(ticket=3), True),
        ("!noise", event(summary="Noise here"), False),
        ("/s[ea]cret/", event(summary="a SECRET"), True),
        ("!/s[ea]cret/", event(summary="a SECRET"), False),
        ("/two words/", event(summary="two words"), True),
    ],
)
def test_what_passes(text: str, row: Event, expected: bool) -> None:
    assert lets(parse(text, NOW, {"r1": "dev"}), row) is expected


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("since:13:30", NOW - 90 * 60_000_000_000),
        ("since:90m", NOW - 90 * 60_000_000_000),
        ("since:16:00", NOW - 23 * HOUR),
        ("since:2d", NOW - 48 * HOUR),
    ],
)
def test_times(text: str, since: int) -> None:
    """A clock time is the last one that has been."""
    assert parse(text, NOW).store.since_ns == since


def test_words_go_to_the_index() -> None:
    assert parse('hello "two words"', NOW).store.text == "hello two words"


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("type:", 5, "needs a value"),
        ("ok since:25:99", 9, "is not a time"),
        ("colour:red", 0, "no field 'colour'"),
        ("abc /open", 4, "not closed"),
        ("/a(/", 2, "bad regular expression"),
        ('x "open', 2, "quotation mark"),
        ("a !", 2, "nothing follows"),
        ("!since:13:00", 0, "means nothing"),
        ("x" * 501, 500, "at most 500"),
    ],
)
def test_mistakes_have_a_place(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError, match=says) as caught:
        parse(text, NOW)
    assert caught.value.position == position


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    outcome: Filter | FilterError
    try:
        outcome = parse(text, NOW)
    except FilterError as error:
        outcome = error
    if isinstance(outcome, Filter):
        outcome.matches(event(summary="x"))
    else:
        assert 0 <= outcome.position <= len(text)


def test_empty_is_empty() -> None:
    assert parse("  ", NOW).is_empty
