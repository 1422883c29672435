"""The needs-you queue: what waits for a person, most urgent first. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from fleet_tui.domain.model import Alarm, Approval, PullRequest, Question, Run, Ticket
from fleet_tui.domain.states import AlarmState, ApprovalState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import ApprovalCard, NeedItem, NeedKind

_FOREVER = 1 << 62
BLOCKED_RULE = "blocked"
"""The rule of the alarm that a pull request waits for a person; its ticket waits with it."""


def order(items: Iterable[NeedItem]) -> tuple[NeedItem, ...]:
    """Priority, then time until harm where it is known, then age; the key decides ties, so that order is total."""
    return tuple(sorted(items, key=_rank))


def _rank(item: NeedItem) -> tuple[int, int, int, str]:
    return item.priority, item.deadline_ns or _FOREVER, item.since_ns, item.key


def queue(
    alarms: Sequence[Alarm],
    questions: Sequence[Question],
    cards: Sequence[ApprovalCard],
    tickets: Sequence[Ticket],
    runs: Mapping[str, Run],
    pull_requests: Mapping[int, PullRequest],
) -> tuple[NeedItem, ...]:
    """Everything that waits for a person: open alarms, questions, approvals, held acts, blocked tickets.

    One matter is there once: a ticket that waits stands for its question, or for the alarm that its pull request waits;
    an alarm that came first stands for those that follow from it, until somebody has seen it.
    """
    asked = {question.ticket for question in questions}
    waiting = [ticket for ticket in tickets if is_blocked(ticket) and ticket.number not in asked]
    follow = Counter(alarm.first for alarm in alarms if alarm.first is not None)
    first = {alarm.id for alarm in alarms if is_open(alarm)}
    blocked = {f"ticket:{ticket.number}" for ticket in waiting} | {f"pr:{ticket.pr}" for ticket in waiting}
    return order(
        [
            *(
                alarm_need(
                    alarm,
                    agent_of(alarm.about, runs, tickets, pull_requests),
                    follow[alarm.id],
                    ticket_of(alarm.about, runs, pull_requests),
                )
                for alarm in alarms
                if is_open(alarm)
                and alarm.first not in first
                and not (alarm.rule == BLOCKED_RULE and alarm.about in blocked)
            ),
            *(question_need(question) for question in questions),
            *(approval_need(card) for card in cards),
            *(blocked_need(ticket) for ticket in waiting),
        ]
    )


def is_open(alarm: Alarm) -> bool:
    return alarm.state is AlarmState.ACTIVE


def is_blocked(ticket: Ticket) -> bool:
    return ticket.state is TicketState.BLOCKED


def agent_of(
    about: str, runs: Mapping[str, Run], tickets: Sequence[Ticket], pull_requests: Mapping[int, PullRequest]
) -> str | None:
    """The agent behind a subject such as ``agent:dev``, ``run:<id>``, ``ticket:3`` or ``pr:2``; None for the fleet."""
    noun, _, name = about.partition(":")
    if noun == "agent":
        return name or None
    if noun == "run":
        return runs[name].agent if name in runs else None
    if noun == "pr" and name.isdecimal():
        pull_request = pull_requests.get(int(name))
        return pull_request.agent if pull_request else None
    if noun == "ticket" and name.isdecimal():
        return next((ticket.agent for ticket in tickets if ticket.number == int(name)), None)
    return None


def ticket_of(about: str, runs: Mapping[str, Run], pull_requests: Mapping[int, PullRequest]) -> int | None:
    """The ticket behind a subject such as ``run:<id>``, ``ticket:3`` or ``pr:2``."""
    noun, _, name = about.partition(":")
    if noun == "run":
        return runs[name].ticket if name in runs else None
    if noun in {"pr", "ticket"} and name.isdecimal():
        pull_request = pull_requests.get(int(name)) if noun == "pr" else None
        return int(name) if noun == "ticket" else pull_request.ticket if pull_request else None
    return None


_NOUNS = {"pr": "PR ", "ticket": "ticket #", "agent": "", "run": "run .."}


def words_of(about: str) -> str:
    """A subject as people say it: ``PR 2``, ``ticket #3``, ``fleet``; of a run's long id only its end."""
    noun, colon, name = one_line(about, 60).partition(":")
    if noun not in _NOUNS or not colon:
        return noun if not colon else f"{noun} {name}"
    return f"{_NOUNS[noun]}{name[-8:] if noun == 'run' else name}"


def alarm_need(alarm: Alarm, agent: str | None, followers: int = 0, ticket: int | None = None) -> NeedItem:
    return NeedItem(
        NeedKind.ALARM,
        alarm.id,
        alarm.priority,
        agent,
        one_line(alarm.title),
        alarm.raised_ns,
        None,
        about=words_of(alarm.about),
        response=one_line(alarm.response),
        followers=followers,
        rule=alarm.rule,
        subject=alarm.about,
        ticket=ticket,
    )


