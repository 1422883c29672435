"""Rows of the table of keys: decisions, alarms, tickets, budgets, the log, and the panes of their screens."""

from __future__ import annotations

from fleet_tui.tui.keys.key import AGENT, ALARMS, APPROVALS, BUDGETS, EVENTS, NEW, PIPELINE, SYSTEM, Key
from fleet_tui.tui.keys.reasons import (
    at_usage_limit,
    decidable,
    holdable,
    plannable,
    shelvable,
    sketched,
    with_alarm,
    with_parts,
    with_pull_request,
    with_standing,
)

_WITH_PANES = (AGENT, APPROVALS, ALARMS, EVENTS, BUDGETS, NEW, SYSTEM)

LISTS: tuple[Key, ...] = (
    Key(
        "approval.approve",
        "A",
        "approve",
        "approve the merge of exactly what is shown",
        (APPROVALS,),
        True,
        disabled=decidable,
    ),
    Key(
        "approval.reject",
        "R",
        "reject",
        "reject with a reason; it waits for a person",
        (APPROVALS,),
        True,
        disabled=decidable,
    ),
    Key(
        "approval.changes",
        "C",
        "changes",
        "request changes; the reason goes to the author",
        (APPROVALS,),
        True,
        disabled=decidable,
    ),
    Key(
        "approval.in_turn",
        "v",
        "in turn",
        "decide on all that wait, one after the other; again: leave this one, on to the next",
        (APPROVALS,),
    ),
    Key("approval.unseen", "n", "next unseen", "the next file that was not on screen yet", (APPROVALS,)),
    Key(
        "approval.next_file", "right_square_bracket", "next file", "the next file of the diff", (APPROVALS,), hint=False
    ),
    Key(
        "approval.previous_file",
        "left_square_bracket",
        "previous file",
        "the file before this one",
        (APPROVALS,),
        hint=False,
    ),
    Key(
        "approval.next_hunk", "right_curly_bracket", "next hunk", "the next hunk of the diff", (APPROVALS,), hint=False
    ),
    Key(
        "approval.previous_hunk",
        "left_curly_bracket",
        "previous hunk",
        "the hunk before this one",
        (APPROVALS,),
        hint=False,
    ),
    Key("approval.seen", "space", "seen", "mark the file as seen, and go on", (APPROVALS,), hint=False),
    Key(
        "account.resume",
        "T",
        "go on",
        "let the agents of the account at its usage limit go on now, one after the other",
        (ALARMS,),
        True,
        disabled=at_usage_limit,
    ),
    Key(
        "alarm.shelve",
        "s",
        "shelve",
        "put the alarm out of sight for a while, with a reason; on the shelf: bring it back",
        (ALARMS,),
        disabled=shelvable,
    ),
    Key("alarm.cause", "c", "cause", "show in the log what led to the alarm", (ALARMS,), disabled=with_alarm),
    Key(
        "alarm.effects", "x", "effects", "list all alarms that follow from another, or only some", (ALARMS,), hint=False
    ),
    Key(
        "budget.extend",
        "B",
        "extend",
        "add to the selected budget; the amount is typed",
        (BUDGETS,),
        True,
        disabled=with_standing,
    ),
    Key("budget.sort", "comma", "sort", "by share used, by how fast it goes, by name", (BUDGETS,)),
    Key(
        "filter.edit",
        "slash",
        "filter",
        "filter the log: agent:x type:gate since:13:30 by:human words /re/ !noise",
        (EVENTS,),
    ),
    Key("event.cause", "c", "cause", "jump to the event that led to this one", (EVENTS,)),
    Key("event.effect", "x", "effects", "jump to what this event led to; again for the next", (EVENTS,)),
    Key("event.object", "d", "open", "open the pull request or agent that the event is about", (EVENTS,)),
    Key(
        "ticket.decide",
        "d",
        "decide",
        "open the decision that the ticket waits for",
        (PIPELINE,),
        disabled=with_pull_request,
    ),
    Key(
        "ticket.hold",
        "P",
        "hold/ready",
        "hold a ready ticket back, or make a draft ready",
        (PIPELINE,),
        True,
        disabled=holdable,
    ),
    Key(
        "ticket.plan",
        "f",
        "fan out",
        "whether the ticket is work for several agents, and its parts; again: the board",
        (PIPELINE,),
        disabled=plannable,
    ),
    Key(
        "ticket.split",
        "F",
        "make parts",
        "make tickets of the parts that f shows; the whole has shipped when all of them have",
        (PIPELINE,),
        True,
        disabled=with_parts,
    ),
    Key("ticket.edit_plan", "e", "edit parts", "change the parts in your editor", (PIPELINE,), disabled=with_parts),
    Key("agent.create", "C", "create", "make the agent that the form describes", (NEW,), True, disabled=sketched),
    Key(
        "agent.dry_run",
        "d",
        "dry run",
        "show in full what would be written and run, and on which prompt; nothing is done",
        (NEW,),
        disabled=sketched,
    ),
    Key("template.find", "slash", "search", "show only templates in which the words occur", (NEW,)),
    Key("config.edit", "e", "edit", "open the file of the selected problem in your editor, at its line", (SYSTEM,)),
    Key("ticket.find", "slash", "find", "find a ticket by number, title or agent", (PIPELINE,)),
)

PANES: tuple[Key, ...] = (
    Key("cost.by", "c", "cost by", "what was asked of models, by model, agent, ticket, day or run", (BUDGETS,)),
    Key("pane.next", "tab", "pane", "the next pane of the screen", _WITH_PANES, hint=False, hint_on=(APPROVALS, NEW)),
    Key(
        "text.page",
        "e",
        "pager",
        "read a copy of what is shown in your pager ($PAGER); on the agent's page of the part that has the keys",
        (AGENT, APPROVALS, EVENTS),
        hint=False,
    ),
)
