"""Risk on tiles and in the evidence of an approval: the number, what it means, and how it adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet_tui.domain.spending import Rule
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import RiskBand
from fleet_tui.tui.present.risk import risk_lines, risk_mark
from fleet_tui.tui.present.wall import wall_tile
from fleet_widgets.palette import LINE_BOX
from tests.readmodel.test_agent_filter import tile


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


SPENT = Standing(Rule("agent", "dev", "tokens", 150_000), "dev", 0, 160_000, 150_000, None, False, False, 0)
HALF = replace(SPENT, used=75_000)


@pytest.mark.parametrize(
    ("standing", "band", "shown"),
    [
        (SPENT, RiskBand.LOW, "107%  used up"),
        (HALF, RiskBand.HIGH, "risk 90 HIGH"),
        (HALF, RiskBand.CRITICAL, "risk 90 CRITICAL"),
        (SPENT, RiskBand.CRITICAL, "risk 90 CRITICAL"),
    ],
)
def test_what_stops_an_agent_is_not_what_a_narrow_tile_cuts(standing: Standing, band: RiskBand, shown: str) -> None:
    seen = tile("dev", budgets=(standing,), risk=90, risk_band=band)
    _, budget = wall_tile(seen, 0, LINE_BOX).rows
    assert shown in text(budget)[:38]
    assert "150k tokens" in text(budget), "the rest is there where there is room"
