"""What of the fleet's work may leave this machine for the forge."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.risk.score import Reason

_SECRET = frozenset({"secrets", "likely_secrets"})
_SEEN_FIRST = _SECRET | {"pipeline", "unread"}
"""Factors of risk. A credential that was pushed is lost, and what decides how the forge's own checks run is run by them
as soon as it is there, with what they know."""


def withheld(band: RiskBand, *, risk_known: bool, quarantined: bool, unseen: str, unmet: str | None) -> str:
    """Why a pull request is not shown on the forge (yet); empty when it may be. What is pushed once is seen for good.

    ``unseen`` is what :func:`seen_first` says, empty once a person has approved this head. ``unmet``: why its gates do
    not let it through, where they come before its reviewers.
    """
    if quarantined:
        return "its author is in quarantine"
    if not risk_known:
        return "its risk is not known yet"
    if band is RiskBand.CRITICAL:
        return "its risk is critical"
    return unseen or unmet or ""


def seen_first(reasons: Iterable[str]) -> str:
    """Why a person must approve before the forge sees it, by the ``reasons`` of its risk; empty when nobody must."""
    found = [factor for factor in map(_factor, reasons) if factor in _SEEN_FIRST]
    return f"before GitHub sees it, for its risk names {', '.join(dict.fromkeys(found))}" if found else ""


def in_public(reasons: Iterable[str]) -> list[str]:
    """The reasons of a risk that may be read on the forge: not those that say where a secret stands."""
    return [reason for reason in reasons if _factor(reason) not in _SECRET]


def _factor(reason: str) -> str:
    return Reason.of(reason).factor
