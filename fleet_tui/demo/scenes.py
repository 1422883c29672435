"""The scenes of governance in the demo's log: what each must have come to, and what is told about it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.events import Event
from fleet_tui.domain.states import RiskBand, RunState

_CREDENTIAL = "AKIA"


@dataclass(frozen=True, slots=True)
class Scene:
    """``told`` is empty when the scene did not happen as it must; ``lacks`` says then what is missing, else nothing."""

    name: str
    told: str
    lacks: str = ""


def governance(events: Sequence[Event]) -> list[Scene]:
    """The three scenes, judged from the whole log alone."""
    return [_budget(events), _self_approval(events), _drift(events)]


def _of(events: Sequence[Event], kind: str) -> Iterator[Event]:
    return (event for event in events if event.kind == kind)


def _after(events: Sequence[Event], kind: str, event: Event, **facts: object) -> Event | None:
    """The first event of ``kind`` behind ``event`` with these facts."""
    wanted = facts.items()
    later = (found for found in _of(events, kind) if found.seq > event.seq)
    return next((found for found in later if all(found.payload.get(name) == value for name, value in wanted)), None)


def _budget(events: Sequence[Event]) -> Scene:
    """Warned, asked for a report, held, extended by a person, landed. One run must have gone through all of it; others
    may have been killed on the way."""
    lacks = "a report that was asked for"
    for asked in _of(events, "budget_report_asked"):
        run, agent = asked.payload["run"], asked.payload["agent"]
        warned = next((e for e in _of(events, "budget_warning") if e.payload["name"] == agent), None)
        spent = next((e for e in _of(events, "budget_exhausted") if e.payload["name"] == agent), None)
        report = _after(events, "blocker", asked, run=run)
        held = _after(events, "run_state_changed", asked, run=run, state=RunState.LIMITED.value)
        more = _after(events, "budget_extended", held, name=agent) if held else None
        landed = _after(events, "pr_merged", more, ticket=report.payload["ticket"]) if report and more else None
        if warned and spent and report and more and more.actor.startswith("operator:") and landed:
            used, extra = warned.payload, more.payload
            return Scene(
                "budget",
                f"{agent} was warned at {show_amount(used['unit'], used['used'])} of "
                f"{show_amount(used['unit'], used['ceiling'])}, asked for a report at the ceiling, and held. "
                f"{more.actor} gave {show_amount(extra['unit'], extra['extra'])} more (event {more.seq}), "
                "and it landed.",
            )
        steps = {"warning": warned, "report": report, "hold": held, "extension": more, "landing after it": landed}
        lacks = ", ".join(name for name, found in steps.items() if not found) or "a person who extends"
    return Scene("budget", "", f"the spent budget lacks: {lacks}")


def _self_approval(events: Sequence[Event]) -> Scene:
    """Refused in the name of the run that tried, and contained; no review of that agent's counts anywhere."""
    reviewed = {event.payload["agent"] for event in _of(events, "pr_approved")}
    runs = {event.payload["run"]: event.payload["agent"] for event in _of(events, "run_queued")}
    for denied in _of(events, "policy_denied"):
        agent, run = denied.payload["agent"], denied.payload["run"]
        if not denied.payload["act"].startswith("publish pr_approved") or runs.get(run) != agent or agent in reviewed:
            continue
        contained = _contained(events, agent, "denials")
        if contained is not None:
            return Scene(
                "approval",
                f"{agent} approved its own work: refused and put down to its run (event {denied.seq}). "
                f"Contained after {contained.payload['reason']}.",
            )
    return Scene("approval", "", "the self-approval lacks: a refusal in its author's name, then quarantine")


def _drift(events: Sequence[Event]) -> Scene:
    """A critical risk whose reasons name the pipeline and the secret, then quarantine; the secret is not in the log."""
    if any(_CREDENTIAL in json.dumps(event.payload) for event in events):
        return Scene("risk", "", "the secret that was found is itself in the log")
    for risk in _of(events, "risk_changed"):
        agent, reasons = risk.payload["agent"], "; ".join(risk.payload["reasons"])
        named = "pipeline: " in reasons and "secrets: " in reasons
        if risk.payload["band"] == RiskBand.CRITICAL.value and named and _contained(events, agent, "risk"):
            return Scene(
                "risk",
                f"{agent} drifted out of its ticket: risk {risk.payload['score']} (event {risk.seq}: {reasons}). "
                "Contained.",
            )
    return Scene("risk", "", "the drift lacks: a critical risk with its reasons, then quarantine")


def _contained(events: Sequence[Event], agent: str, rule: str) -> Event | None:
    quarantines = (event for event in _of(events, "agent_quarantined") if event.payload["agent"] == agent)
    return next((event for event in quarantines if event.payload["rule"] == rule), None)
