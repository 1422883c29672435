"""A judge of rejections: reads a log of events alone and shares no code with the rules it judges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fleet_tui.domain.events import Draft, Event


@dataclass
class _Case:
    """What the log has said of one pull request so far."""

    bound: int
    head: str = ""
    authors: set[str] = field(default_factory=set)
    approved: bool = False
    """Somebody else approved the current head, and nobody has rejected it since."""
    objecting: set[str] = field(default_factory=set)
    """Who rejects the current head and has not taken that back."""
    held: bool = False
    """It waits for a person."""
    rounds: int = 1
    granted: int = 0
    """Rounds that a person gave."""


def violations(events: Iterable[Draft | Event], max_rounds: int) -> list[str]:
    """Every conclusion "approved" that no approval covers, and every round beyond the bound without a person."""
    cases: dict[str, _Case] = {}
    found: list[str] = []
    for place, event in enumerate(events):
        if event.subject.startswith("pr:"):
            case = cases.setdefault(event.subject, _Case(max_rounds))
            found += [f"event {place} {event.kind}: {why}" for why in _take(case, event)]
        elif event.kind == "ticket_unblocked" and event.actor.startswith("operator:"):
            for case in cases.values():
                case.granted += 1
    return found


def _take(case: _Case, event: Draft | Event) -> list[str]:
    said = event.payload
    mine = said.get("head_sha") == case.head and said.get("agent") not in case.authors
    match event.kind:
        case "pr_created" | "pr_updated":
            return _handed_over(case, event)
        case "pr_needs_review" if said["head_sha"] != case.head or case.objecting:
            return ["called for again where it was rejected"]
        case "pr_approved" if mine:
            case.approved = True
            case.objecting.discard(said["agent"])
        case "pr_changes_requested" if mine:
            case.approved = False
            case.objecting.add(said["agent"])
        case "approval_denied":
            case.approved = False
            case.objecting.add("a person")
            case.granted += said["verdict"] == "changes"
        case "pr_state_changed" if said["state"] in ("changes_requested", "blocked"):
            case.approved = False
            case.objecting.add("the watcher")
            case.held = said["state"] == "blocked"
        case "pr_state_changed" if said["state"] == "approved" and not case.approved:
            return ["no approval of this head since the last rejection"]
    return []


def _handed_over(case: _Case, event: Draft | Event) -> list[str]:
    case.authors.add(event.actor.removeprefix("agent:").partition("/")[0])
    case.rounds += bool(case.objecting)
    case.head, case.approved, case.objecting = event.payload["head_sha"], False, set()
    found = ["handed over while it waits for a person"] if case.held else []
    if case.rounds > case.bound + case.granted:
        found.append(f"round {case.rounds} of {case.bound}, {case.granted} granted")
    return found
