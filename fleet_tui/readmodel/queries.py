"""From the store to the values of a screen. Each call reads one consistent snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from fleet_tui.domain.events import AgentPaused, AgentQuarantined
from fleet_tui.domain.model import Agent, Alarm, Approval, PullRequest, Run, Ticket
from fleet_tui.domain.repositories import titled
from fleet_tui.domain.states import (
    LIVE_RUNS,
    OPEN_PULL_REQUESTS,
    AlarmState,
    ApprovalState,
    RunState,
)
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel import budgets, needs, tiles
from fleet_tui.readmodel.evidence import read_bundle
from fleet_tui.readmodel.story import Stories, read_story
from fleet_tui.readmodel.values import AgentDetail, AgentTile, ApprovalCard, LastRun, Snapshot
from fleet_tui.store.reader import EventFilter, Reader

_RECENT_RUNS = 400
_TIMELINE = 60
_LAST_GOOD = EventFilter(kinds=("config_loaded",))


def read_snapshot(reader: Reader, now_ns: int, stories: Stories | None = None) -> Snapshot:
    """The whole fleet as one picture; with ``stories``, the last run of each idle agent tells what it did."""
    with reader.snapshot():
        agents = reader.agents()
        runs = _runs(reader, agents)
        tickets = reader.tickets()
        pull_requests = {
            pull_request.number: pull_request for pull_request in reader.pull_requests(*OPEN_PULL_REQUESTS)
        }
        alarms = tuple(
            sorted(reader.alarms(AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED), key=lambda a: (a.priority, a.raised_ns))
        )
        questions = tuple(reader.questions(open_only=True))
        cards = _cards(reader, tickets)
        fleet, seq = reader.fleet(), reader.last_seq()
        last_good = reader.events(_LAST_GOOD, limit=1) if fleet.config_problems else []
        latched = {agent.name: _latched_ns(reader, agent) for agent in agents if agent.quarantined or agent.paused}
        spent = budgets.of_all(reader, agents, [run for run in runs if run.state in LIVE_RUNS], now_ns)
    by_id = {run.id: run for run in runs}
    waiting = needs.queue(alarms, questions, cards, tickets, by_id, pull_requests)
    acknowledged = _acknowledged(alarms, by_id, tickets, pull_requests)
    marks = tiles.badges(waiting, acknowledged)
    of_agent: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        of_agent[run.agent].append(run)
    by_number = {ticket.number: ticket for ticket in tickets}
    shown = tuple(
        tiles.tile(agent, of_agent[agent.name], by_number, questions, marks, spent, latched.get(agent.name, 0))
        for agent in sorted(agents, key=lambda agent: not agent.configured)
        if agent.configured or agent.quarantined or any(run.state in LIVE_RUNS for run in of_agent[agent.name])
    )
    if stories is not None:
        shown = stories.tell(reader, shown)
    return Snapshot(
        at_ns=now_ns,
        seq=seq,
        fleet=fleet,
        summary=tiles.summary(shown, waiting, alarms, tickets),
        tiles=shown,
        needs=waiting,
        approvals=cards,
        alarms=alarms,
        questions=questions,
        config_since_ns=last_good[-1].at_ns if last_good else 0,
    )


def read_agent(reader: Reader, tile: AgentTile, run_id: str | None = None) -> AgentDetail | None:
    """One agent and one of its runs (the current one unless ``run_id`` names another); None when it is not recorded."""
    with reader.snapshot():
        agent = reader.agent(tile.name)
        if agent is None:
            return None
        runs = tuple(reader.runs(agent=tile.name, limit=30))
        run = next((one for one in runs if one.id == run_id), None) or tiles.current_run(runs)
        ticket = reader.ticket(run.ticket) if run and run.ticket is not None else None
        pull_request = _pull_request(reader, run, ticket)
        number = pull_request.number if pull_request else None
        questions = [question for question in reader.questions(open_only=True) if question.agent == tile.name]
        return AgentDetail(
            tile=tile,
            agent=agent,
            run=run,
            runs=runs,
            last=_last(reader, tile.name, run, runs),
            ticket=ticket,
            pull_request=pull_request,
            reviews=tuple(reader.reviews(number)) if number is not None else (),
            gates=tuple(reader.gates(pr=number)) if number is not None else (),
            question=questions[0] if questions else None,
            messages=tuple(reader.messages(run=run.id))[-20:] if run else (),
            alarms=tuple(
                alarm
                for alarm in reader.alarms(AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED)
                if alarm.about in {f"agent:{tile.name}", f"run:{run.id if run else ''}"}
            ),
            timeline=tuple(reader.events(EventFilter(subjects=_subjects(tile.name, run, number)), limit=_TIMELINE)),
            bundle=read_bundle(reader, runs) if agent.quarantined else None,
        )


def _latched_ns(reader: Reader, agent: Agent) -> int:
    """Since when a quarantined or paused agent is; 0 where the log does not tell."""
    kind = AgentQuarantined.kind if agent.quarantined else AgentPaused.kind
    found = reader.events(EventFilter(kinds=(kind,), subjects=(f"agent:{agent.name}",)), limit=1)
    return found[-1].at_ns if found else 0


def _last(reader: Reader, agent: str, run: Run | None, runs: Sequence[Run]) -> LastRun | None:
    if run is not None and run.state in LIVE_RUNS:
        return None
    last = tiles.last_run([run] if run is not None and run.ended_ns is not None else runs)
    return replace(last, story=read_story(reader, agent, last.id)) if last is not None else None


def _runs(reader: Reader, agents: Sequence[Agent]) -> list[Run]:
    """Every living or queued run, the newest ended ones, and at least the last one of each agent; newest first."""
    found = {run.id: run for run in reader.runs(RunState.QUEUED, *LIVE_RUNS)}
    recent = reader.runs(limit=_RECENT_RUNS)
    if len(recent) == _RECENT_RUNS:
        seen = {run.agent for run in recent}
        recent += [run for agent in agents if agent.name not in seen for run in reader.runs(agent=agent.name, limit=1)]
    found |= {run.id: run for run in recent}
    return sorted(found.values(), key=lambda run: run.queued_ns, reverse=True)


def _cards(reader: Reader, tickets: Sequence[Ticket]) -> tuple[ApprovalCard, ...]:
    titles = {ticket.number: titled(ticket) for ticket in tickets}
    waiting = sorted(
        reader.approvals(ApprovalState.REQUESTED, ApprovalState.HELD), key=lambda a: (a.expires_ns, a.requested_ns)
    )
    cards = (_card(reader, approval, titles) for approval in waiting)
    return tuple(card for card in cards if card is not None)


def _card(reader: Reader, approval: Approval, titles: dict[int, str]) -> ApprovalCard | None:
    pull_request = reader.pull_request(approval.pr)
    if pull_request is None:
        return None
    return ApprovalCard(
        approval=approval,
        pull_request=pull_request,
        ticket_title=one_line(titles.get(approval.ticket, pull_request.title)),
        gates=tuple(reader.gates(pr=approval.pr)),
        reviews=tuple(reader.reviews(approval.pr)),
        release=reader.release(approval.pr),
        void=_void_before(reader, approval),
    )


def _void_before(reader: Reader, approval: Approval) -> Approval | None:
    """The last approval of the same pull request that a person had granted in vain."""
    void = reader.approvals(ApprovalState.VOIDED, pr=approval.pr)
    granted = [one for one in void if one.decided_by is not None and one.requested_ns <= approval.requested_ns]
    return granted[-1] if granted else None


def _acknowledged(
    alarms: Sequence[Alarm], runs: dict[str, Run], tickets: Sequence[Ticket], pull_requests: dict[int, PullRequest]
) -> list[tuple[str, Alarm]]:
    found = (
        (needs.agent_of(alarm.about, runs, tickets, pull_requests), alarm)
        for alarm in alarms
        if alarm.state is AlarmState.ACKNOWLEDGED
    )
    return [(agent, alarm) for agent, alarm in found if agent is not None]


def _pull_request(reader: Reader, run: Run | None, ticket: Ticket | None) -> PullRequest | None:
    number = (run.pr if run else None) or (ticket.pr if ticket else None)
    return reader.pull_request(number) if number is not None else None


def _subjects(agent: str, run: Run | None, pr: int | None) -> tuple[str, ...]:
    subjects = [f"agent:{agent}"]
    if run is not None:
        subjects.append(f"run:{run.id}")
        if run.ticket is not None:
            subjects.append(f"ticket:{run.ticket}")
    if pr is not None:
        subjects.append(f"pr:{pr}")
    return tuple(subjects)
