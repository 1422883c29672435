"""What the watcher tells of templates: foreign text is cleaned, what is missing or of another kind breaks nothing."""

from __future__ import annotations

import pytest

from fleet_tui.readmodel.catalogue import detail, offer, preview

HOSTILE = "a\x1b[2J\u202eb\x07\nc"


def test_foreign_text_is_cleaned() -> None:
    found = offer({"templates": [{"id": HOSTILE, "purpose": HOSTILE, "used": 2}], "problems": [HOSTILE]})
    assert (found.rows[0].id, found.rows[0].purpose, found.problems) == ("ab c", "ab c", ("ab c",))
    told = detail({"owns": [HOSTILE], "model": {"reason": HOSTILE}, "form": {"fills": [{"value": HOSTILE}]}})
    assert (told.owns, told.tier_reason, told.fills[0].value) == (("ab c",), "ab c", "ab c")
    shown = preview(
        {"launch": HOSTILE, "files": [{"text": HOSTILE}], "parts": [{"text": HOSTILE}], "checks": [{"text": HOSTILE}]}
    )
    assert (shown.launch, shown.text, shown.layers[0].text, shown.checks[0].text) == ("ab c", "ab\nc", "ab\nc", "ab c")


@pytest.mark.parametrize("odd", [None, 3, "x", [1, None, "x"], {"a": 1}])
def test_odd_answers_break_nothing(odd: object) -> None:
    names = ("templates", "problems", "form", "model", "risk", "owns", "files", "parts", "checks", "ticket", "used")
    answer = dict.fromkeys(names, odd)
    offer(answer)
    detail(answer)
    preview(answer)
