"""One agent: its headline, and the facts beside its pane."""

from __future__ import annotations

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.conditions import describe
from fleet_tui.domain.model import Gate, Message, PullRequest, Review, Run
from fleet_tui.domain.repositories import titled
from fleet_tui.domain.states import GateState, MessageState, RunState, Verdict
from fleet_tui.domain.text import clean, in_brief, one_line
from fleet_tui.readmodel.values import AgentDetail, AgentTile
from fleet_tui.readmodel.vendors import VendorWorks
from fleet_tui.readmodel.waiting import reason_now
from fleet_tui.tui.present.budgets import section_lines
from fleet_tui.tui.present.events import last_run_line, told
from fleet_tui.tui.present.risk import risk_lines, risk_mark
from fleet_tui.tui.present.text import (
    age,
    badge,
    clock,
    count,
    duration,
    fact,
    paragraph,
    short,
    short_clock,
    until,
)
from fleet_tui.tui.present.vendors import of_agent
from fleet_widgets.gauge import gauge, percent
from fleet_widgets.lines import Line, Span, fill, giving, line
from fleet_widgets.list_view import Item
from fleet_widgets.palette import Box
from fleet_widgets.text_pane import Section

PARTS = ("pane", "facts", "timeline", "diff")
"""What the screen consists of, in the order in which one goes through them."""

_NO_WHY = frozenset({"exited", "stopped"})
"""What the runner says of an end as it was to be."""
_RECEIPTS = {
    MessageState.QUEUED: "queued: typed when it takes input",
    MessageState.TYPED: "typed, not yet submitted",
    MessageState.SUBMITTED: "submitted",
    MessageState.TAKEN_UP: "taken up by the agent",
    MessageState.FAILED: "FAILED",
    MessageState.UNCERTAIN: "UNCERTAIN",
}

_VERDICTS = {Verdict.APPROVED: "pass", Verdict.CHANGES_REQUESTED: "changes", Verdict.WITHDRAWN: "taken back"}


def headline(tile: AgentTile, now_ns: int) -> Line:
    """``dev-1  developer  RUN 06:02  #3 'Add paging'  PR 2  claude-code``."""
    ticket = (Span(f"  #{tile.ticket} "), giving(tile.ticket_title)) if tile.ticket is not None else ()
    return line(
        badge(tile.badge, tile.badge_open),
        Span(" " if tile.badge else ""),
        giving(tile.name, "strong"),
        Span("  "),
        giving(tile.role, "quiet"),
        Span(f"  {tile.word} {age(tile.since_ns, now_ns)}", "strong"),
        *ticket,
        Span(f"  PR {tile.pr}" if tile.pr is not None else "", "quiet"),
        fill(),
        Span(" "),
        giving(f"{tile.vendor}{' ' + in_brief(tile.model, 30) if tile.model else ''}", "quiet"),
    )


