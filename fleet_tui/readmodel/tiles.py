"""From agents and runs to tiles: what each agent does now, and the badge of what a person owes it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fleet_tui.domain.model import Agent, Alarm, Question, Run, Ticket
from fleet_tui.domain.repositories import titled
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import LIVE_RUNS, AlarmState, RiskBand, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.budgets import of_agent
from fleet_tui.readmodel.values import AgentTile, Doing, FleetSummary, LastRun, NeedItem

_BY_STATE = {
    RunState.QUEUED: Doing.WAIT,
    RunState.STARTING: Doing.RUN,
    RunState.RUNNING: Doing.RUN,
    RunState.WAITING: Doing.WAIT,
    RunState.PAUSED: Doing.PAUSED,
    RunState.LIMITED: Doing.LIMITED,
    RunState.QUARANTINED: Doing.QUARANTINED,
    RunState.FAILED: Doing.ERROR,
    RunState.CRASHED: Doing.ERROR,
}

Badges = Mapping[str, tuple[int, bool]]
"""Agent → (priority, whether it still waits for an acknowledgement)."""


def current_run(runs: Sequence[Run]) -> Run | None:
    """Of an agent's runs, newest first: the one to show. Living ones first, then queued ones, then the last ended."""
    for wanted in (LIVE_RUNS, {RunState.QUEUED}):
        for run in runs:
            if run.state in wanted:
                return run
    return runs[0] if runs else None


def doing(agent: Agent, run: Run | None, asks: bool) -> Doing:
    """The one word. Containment goes before what the process does, since it is what the operator must not overlook."""
    if agent.quarantined:
        return Doing.QUARANTINED
    if agent.paused:
        return Doing.PAUSED
    if asks:
        return Doing.ASK
    if run is not None and run.state in _BY_STATE:
        return Doing.ERROR if run.cannot_start else _BY_STATE[run.state]
    return Doing.IDLE if agent.enabled and agent.configured else Doing.OFF


def tile(
    agent: Agent,
    runs: Sequence[Run],
    tickets: Mapping[int, Ticket],
    questions: Sequence[Question],
    badges: Badges,
    budgets: Sequence[Standing] = (),
    latched_ns: int = 0,
) -> AgentTile:
    """The tile of ``agent``; ``runs`` are its own, newest first. ``latched_ns``: since when a quarantined or paused
    agent is; its word is about that, and not about the run."""
    run = current_run(runs)
    alive = run is not None and run.state in LIVE_RUNS
    # A run that has done its part is history: its ticket belongs to whoever works on it now.
    shown = run if run is not None and (alive or run.state in _BY_STATE) else None
    ticket = tickets.get(shown.ticket) if shown and shown.ticket is not None else None
    priority, is_open = badges.get(agent.name, (0, False))
    return AgentTile(
        name=agent.name,
        role=one_line(agent.role, 40),
        vendor=one_line(agent.vendor, 40),
        model=agent.model,
        doing=doing(agent, shown, any(question.agent == agent.name for question in questions)),
        since_ns=latched_ns or (run.state_ns if run else 0),
        source=run.state_source if run else "",
        reason=one_line(agent.quarantine_reason if agent.quarantined else (shown.state_reason if shown else "")),
        badge=priority,
        badge_open=is_open,
        run=shown.id if shown else None,
        session=shown.session if shown and alive else "",
        pane_uuid=shown.pane_uuid if shown and alive else "",
        more_runs=max(0, sum(other.state in LIVE_RUNS for other in runs) - 1),
        ticket=shown.ticket if shown else None,
        ticket_title=one_line(titled(ticket) if ticket else ""),
        pr=shown.pr if shown else None,
        branch=one_line(shown.branch if shown else ""),
        used_s=agent.charged_ms // 1000,
        budgets=of_agent(budgets, agent.name, agent.role, run if alive else None),
        quarantined=agent.quarantined,
        paused=agent.paused,
        risk=shown.risk if shown and alive else 0,
        risk_band=shown.risk_band if shown and alive else RiskBand.LOW,
        last=None if alive else last_run(runs),
        cannot_start=shown is not None and shown.cannot_start,
        held=shown is not None and shown.held,
        stops_ns=shown.stop_until_ns if shown and alive else None,
        stops_again=shown is not None and shown.stop_again,
        department=one_line(agent.department or "", 40),
        teams=agent.teams,
    )


def last_run(runs: Sequence[Run]) -> LastRun | None:
    """The first of ``runs`` that has ended."""
    for run in runs:
        if run.ended_ns is not None:
            return LastRun(run.id, run.state, run.ended_ns, run.ticket, run.pr)
    return None


def badges(needs: Sequence[NeedItem], acknowledged: Sequence[tuple[str, Alarm]]) -> dict[str, tuple[int, bool]]:
    """Each agent's most urgent badge; at one priority what still waits goes before what was acknowledged."""
    found = [(item.priority, False, item.agent) for item in needs if item.agent]
    found += [(alarm.priority, True, agent) for agent, alarm in acknowledged]
    result: dict[str, tuple[int, bool]] = {}
    for priority, was_acknowledged, agent in sorted(found, key=lambda entry: entry[:2]):
        if agent is not None:
            result.setdefault(agent, (priority, not was_acknowledged))
    return result


def summary(
    shown: Sequence[AgentTile], needs: Sequence[NeedItem], alarms: Sequence[Alarm], tickets: Sequence[Ticket]
) -> FleetSummary:
    """The counts of the first line."""
    words = Counter(item.doing for item in shown)
    marks = Counter((item.priority, True) for item in needs)
    marks.update((alarm.priority, False) for alarm in alarms if alarm.state is AlarmState.ACKNOWLEDGED)
    stages = Counter(str(ticket.state) for ticket in tickets)
    return FleetSummary(
        agents=len(shown),
        doing=tuple((word, words[word]) for word in Doing if words[word]),
        needs=len(needs),
        badges=tuple(
            (priority, is_open, marks[priority, is_open])
            for priority, is_open in sorted(marks, key=lambda m: (m[0], not m[1]))
        ),
        tickets=tuple(sorted(stages.items())),
    )
