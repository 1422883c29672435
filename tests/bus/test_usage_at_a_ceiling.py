"""``fleet hook usage`` tells a program of its own that this was the last request."""

from __future__ import annotations

import pytest

from fleet_tui.bus import client


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([{"ok": True}], 0),
        ([None], 0),
        ([{"ok": True, "refused": "the budget of agent dev is used up"}], 1),
        ([{"ok": True, "refused": "the budget of agent dev is used up"}, {"ok": True}], 1),
    ],
)
def test_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: list[dict[str, object] | None],
    code: int,
) -> None:
    left = list(answers)
    monkeypatch.setattr(client, "tell", lambda op, args, limit_s: left.pop(0))
    assert client.report_usage([{"turn": number + 1} for number in range(len(answers))]) == code
    assert left == [], "every report is counted, also behind a refused one"
    assert ("is used up" in capsys.readouterr().err) == bool(code)
