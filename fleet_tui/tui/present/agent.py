"""One agent: its headline, and the facts beside its pane."""

from __future__ import annotations

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.conditions import describe
from fleet_tui.domain.model import Gate, Message, Review, Run
from fleet_tui.domain.states import MessageState, Verdict
from fleet_tui.domain.text import clean, one_line
from fleet_tui.readmodel.values import AgentDetail, AgentTile
from fleet_tui.readmodel.waiting import reason_now
from fleet_tui.tui.present.budgets import section_lines
from fleet_tui.tui.present.events import last_run_line, told
from fleet_tui.tui.present.risk import risk_lines
from fleet_tui.tui.present.text import (
    age,
    badge,
    clock,
    duration,
    fact,
    paragraph,
    short,
    short_clock,
    since,
)
from fleet_widgets.lines import Line, Span, fill, line
from fleet_widgets.palette import Box
from fleet_widgets.text_pane import Section


def headline(tile: AgentTile, now_ns: int) -> Line:
    """``dev-1  developer  RUN 06:02  #3 'Add paging'  PR#2  claude-code``."""
    ticket = f"  #{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
    return line(
        badge(tile.badge, tile.badge_open),
        Span(" " if tile.badge else ""),
        Span(tile.name, "strong"),
        Span(f"  {tile.role}  ", "quiet"),
        Span(f"{tile.doing} {since(tile.since_ns, now_ns) if tile.since_ns else '--'}", "strong"),
        Span(ticket),
        Span(f"  PR#{tile.pr}" if tile.pr is not None else "", "quiet"),
        fill(),
        Span(f" {tile.vendor}{' ' + one_line(tile.model, 30) if tile.model else ''}", "quiet"),
    )


def no_pane(detail: AgentDetail, now_ns: int) -> tuple[Line, ...]:
    """Why there is no live pane, and what was last done."""
    why: Line = (Span(_why_no_pane(detail.run), "quiet"),)
    if detail.last is None:
        return (why,)
    last = last_run_line(detail.last, now_ns)
    is_on_show = detail.run is not None and detail.run.id == detail.last.id
    return (last, why, ()) if is_on_show else (why, last, ())


def _why_no_pane(run: Run | None) -> str:
    if run is None:
        return "no run yet: it begins when a ticket or a pull request wants this agent"
    if run.ended_ns is None:
        return f"the run is {run.state}: {one_line(run.state_reason) or 'its process has not started'}"
    end = f"exit code {run.exit_code}" if run.signal is None else f"signal {run.signal}"
    why = f": {one_line(run.state_reason)}" if run.state_reason else ""
    return f"it ended at {clock(run.ended_ns)} UTC with {end}{why}"


def story(detail: AgentDetail, now_ns: int) -> tuple[Line, ...]:
    """What the last run did, where its pane would be; the end is what matters."""
    return told(detail.last.story, now_ns) if detail.last is not None else ()


def facts(detail: AgentDetail, now_ns: int, box: Box) -> tuple[Section, ...]:
    """Ticket, run, budget, verdicts, diff, timeline, messages: those that exist."""
    sections = (
        _question(detail, now_ns),
        _containment(detail),
        _ticket(detail, now_ns),
        _run(detail, now_ns),
        _risk(detail),
        _budget(detail, box),
        _pull_request(detail),
        _messages(detail, now_ns),
        _timeline(detail, now_ns),
    )
    return tuple(section for section in sections if section.lines)


def _question(detail: AgentDetail, now_ns: int) -> Section:
    question = detail.question
    if question is None:
        return Section("question", ())
    head = (badge(3, True), Span(f" asked {since(question.asked_ns, now_ns)} ago; m answers", "strong"))
    return Section("question", (head, *paragraph(clean(question.summary, 4000))))


def _containment(detail: AgentDetail) -> Section:
    agent = detail.agent
    lines: list[Line] = []
    if agent.quarantined:
        lines.append((Span(f"QUARANTINED: {one_line(agent.quarantine_reason, 400)}", "p1-ack"),))
        lines.append((Span("identity refused, processes frozen, mail held; U releases", "quiet"),))
    if agent.quarantined and detail.bundle is not None:
        lines.append((Span(f"evidence: fleet agent evidence {agent.name}"),))
    if agent.paused:
        lines.append((Span("PAUSED: no new run starts; P resumes"),))
    conditions = describe(agent.run_budgets, agent.risk_floor)
    if conditions:
        lines.append((Span(f"released on conditions: {conditions}"),))
    if agent.denials:
        lines.append((Span(f"{agent.denials} acts refused by policy since the last release"),))
    lines += [
        (badge(alarm.priority, alarm.acknowledged_by is None), Span(f" {one_line(alarm.title)}"))
        for alarm in detail.alarms
    ]
    return Section("containment", tuple(lines))


