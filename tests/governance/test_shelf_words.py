"""What a person types to shelve an alarm: for how long, and why."""

from __future__ import annotations

import pytest

from fleet_tui.governance.alarms import SHELVED_S, in_words


@pytest.mark.parametrize(
    ("text", "for_s", "reason"),
    [
        ("2h the gate is mended", 7200, "the gate is mended"),
        ("5m: known", 300, "known"),
        ("30 m known", 1800, "known"),
        ("known, ticket 377", SHELVED_S, "known, ticket 377"),
        ("2hours or so", SHELVED_S, "2hours or so"),
        ("90m", 5400, ""),
        ("99h too long", 99 * 3600, "too long"),
        ("", SHELVED_S, ""),
    ],
)
def test_time_then_reason(text: str, for_s: int, reason: str) -> None:
    assert in_words(text) == (for_s, reason)