def summary(detail: AgentDetail, at: str, box: Box) -> Line:
    """What the facts would say beside the pane, where there is no room for them: risk, budget, gates; and the parts."""
    risk, standing, change = _risked(detail), detail.tile.budget, detail.pull_request
    gates = [gate for gate in detail.gates if change is not None and gate.head_sha == change.head_sha]
    passed = sum(gate.state is GateState.PASSED for gate in gates)
    parts = [part for part in PARTS if part != "diff" or change is not None]
    words = [
        Span(f"[{part.upper()}] " if part == at else f"{part} ", "strong" if part == at else "quiet") for part in parts
    ]
    share = (standing.used, standing.ceiling) if standing is not None else (0, 0)
    return line(
        *(risk_mark(risk.risk, risk.risk_band) if risk is not None else ()),
        Span(f"  budget {gauge(*share, 6, box)} {percent(*share)}" if standing is not None else "  no budget", "quiet"),
        Span(f"  gates {passed}/{len(gates)}" if gates else "", "quiet"),
        fill(),
        Span(" "),
        *words,
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
    why = f": {one_line(run.state_reason)}" if run.state_reason else ""
    if run.state in (RunState.STOPPED, RunState.FINISHED):  # as the fleet wanted; a number says nothing then
        how = "was stopped" if run.state is RunState.STOPPED else "finished"
        return f"it {how} at {clock(run.ended_ns)} UTC{why if run.state_reason not in _NO_WHY else ''}"
    end = f"exit code {run.exit_code}" if run.signal is None else f"signal {run.signal}"
    return f"it ended at {clock(run.ended_ns)} UTC with {end}{why}"


def story(detail: AgentDetail, now_ns: int) -> tuple[Line, ...]:
    """What the last run did, where its pane would be; the end is what matters."""
    return told(detail.last.story, now_ns) if detail.last is not None else ()


def facts(detail: AgentDetail, now_ns: int, box: Box, vendor: VendorWorks | None = None) -> tuple[Section, ...]:
    """Ticket, run, budget, teams, verdicts, what works with its vendor, messages: those that exist."""
    sections = (
        _question(detail, now_ns),
        _containment(detail),
        _ticket(detail, now_ns),
        _run(detail, now_ns),
        _risk(detail),
        _budget(detail, box),
        _teams(detail),
        _pull_request(detail, now_ns),
        *of_agent(vendor),
        _messages(detail, now_ns),
    )
    return tuple(section for section in sections if section.lines)


def _teams(detail: AgentDetail) -> Section:
    names = detail.agent.teams
    return Section("teams", ((Span(", ".join(names)),),) if names else ())


def _after_more(detail: AgentDetail) -> str:
    """What an answer alone does not bring about."""
    is_spent = detail.tile.budget is not None and detail.tile.budget.spent
    return ", when B has extended its budget" if is_spent else ""


def _question(detail: AgentDetail, now_ns: int) -> Section:
    question = detail.question
    if question is None:
        return Section("question", ())
    told = f" asked {age(question.asked_ns, now_ns)} ago; m answers{_after_more(detail)}"
    head = (badge(3, True), Span(told, "strong"))
    return Section("question", (head, *paragraph(clean(question.summary, 4000))))


def _containment(detail: AgentDetail) -> Section:
    agent = detail.agent
    lines: list[Line] = []
    if agent.quarantined:
        lines.append((Span(f"QUARANTINED: {in_brief(agent.quarantine_reason, 400)}", "p1-ack"),))
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
        (Span(f"#{ticket.number} {one_line(titled(ticket))}", "strong"),),
        fact("stage", f"{ticket.state.replace('_', ' ')} since {short_clock(ticket.changed_ns, now_ns)}"),
    ]
    if ticket.blocked_reason:
        asks = detail.question is not None and detail.question.id == ticket.question
        how = f"m answers, and it goes on{_after_more(detail)}" if asks else "T lets it go on"
        lines.append(fact("blocked", f"{ticket.blocked_reason}; {how}"))
    if ticket.parts:
        lines.append(fact("parts", ", ".join(f"#{number}" for number in ticket.parts)))
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
        fact("unsure", f"its sources do not agree, or are old: fleet agent explain {detail.tile.name}")
        if detail.tile.unsure and detail.run is not None and detail.run.id == detail.tile.run
        else (),
        fact("why", run.state_reason) if run.state_reason else (),
        fact("stops", _stops(run, now_ns), "strong") if run.stop_until_ns is not None else (),
        fact("trigger", f"{run.trigger}, attempt {run.attempt}, round {run.round}"),
        fact("branch", f"{run.branch} from {short(run.base_sha)}") if run.branch else (),
        fact("isolation", run.isolation) if run.isolation else (),
        fact("active", duration(run.active_ms or run.charged_ms)),
        fact("context", context(run), "strong" if (run.context_percent or 0) >= _NEARLY_FULL else "normal"),
        fact("memory", memory(run)) if run.memory_mb is not None else (),
        fact("workspace", run.workspace) if run.workspace else (),
    ]
    return Section(f"run {place} of {len(detail.runs)}  {run.id[-8:]}", tuple(part for part in lines if part))


def _stops(run: Run, now_ns: int) -> str:
    again = ", and its work begins again" if run.stop_again else ""
    return f"in {until(run.stop_until_ns or 0, now_ns)} s{again}; u takes that back"


_NEARLY_FULL = 80
"""Percent of the context from which it is worth a look: the program will soon leave something out."""


def memory(run: Run) -> str:
    """``at most 800 MB: frozen there, and the kernel holds it``."""
    return f"at most {run.memory_mb} MB: frozen there" + (
        ", and the kernel holds it" if run.memory_by == "kernel" else ""
    )