def _ticket(detail: AgentDetail, now_ns: int) -> Section:
    ticket = detail.ticket
    if ticket is None:
        return Section("ticket", ())
    lines = [
        (Span(f"#{ticket.number} {one_line(ticket.title)}", "strong"),),
        fact("stage", f"{ticket.state.replace('_', ' ')} since {short_clock(ticket.changed_ns, now_ns)}"),
    ]
    if ticket.blocked_reason:
        lines.append(fact("blocked", f"{ticket.blocked_reason}; T lets it go on"))
    if ticket.depends_on:
        lines.append(fact("after", ", ".join(f"#{number}" for number in ticket.depends_on)))
    return Section("ticket", (*lines, *paragraph(clean(ticket.excerpt, 2000), "quiet")))


def _run(detail: AgentDetail, now_ns: int) -> Section:
    run = detail.run
    if run is None:
        return Section("run", ())
    place = [one.id for one in detail.runs].index(run.id) + 1 if run in detail.runs else 0
    lines = [
        fact("state", f"{run.state} for {age(run.state_ns, now_ns)}, by {run.state_source or 'nothing yet'}"),
        fact("why", run.state_reason) if run.state_reason else (),
        fact("trigger", f"{run.trigger}, attempt {run.attempt}, round {run.round}"),
        fact("branch", f"{run.branch} from {short(run.base_sha)}") if run.branch else (),
        fact("isolation", run.isolation) if run.isolation else (),
        fact("active", duration(run.active_ms or run.charged_ms)),
        fact("workspace", run.workspace) if run.workspace else (),
    ]
    return Section(f"run {place} of {len(detail.runs)}  {run.id[-8:]}", tuple(part for part in lines if part))


def _risk(detail: AgentDetail) -> Section:
    """Of the shown run, or else of its pull request."""
    shown = detail.run if detail.run is not None and detail.run.risk else detail.pull_request
    if shown is None:
        return Section("risk", ())
    return Section(f"risk {shown.risk}", risk_lines(shown.risk, shown.risk_band, shown.risk_reasons))


def _budget(detail: AgentDetail, box: Box) -> Section:
    tile = detail.tile
    if not tile.budgets:
        return Section("budget", ((Span(f"no ceiling; ran {show_amount('seconds', tile.used_s)}", "quiet"),),))
    return Section("budget", section_lines(tile.budgets, box))


def _pull_request(detail: AgentDetail) -> Section:
    pull_request = detail.pull_request
    if pull_request is None:
        return Section("pull request", ())
    lines: list[Line] = [
        (Span(f"#{pull_request.number} {one_line(pull_request.title)}", "strong"),),
        fact("state", f"{pull_request.state.replace('_', ' ')}, round {pull_request.round}"),
        fact("head", f"{short(pull_request.head_sha)} on {short(pull_request.base_sha)}"),
        fact("diff", f"{pull_request.files} files +{pull_request.added} -{pull_request.deleted}"),
    ]
    if pull_request.reason:
        lines.append(fact("why", reason_now(pull_request, detail.reviews)))

    def is_stale(of: Review | Gate) -> bool:
        return of.head_sha != pull_request.head_sha

    for review in sorted(detail.reviews, key=is_stale):
        words = "pass" if review.verdict is Verdict.APPROVED else "changes"
        lines.append(_at_head(review.agent, words, review.head_sha, stale=is_stale(review)))
    gates = (
        _at_head(f"gate {one_line(gate.name, 12)}", gate.state, gate.head_sha, stale=is_stale(gate))
        for gate in sorted(detail.gates, key=is_stale)
    )
    return Section("pull request", (*lines, *gates))


def _at_head(name: str, words: str, head: str, *, stale: bool) -> Line:
    """A verdict, and of what; one on a head that is gone does not count."""
    return fact(name, f"{'STALE' if stale else words} @{short(head)}", "stale" if stale else "normal")


def _messages(detail: AgentDetail, now_ns: int) -> Section:
    return Section("messages", tuple(_message(message, now_ns) for message in detail.messages))


def _message(message: Message, now_ns: int) -> Line:
    failed = message.state in {MessageState.FAILED, MessageState.UNCERTAIN}
    state = f"{message.state}{': ' + one_line(message.reason, 60) if message.reason else ''}"
    return line(
        Span(f"{short_clock(message.sent_ns, now_ns)} {one_line(message.sender, 24)}: ", "quiet"),
        Span(f'"{one_line(message.text, 120)}"'),
        fill(),
        Span(f" {state}", "warn" if failed else "quiet"),
    )


def _timeline(detail: AgentDetail, now_ns: int) -> Section:
    return Section("timeline, newest first", told(reversed(detail.timeline), now_ns))