def question_need(question: Question) -> NeedItem:
    title = one_line(f"ASK {question.summary}")
    return NeedItem(NeedKind.QUESTION, question.id, 3, question.agent, title, question.asked_ns, None)


def approval_need(card: ApprovalCard) -> NeedItem:
    """A requested approval, or a granted one whose effect can still be undone."""
    approval = card.approval
    held = approval.state is ApprovalState.HELD
    verb = "HELD" if held else "APPROVE AGAIN" if card.void is not None else "APPROVE"
    return NeedItem(
        NeedKind.HELD if held else NeedKind.APPROVAL,
        approval.id,
        3,
        card.pull_request.agent,
        one_line(f"{verb} merge of PR {approval.pr}{_so_far(approval)} {card.ticket_title}"),
        approval.requested_ns,
        approval.hold_until_ns if held else approval.expires_ns,
        approval.pr,
    )


def _so_far(approval: Approval) -> str:
    return f" ({len(approval.votes)} of {approval.quorum} persons)" if approval.quorum > 1 else ""


def blocked_need(ticket: Ticket) -> NeedItem:
    title = one_line(f"BLOCKED ticket #{ticket.number}: {ticket.blocked_reason or ticket.title}")
    return NeedItem(NeedKind.BLOCKED, str(ticket.number), 2, ticket.agent, title, ticket.changed_ns, None, ticket.pr)


_COMMANDS = {
    NeedKind.ALARM: "fleet alarm ack {0.id}",
    NeedKind.QUESTION: "fleet question answer {0.id} TEXT",
    NeedKind.APPROVAL: "fleet approval show {0.pr}",
    NeedKind.HELD: "fleet approval undo {0.pr}",
    NeedKind.BLOCKED: "fleet ticket unblock {0.id} --reason TEXT",
}
_RELEASE = "fleet agent release {agent} --reason TEXT"
_EXTEND = "fleet budget extend {subject} AMOUNT --reason TEXT"
_UNBLOCK = "fleet ticket unblock {ticket} --reason TEXT"
_BY_RULE = {
    "blocked": _UNBLOCK,
    "budget": _EXTEND,
    "budget-wanted": _EXTEND,
    "budget-warning": _EXTEND,
    "config": "fleet config validate",
    "contained-runs": "fleet agent stop {agent}",
    "crash-loop": _UNBLOCK,
    "delivery": "fleet agent attach {agent}",
    "halt": "fleet halt --lift",
    "idle": "fleet agent message {agent} TEXT",
    "isolation": "fleet doctor --security",
    "memory": "fleet agent memory {agent} MEGABYTES --reason TEXT",
    "memory-killed": "fleet agent memory {agent} MEGABYTES --reason TEXT",
    "memory-warning": "fleet agent memory {agent} MEGABYTES --reason TEXT",
    "program": "fleet doctor",
    "quarantine": _RELEASE,
    "release-wanted": "fleet release tag VERSION --dry-run",
    "restore": "fleet restore --plan",
    "review-held": _RELEASE,
    "silent-hooks": "fleet agent stop {agent}",
    "ticket-stuck": "fleet ticket show {ticket}",
    "turn-failed": "fleet agent message {agent} TEXT",
    "usage-limit": "fleet account resume {account} --reason TEXT",
}
"""What decides the matter of an alarm; to have seen it changes nothing there."""


def command_for(item: NeedItem) -> str:
    """The command that answers a need: that decides it, where a command can; else the one that says it was seen."""
    told = _BY_RULE.get(item.rule, "")
    noun, _, name = item.subject.partition(":")
    account = name if noun == "account" else None
    known = {"agent": item.agent, "ticket": item.ticket, "subject": item.subject or None, "account": account}
    if told and all(known[name] is not None for name in known if f"{{{name}}}" in told):
        return told.format(**{name: shlex.quote(str(value)) for name, value in known.items()})
    return _COMMANDS[item.kind].format(item)


def is_decided(item: NeedItem) -> bool:
    """Whether :func:`command_for` decides it, and does not only say that it was seen."""
    return item.kind is not NeedKind.ALARM or command_for(item) != seen_by(item)


def seen_by(item: NeedItem) -> str:
    """The command that says that an alarm was seen."""
    return _COMMANDS[NeedKind.ALARM].format(item)


def after(items: Sequence[NeedItem], current: NeedItem | None) -> NeedItem | None:
    """The item to visit after ``current``, round and round; of one that is gone the place in the order still counts."""
    if not items or current is None:
        return items[0] if items else None
    keys = [item.key for item in items]
    if current.key in keys:
        return items[(keys.index(current.key) + 1) % len(items)]
    return next((item for item in items if _rank(item) > _rank(current)), items[0])
