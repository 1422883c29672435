"""Rows of the table of keys: what is done to agents, from the wall, their own page and wherever one is selected."""

from __future__ import annotations

from fleet_tui.tui.keys.key import AGENT, ALARMS, APPROVALS, BUDGETS, EVENTS, PIPELINE, WALL, Key
from fleet_tui.tui.keys.reasons import (
    alone,
    blocked,
    interruptible,
    not_quarantined,
    of_marked,
    quarantined,
    stoppable,
    under_cursor,
    with_budget,
    with_process,
)

_ON_AGENT = (WALL, AGENT)
_ON_ALARM = (WALL, AGENT, ALARMS)

URGENT: tuple[Key, ...] = (
    # What answers a state that a person must end stands first, so that the hints have room for it.
    Key(
        "ticket.unblock",
        "T",
        "unblock",
        "let the blocked ticket that w led to, or the selected one, go on",
        (WALL, AGENT, PIPELINE, EVENTS),
        True,
        disabled=blocked,
    ),
    Key(
        "agent.release",
        "U",
        "release",
        "release the agent from quarantine: reason and its name",
        _ON_ALARM,
        True,
        disabled=alone(quarantined),
    ),
)

AGENTS: tuple[Key, ...] = (
    Key(
        "wall.filter",
        "slash",
        "filter",
        "show only some agents: role:qa state:ask risk:high vendor:claude words !noise; a number goes to its agent",
        (WALL,),
    ),
    Key(
        "agent.attach",
        "o",
        "attach",
        "attach to the agent's terminal in tmux; C-] d comes back",
        (WALL, AGENT, APPROVALS, PIPELINE),
        disabled=with_process,
    ),
    Key(
        "agent.message",
        "m",
        "message",
        "write to the agent, or answer its question; to all that are marked",
        (WALL, AGENT, PIPELINE),
        disabled=of_marked(with_process),
    ),
    Key(
        "agent.quarantine",
        "Q",
        "quarantine",
        "freeze the agent and refuse its identity",
        _ON_ALARM,
        True,
        disabled=of_marked(not_quarantined),
    ),
    Key(
        "agent.pause",
        "P",
        "pause",
        "pause the agent, or let it go on",
        (*_ON_ALARM, BUDGETS),
        True,
        disabled=of_marked(not_quarantined),
    ),
    Key(
        "mark.toggle",
        "space",
        "mark",
        "mark what the cursor is on, or take its mark away",
        (WALL, ALARMS),
        disabled=under_cursor,
    ),
    Key(
        "mark.range",
        "v",
        "mark range",
        "mark from here to wherever the cursor goes; again: the range ends there",
        (WALL, ALARMS),
        hint=False,
        disabled=under_cursor,
    ),
    Key("mark.all", "asterisk", "mark all", "mark all that are shown; again: none of them", (WALL, ALARMS), hint=False),
    Key(
        "agent.interrupt",
        "I",
        "interrupt",
        "end the turn that the agent is at, by its vendor's key; the run stays",
        (WALL, AGENT, PIPELINE),
        True,
        False,
        alone(interruptible),
    ),
    Key("agent.stop", "X", "stop", "stop the agent's run; workspace and log stay", _ON_AGENT, True, False, stoppable),
    Key(
        "agent.extend",
        "B",
        "budget",
        "add half of its size to the agent's budget",
        _ON_AGENT,
        True,
        False,
        of_marked(with_budget),
    ),
    Key("agent.diff", "d", "diff", "the diff of what it handed over; again: its pane", (AGENT,)),
    Key(
        "agent.zoom",
        "z",
        "zoom",
        "the part with the keys over the whole screen; again: all parts",
        (AGENT,),
        hint=False,
    ),
    Key("search.edit", "slash", "search", "search the part that has the keys", (AGENT,), hint=False),
    Key("search.next", "n", "next match", "the next match of the search", (AGENT,), hint=False),
    Key("search.previous", "N", "previous match", "the match before this one", (AGENT,), hint=False),
    Key(
        "agent.next_part",
        "right_square_bracket",
        "next part",
        "pane, facts, timeline, diff; in the diff: the next file",
        (AGENT,),
        hint=False,
    ),
    Key(
        "agent.previous_part",
        "left_square_bracket",
        "previous part",
        "the part before this one; in the diff: the previous file",
        (AGENT,),
        hint=False,
    ),
    Key("agent.older", "comma", "older run", "the agent's run before this one", (AGENT,), hint=False),
    Key("agent.newer", "full_stop", "newer run", "the agent's run after this one", (AGENT,), hint=False),
)