def context(run: Run) -> str:
    """``62% full, 124k of 200k tokens (statusline)``; what is not known is said to be unknown."""
    if run.context_used is None:
        return "unknown"
    used = show_amount("tokens", run.context_used).removesuffix(" tokens")
    if run.context_window is None:
        return f"{used} tokens of an unknown window ({run.context_source})"
    window = show_amount("tokens", run.context_window)
    return f"{run.context_percent}% full, {used} of {window} ({run.context_source})"


def _risk(detail: AgentDetail) -> Section:
    """Of the shown run, or else of its pull request."""
    shown = _risked(detail)
    if shown is None:
        return Section("risk", ())
    return Section(f"risk {shown.risk}", risk_lines(shown.risk, shown.risk_band, shown.risk_reasons))


def _risked(detail: AgentDetail) -> Run | PullRequest | None:
    return detail.run if detail.run is not None and detail.run.risk else detail.pull_request


def _budget(detail: AgentDetail, box: Box) -> Section:
    tile = detail.tile
    if not tile.budgets:
        return Section("budget", ((Span(f"no ceiling; charged {show_amount('seconds', tile.used_s)}", "quiet"),),))
    return Section("budget", section_lines(tile.budgets, box))


def _pull_request(detail: AgentDetail, now_ns: int) -> Section:
    pull_request = detail.pull_request
    if pull_request is None:
        return Section("pull request", ())
    lines: list[Line] = [
        (Span(f"PR {pull_request.number} {one_line(pull_request.title)}", "strong"),),
        fact("state", f"{pull_request.state.replace('_', ' ')}, round {pull_request.round}"),
        fact("head", f"{short(pull_request.head_sha)} on {short(pull_request.base_sha)}"),
        fact("diff", f"{count(pull_request.files, 'file')} +{pull_request.added} -{pull_request.deleted} (d shows it)"),
    ]
    if pull_request.reason:
        lines.append(fact("why", reason_now(pull_request, detail.reviews)))

    def is_stale(of: Review | Gate) -> bool:
        return of.head_sha != pull_request.head_sha

    for review in sorted(detail.reviews, key=is_stale):
        words = _VERDICTS[review.verdict]
        lens = f" as {in_brief(review.lens or review.role, 24)}, {short_clock(review.at_ns, now_ns)}"
        lines.append(_at_head(review.agent, words, review.head_sha, lens, stale=is_stale(review)))
        if review.summary.strip() and not is_stale(review):
            lines.append((Span(f"  {in_brief(review.summary, 200)}", "quiet"),))
    gates = (
        _at_head(f"gate {in_brief(gate.name, 12)}", gate.state, gate.head_sha, _took(gate), stale=is_stale(gate))
        for gate in sorted(detail.gates, key=is_stale)
    )
    return Section("pull request", (*lines, *gates))


def _took(gate: Gate) -> str:
    return f", {duration(gate.duration_ms)}" if gate.duration_ms else ""


def _at_head(name: str, words: str, head: str, more: str = "", *, stale: bool) -> Line:
    """A verdict, and of what; one on a head that is gone does not count."""
    return fact(name, f"{'STALE' if stale else words} @{short(head)}{more}", "stale" if stale else "normal")


def _messages(detail: AgentDetail, now_ns: int) -> Section:
    """The newest first."""
    return Section(
        "messages", tuple(line for message in reversed(detail.messages) for line in _message(message, now_ns))
    )


def _message(message: Message, now_ns: int) -> tuple[Line, ...]:
    """Who wrote what, and below it how far it came."""
    failed = message.state in {MessageState.FAILED, MessageState.UNCERTAIN}
    reason = f": {in_brief(message.reason, 200)}" if message.reason else ""
    return (
        (
            Span(f"{short_clock(message.sent_ns, now_ns)} {in_brief(message.sender, 24)}: ", "quiet"),
            Span(f'"{in_brief(message.text, 200)}"'),
        ),
        (Span(f"      {_RECEIPTS[message.state]}{reason}", "warn" if failed else "quiet"),),
    )


def timeline(detail: AgentDetail, now_ns: int) -> list[Item]:
    """What happened, newest first; the key of a row is the event's number."""
    events = tuple(reversed(detail.timeline))
    return [Item(str(event.seq), (shown,)) for event, shown in zip(events, told(events, now_ns), strict=True)]
