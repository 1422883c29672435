"""Whose an issue is when several fleets may take it: what their comments on it say, in the order of their arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WINDOW_NS = 5 * 60 * 1_000_000_000
"""Two claims that are no further apart were made in the same race: the first one counts. Later, an issue may be given
to somebody else by its label."""
LEFT_ALONE_NS = 15 * 60 * 1_000_000_000
"""How long an issue that another fleet took is not tried again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``fleet`` took the issue. ``id`` grows with the order of arrival; ``at_ns`` is the forge's own time."""

    id: int
    fleet: str
    at_ns: int


def holder(claims: Iterable[Claim]) -> str:
    """The fleet that an issue belongs to by these claims; empty when there is none.

    Every fleet that reads the same claims comes to the same answer, whenever it reads them.
    """
    held: Claim | None = None
    for claim in sorted(claims, key=lambda claim: claim.id):
        if held is None or claim.fleet == held.fleet or claim.at_ns - held.at_ns > WINDOW_NS:
            held = claim
    return held.fleet if held is not None else ""


def obstacle(labels: Iterable[str], ready: str, claims: Iterable[Claim], fleet: str) -> str:
    """Why ``fleet`` may not even try to take an issue; empty when it may, or has it already."""
    if holder(claims) == fleet:
        return ""
    return "" if ready in labels else f"it is not labelled `{ready}` any more"
