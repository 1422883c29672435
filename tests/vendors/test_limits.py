"""When a usage limit is over, in the words of vendors."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from fleet_tui.vendors.limits import believed, reset_ns

SECOND = 1_000_000_000
SAID = datetime(2026, 11, 27, 8, 25, 29, tzinfo=UTC)
SAID_NS = int(SAID.timestamp()) * SECOND


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("You’ve hit your usage limit. Upgrade (https://x/y), or try again at 9:25 AM.", "2026-11-27T09:26"),
        ("You've hit your usage limit. Try again at Nov 30th, 2026 9:25 PM.", "2026-11-30T21:26"),
        ("5-hour limit reached ∙ resets 2pm", "2026-11-27T14:00"),
        ("You've hit your limit · resets 2pm (Europe/Paris)", "2026-11-27T13:00"),
        ("Weekly limit reached ∙ resets Dec 1, 12am", "2026-12-01T00:00"),
        ("limit reached ∙ resets 6am", "2026-11-28T06:00"),
        ("limit reached ∙ resets 8:20am", "2026-11-27T08:21"),
        ("Claude AI usage limit reached|1795770000", "2026-11-27T09:00"),
        ("Rate limit reached. Please try again in 3 hours 5 minutes.", "2026-11-27T11:30"),
        ("try again in 2d 1h", "2026-11-29T09:25"),
        ("Request rejected (429) · This request would exceed your account's rate limit. Please try again later.", None),
        ("resets Feb 31, 2pm", None),
        ("resets 2pm (Nowhere/At_All)", None),
        ("resets 2pm (../../etc/passwd)", "2026-11-27T14:00"),
        ("try again in 999 days", None),
        ("", None),
    ],
)
def test_what_vendors_say(text: str, over: str | None) -> None:
    found = reset_ns(text, SAID_NS)
    told = None if found is None else datetime.fromtimestamp(found // SECOND, UTC).isoformat()[:16]
    assert told == over


def test_what_can_not_be_is_not_believed() -> None:
    assert believed(SAID_NS + 9 * 86_400 * SECOND, SAID_NS) is None
    assert believed(SAID_NS + 60 * SECOND, SAID_NS) == SAID_NS + 60 * SECOND
    assert reset_ns("x 9:25 AM " * 10_000, SAID_NS) is None
