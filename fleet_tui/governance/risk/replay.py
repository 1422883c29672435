"""What was seen, scored again under other rules: which scores, bands and effects would have been others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleet_tui.domain.events import Event, RiskChanged, payload_of
from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.risk.evidence import from_json
from fleet_tui.governance.risk.score import score
from fleet_tui.settings.risk import Risk

_EFFECT = {
    RiskBand.MEDIUM: "told",
    RiskBand.HIGH: "a person asked, one run at a time",
    RiskBand.CRITICAL: "quarantined",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One recorded score that other rules would have made another. ``effect`` says what would have followed."""

    seq: int
    at_ns: int
    subject: str
    agent: str
    score: int
    band: str
    new_score: int
    new_band: str
    effect: str


def replay(recorded: Iterable[Event], rules: Risk) -> Iterator[Difference]:
    """The differences among ``risk_changed`` events, oldest first.

    The first score of a subject starts from the band that was recorded before it; from then on from the one that the
    rules gave.
    """
    bands: dict[str, RiskBand] = {}
    for event in recorded:
        was = payload_of(event, RiskChanged)
        previous = bands.get(event.subject, RiskBand(was.previous))
        now = score(from_json(was.evidence), rules, was.seen_ns, previous)
        bands[event.subject] = now.band
        if (now.points, now.band) != (was.score, was.band):
            yield Difference(
                event.seq,
                event.at_ns,
                event.subject,
                was.agent,
                was.score,
                was.band,
                now.points,
                now.band,
                _effect(RiskBand(was.band), now.band),
            )


def _effect(was: RiskBand, now: RiskBand) -> str:
    """What the higher one of two bands adds to the lower one."""
    if was is now:
        return ""
    low, high = sorted((was, now), key=lambda band: band.severity)
    what = ", ".join(text for band, text in _EFFECT.items() if low.severity < band.severity <= high.severity)
    return what if now is high else f"not {what}"
