"""Risk: a mark for narrow places, and the lines that say how it adds up."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import one_line
from fleet_widgets.lines import Line, Span

_MEANS = {
    RiskBand.LOW: "nothing follows",
    RiskBand.MEDIUM: "you are told",
    RiskBand.HIGH: "a person must approve; one run at a time",
    RiskBand.CRITICAL: "quarantines",
}


def risk_mark(score: int, band: RiskBand) -> tuple[Span, ...]:
    """``  risk 57 HIGH``; nothing where there is none."""
    if not score:
        return ()
    word = "" if band is RiskBand.LOW else f" {band.upper()}"
    return (Span(f"  risk {score}{word}", "warn" if is_severe(band) else "quiet"),)


def is_severe(band: RiskBand) -> bool:
    """Whether a person has to do with it."""
    return band.severity >= RiskBand.HIGH.severity


def risk_lines(score: int, band: RiskBand, reasons: Sequence[str]) -> tuple[Line, ...]:
    """The band with what it means, then one line per reason; nothing where there is none."""
    if not score:
        return ()
    head = (Span(f" {score} of 100 {band.upper()}: {_MEANS[band]}", "strong"),)
    return (head, *((Span(f" {points:>4}  {text}"),) for points, text in map(_split, reasons)))


def _split(reason: str) -> tuple[str, str]:
    points, _, text = one_line(reason, 400).partition(" ")
    return points, text
