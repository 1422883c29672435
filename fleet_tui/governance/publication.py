"""What of the fleet's work may leave this machine for the forge."""

from __future__ import annotations

from fleet_tui.domain.states import RiskBand


def withheld(band: RiskBand, *, risk_known: bool, quarantined: bool, unmet: str | None) -> str:
    """Why a pull request is not shown on the forge (yet); empty when it may be. What is pushed once is seen for good.

    ``unmet``: why its gates do not let it through, where they come before its reviewers.
    """
    if quarantined:
        return "its author is in quarantine"
    if not risk_known:
        return "its risk is not known yet"
    if band is RiskBand.CRITICAL:
        return "its risk is critical"
    return unmet or ""
