"""Risk on tiles and in the evidence of an approval: the number, what it means, and how it adds up."""

from __future__ import annotations

from fleet_tui.domain.states import RiskBand
from fleet_tui.tui.present.risk import risk_lines, risk_mark


def text(line: object) -> str:
    return "".join(span.text for span in line)  # type: ignore[attr-defined]


def test_a_mark_is_shown_only_where_there_is_risk() -> None:
    assert risk_mark(0, RiskBand.LOW) == ()
    assert text(risk_mark(12, RiskBand.LOW)) == "  risk 12"
    (high,) = risk_mark(57, RiskBand.HIGH)
    assert (high.text, high.style) == ("  risk 57 HIGH", "warn")


def test_the_lines_say_how_it_adds_up_and_nothing_steers_the_terminal() -> None:
    reasons = ("+50 secrets: AWS Access Key in app.py:3", "+7 size: \x1b[31mred\n")
    lines = [text(line) for line in risk_lines(57, RiskBand.HIGH, reasons)]
    assert lines == [
        " 57 of 100 HIGH: a person must approve; one run at a time",
        "  +50  secrets: AWS Access Key in app.py:3",
        "   +7  size: red",
    ]
    assert risk_lines(0, RiskBand.LOW, ()) == ()
