"""The one table of keys. Footer hints, help, palette, docs/keys.md and the user's keymap all come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from textual.binding import Binding, BindingType

from fleet_tui.domain.model import Alarm
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import AlarmState, ApprovalState
from fleet_tui.domain.text import one_line
from fleet_tui.governance.alarms import may_shelve
from fleet_tui.readmodel.flow import Stage
from fleet_tui.readmodel.pipeline import TicketCard
from fleet_tui.readmodel.system import Fault
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, Doing, NeedItem, NeedKind

EVERYWHERE, WALL, AGENT, APPROVALS, EVENTS = "everywhere", "wall", "agent", "approvals", "events"
ALARMS, PIPELINE, BUDGETS, NEW, SYSTEM = "alarms", "pipeline", "budgets", "new", "system"
SCOPES = (EVERYWHERE, WALL, AGENT, APPROVALS, ALARMS, PIPELINE, EVENTS, BUDGETS, NEW, SYSTEM)


@dataclass(frozen=True, slots=True)
class Here:
    """What a key would act on."""

    scope: str
    frozen: str = ""
    """Why acts are off; empty while they are on."""
    tile: AgentTile | None = None
    marked: tuple[AgentTile, ...] = ()
    """The agents that are marked: what can be done to several is done to them, and not to ``tile``."""
    card: ApprovalCard | None = None
    need: NeedItem | None = None
    """The selected agent's blocked ticket, or the need that `w` led to."""
    alarm: NeedItem | None = None
    """The alarm that `w` led to, or the one on line 2."""
    listed: Alarm | None = None
    """The alarm that is selected in their list."""
    marked_alarms: tuple[Alarm, ...] = ()
    """Those that are marked there: what can be done to several is done to them."""
    standing: Standing | None = None
    """The budget that is selected in their table."""
    held: ApprovalCard | None = None
    needs: int = 0
    ticket: TicketCard | None = None
    recording: bool = False
    fault: Fault | None = None
    """The problem of the configuration that is selected."""
    unmade: str = "no agent is sketched"
    """Why no agent can be made of what the form says; empty when one can."""


MOST_STOPPED = 10
"""More runs are stopped at once only by a command that is written out."""

Reason = Callable[[Here], str | None]
"""Why a key does nothing now; None when it works."""


def _always(here: Here) -> str | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the table. ``acts`` marks the keys that change the fleet: capitals, off while the picture is frozen."""

    id: str
    keys: str
    """Textual's names, comma-separated; the first is the one that is shown."""
    label: str
    tooltip: str
    scopes: tuple[str, ...]
    acts: bool = False
    hint: bool = True
    disabled: Reason = _always
    hint_on: tuple[str, ...] = ()
    """Screens where it is among the hints though elsewhere it is not."""

    @property
    def method(self) -> str:
        """The screen's method that does it."""
        return "do_" + self.id.replace(".", "_")

    def concerns(self, here: Here) -> bool:
        """Whether the help of this room names it: the keys of a recording are of no use elsewhere."""
        return here.recording or not self.id.startswith("replay.")

    def why_not(self, here: Here) -> str | None:
        """Why the key does nothing now, or None."""
        if self.acts and here.frozen:
            return here.frozen
        return self.disabled(here)


def _tile(here: Here) -> str | None:
    return None if here.tile else "no agent is selected"


def _process(here: Here) -> str | None:
    if here.tile is None:
        return "no agent is selected"
    return None if here.tile.session else f"{here.tile.name} has no running process"


def _of_marked(reason: Reason) -> Reason:
    """For a key that acts on all that are marked: it works as long as it does for one of them."""

    def why_not(here: Here) -> str | None:
        reasons = [reason(replace(here, tile=tile, marked=())) for tile in here.marked]
        if not reasons:
            return reason(here)
        return None if None in reasons else f"not for one of the {len(reasons)} marked: {reasons[0]}"

    return why_not


def _alone(reason: Reason) -> Reason:
    """For a key that acts on one agent only: which one is no question while others are marked."""
    return lambda here: "one agent at a time; Esc clears the marks" if here.marked else reason(here)


def _stoppable(here: Here) -> str | None:
    if len(here.marked) > MOST_STOPPED:
        return f"{len(here.marked)} are marked; more than {MOST_STOPPED} runs are stopped by `:stop marked` only"
    return _of_marked(_process)(here)


def _interruptible(here: Here) -> str | None:
    tile = here.tile
    if tile is not None and tile.session and (tile.quarantined or tile.paused or tile.doing is Doing.LIMITED):
        return f"{tile.name} is frozen ({tile.doing}): there is no turn to interrupt"
    return _process(here)


def _not_quarantined(here: Here) -> str | None:
    if here.tile is not None and here.tile.quarantined:
        return f"{here.tile.name} is quarantined already; U releases"
    return _tile(here)


def _quarantined(here: Here) -> str | None:
    if here.tile is not None and not here.tile.quarantined:
        return f"{here.tile.name} is not quarantined"
    return _tile(here)


def _budget(here: Here) -> str | None:
    if here.tile is not None and here.tile.budget is None:
        return f"{here.tile.name} has no budget"
    return _tile(here)


def _decidable(here: Here) -> str | None:
    if here.card is None:
        return "nothing to decide here: select a pull request"
    if here.card.approval.state is ApprovalState.HELD:
        return f"#{here.card.approval.pr} is approved and held; u undoes that"
    return None


def _held(here: Here) -> str | None:
    return None if here.held else "nothing is held: no act can be undone"


def _needs(here: Here) -> str | None:
    return None if here.needs else "nothing waits for you"


def may_not_acknowledge(alarm: Alarm) -> str | None:
    """Why not, or None."""
    if alarm.acknowledged_by:
        return f"acknowledged already, by {one_line(alarm.acknowledged_by, 40)}"
    return "it is on the shelf; s brings it back" if alarm.state is AlarmState.SHELVED else None


def may_not_shelve(alarm: Alarm) -> str | None:
    """Why it cannot be put on the shelf, or None."""
    if alarm.state is AlarmState.SHELVED:
        return "on the shelf already"
    if alarm.state is AlarmState.CLEARED:
        return "it has cleared; a acknowledges it"
    return may_shelve(alarm, 1)


def _none_of(here: Here, reason: Callable[[Alarm], str | None]) -> str | None:
    """Of the alarms that are marked."""
    reasons = [reason(alarm) for alarm in here.marked_alarms]
    return None if None in reasons else f"not for one of the {len(reasons)} marked: {reasons[0]}"


def _alarm(here: Here) -> str | None:
    if here.marked_alarms:
        return _none_of(here, may_not_acknowledge)
    if here.listed is not None:
        return may_not_acknowledge(here.listed)
    return None if here.alarm else "no alarm to acknowledge; the rest of the queue is decided"


def _listed(here: Here) -> str | None:
    return None if here.listed else "no alarm is selected"


def _under_cursor(here: Here) -> str | None:
    return _listed(here) if here.scope == ALARMS else _tile(here)


def _shelvable(here: Here) -> str | None:
    if here.marked_alarms:
        return _none_of(here, may_not_shelve)
    if here.listed is None or here.listed.state is AlarmState.SHELVED:  # from there it is brought back
        return _listed(here)
    return may_not_shelve(here.listed)


def _standing(here: Here) -> str | None:
    return None if here.standing else "no budget is selected"


def _blocked(here: Here) -> str | None:
    return None if here.need and here.need.kind is NeedKind.BLOCKED else "no blocked ticket here"


def _holdable(here: Here) -> str | None:
    card = here.ticket
    if card is None:
        return "no ticket is selected"
    return None if card.stage is Stage.READY else f"#{card.number} is under way: only what waits can be held"


def _with_pull_request(here: Here) -> str | None:
    if here.ticket is None:
        return "no ticket is selected"
    return None if here.ticket.approval else f"no decision on #{here.ticket.number} waits for you"


def _sketched(here: Here) -> str | None:
    return here.unmade or None


def _recording(here: Here) -> str | None:
    return None if here.recording else "this is a living fleet; fleet replay opens a recording"


_ON_AGENT = (WALL, AGENT)
_WITH_PANES = (AGENT, APPROVALS, ALARMS, EVENTS, BUDGETS, NEW, SYSTEM)
_ON_ALARM = (WALL, AGENT, ALARMS)

KEYS: tuple[Key, ...] = (
    Key(
        "need.next",
        "w",
        "next need",
        "the next thing that needs you, in its own screen",
        (EVERYWHERE,),
        disabled=_needs,
    ),
    Key(
        "need.acknowledge",
        "a",
        "ack",
        "acknowledge the alarm: seen, not solved; sends nothing to agents",
        (EVERYWHERE,),
        hint=False,
        disabled=_alarm,
        hint_on=(ALARMS,),
    ),
    # What answers a state that a person must end stands first, so that the hints have room for it.
    Key(
        "ticket.unblock",
        "T",
        "unblock",
        "let the blocked ticket that w led to, or the selected one, go on",
        (WALL, AGENT, PIPELINE, EVENTS),
        True,
        disabled=_blocked,
    ),
    Key(
        "agent.release",
        "U",
        "release",
        "release the agent from quarantine: reason and its name",
        _ON_ALARM,
        True,
        disabled=_alone(_quarantined),
    ),
    Key(
        "approval.approve",
        "A",
        "approve",
        "approve the merge of exactly what is shown",
        (APPROVALS,),
        True,
        disabled=_decidable,
    ),
    Key(
        "approval.reject",
        "R",
        "reject",
        "reject with a reason; it waits for a person",
        (APPROVALS,),
        True,
        disabled=_decidable,
    ),
    Key(
        "approval.changes",
        "C",
        "changes",
        "request changes; the reason goes to the author",
        (APPROVALS,),
        True,
        disabled=_decidable,
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
        "alarm.shelve",
        "s",
        "shelve",
        "put the alarm out of sight for a while, with a reason; on the shelf: bring it back",
        (ALARMS,),
        disabled=_shelvable,
    ),
    Key("alarm.cause", "c", "cause", "show in the log what led to the alarm", (ALARMS,), disabled=_listed),
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
        disabled=_standing,
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
        disabled=_with_pull_request,
    ),
    Key(
        "ticket.hold",
        "P",
        "hold/ready",
        "hold a ready ticket back, or make a draft ready",
        (PIPELINE,),
        True,
        disabled=_holdable,
    ),
    Key("agent.create", "C", "create", "make the agent that the form describes", (NEW,), True, disabled=_sketched),
    Key("template.find", "slash", "search", "show only templates in which the words occur", (NEW,)),
    Key("config.edit", "e", "edit", "open the file of the selected problem in your editor, at its line", (SYSTEM,)),
    Key("ticket.find", "slash", "find", "find a ticket by number, title or agent", (PIPELINE,)),
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
        disabled=_process,
    ),
    Key(
        "agent.message",
        "m",
        "message",
        "write to the agent, or answer its question; to all that are marked",
        (WALL, AGENT, PIPELINE),
        disabled=_of_marked(_process),
    ),
    Key(
        "agent.quarantine",
        "Q",
        "quarantine",
        "freeze the agent and refuse its identity",
        _ON_ALARM,
        True,
        disabled=_of_marked(_not_quarantined),
    ),
    Key(
        "agent.pause",
        "P",
        "pause",
        "pause the agent, or let it go on",
        (*_ON_ALARM, BUDGETS),
        True,
        disabled=_of_marked(_not_quarantined),
    ),
    Key(
        "mark.toggle",
        "space",
        "mark",
        "mark what the cursor is on, or take its mark away",
        (WALL, ALARMS),
        disabled=_under_cursor,
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
        _alone(_interruptible),
    ),
    Key("agent.stop", "X", "stop", "stop the agent's run; workspace and log stay", _ON_AGENT, True, False, _stoppable),
    Key(
        "agent.extend",
        "B",
        "budget",
        "add half of its size to the agent's budget",
        _ON_AGENT,
        True,
        False,
        _of_marked(_budget),
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
    Key(
        "fleet.halt",
        "exclamation_mark",
        "ALL STOP",
        "freeze every agent, start and land nothing; again: lift it",
        (EVERYWHERE,),
        True,
        False,
    ),
    Key("act.undo", "u", "undo", "undo the newest act that is still held", (EVERYWHERE,), hint=False, disabled=_held),
    Key("pane.next", "tab", "pane", "the next pane of the screen", _WITH_PANES, hint=False, hint_on=(APPROVALS, NEW)),
    Key("screen.wall", "1", "wall", "all agents", (EVERYWHERE,), hint=False),
    Key("screen.approvals", "2", "approvals", "what waits for your decision", (EVERYWHERE,), hint=False),
    Key("screen.alarms", "3", "alarms", "what is abnormal, and what is expected of you", (EVERYWHERE,), hint=False),
    Key("screen.pipeline", "4", "pipeline", "every ticket in its stage, and what is slow", (EVERYWHERE,), hint=False),
    Key("screen.events", "5", "events", "the log of everything that happened", (EVERYWHERE,), hint=False),
    Key(
        "screen.budgets",
        "6",
        "budgets",
        "what was used, what is left, and how long it lasts",
        (EVERYWHERE,),
        hint=False,
    ),
    Key("screen.new", "7", "new agent", "templates, and an agent made from one", (EVERYWHERE,), hint=False),
    Key("screen.system", "8", "system", "errors of the configuration; the system's parts", (EVERYWHERE,), hint=False),
    Key("screen.last", "grave_accent", "last", "the screen where you were before", (EVERYWHERE,), hint=False),
    *(
        Key(f"replay.{name}", key, label, told, (EVERYWHERE,), hint=False, disabled=_recording)
        for name, key, label, told in (
            ("pause", "p", "pause", "in a recording: stand still, or go on"),
            ("back", "less_than_sign", "back", "in a recording: back by a twentieth of it"),
            ("on", "greater_than_sign", "on", "in a recording: on by a twentieth of it"),
            ("slower", "left_parenthesis", "slower", "in a recording: play slower"),
            ("faster", "right_parenthesis", "faster", "in a recording: play faster"),
        )
    ),
    Key(
        "copy.menu",
        "y",
        "copy",
        "copy what is selected or shown: the next key says what; the line below says where it went",
        (EVERYWHERE,),
    ),
    Key(
        "text.page",
        "e",
        "pager",
        "read a copy of what is shown in your pager ($PAGER); on the agent's page of the part that has the keys",
        (AGENT, APPROVALS, EVENTS),
        hint=False,
    ),
    Key("room.refresh", "r", "refresh", "ask the watcher and read again, now", (EVERYWHERE,), hint=False),
    Key("room.redraw", "ctrl+l", "redraw", "draw the whole screen again", (EVERYWHERE,), hint=False),
    Key("room.back", "escape,backspace", "back", "one level up", (EVERYWHERE,), hint=False),
    Key(
        "room.leave",
        "q,ctrl+q",
        "back",
        "one level up; on the wall twice to leave, agents keep running",
        (EVERYWHERE,),
        hint=False,
    ),
    Key("room.help", "question_mark", "keys", "the keys of this screen", (EVERYWHERE,), hint=False),
    Key(
        "room.command",
        "colon,ctrl+p",
        "command",
        "find a command, an agent or a pull request by name, or type one: ticket 12, mute bell 30m",
        (EVERYWHERE,),
        hint=False,
    ),
)

MOVES: tuple[tuple[str, str], ...] = (
    ("h j k l", "move; arrows too"),
    ("g G", "first, last"),
    ("PgUp PgDn", "a page up, down"),
    ("Enter", "open; never confirms an act"),
)
OWN_MOVES: Mapping[str, tuple[tuple[str, str], ...]] = {
    WALL: (("+ -", "larger, smaller tiles"),),
    AGENT: (("f", "follow the bottom of the pane"), ("h l", "pan the pane"), ("{ }", "in the diff: hunks")),
    EVENTS: (("f G", "follow the newest"),),
    NEW: (
        ("Enter", "in the list: on to the form; in a field: the next one; on a button: presses it"),
        ("Tab Shift-Tab", "the next and the last field or part; PgDn goes to the buttons"),
        ("Left Right", "in a field: through its text, or its choices, to which a letter jumps; Del empties it"),
    ),
    SYSTEM: (("Enter", "the place in the file"),),
    PIPELINE: (("h l", "the stage before, after"), ("Enter", "the decision, or the agent that has it in hand")),
}
"""Keys of the widgets themselves: they belong to what has the focus, and stand in the help only."""

FORBIDDEN = frozenset(
    [f"ctrl+{letter}" for letter in "abhijmsgtonwk"]
    + [
        "ctrl+space",
        "ctrl+left_square_bracket",
        "ctrl+backslash",
        "ctrl+right_square_bracket",
        "shift+enter",
        "ctrl+enter",
    ]
    + [f"f{number}" for number in range(1, 25)]
    + [f"ctrl+{arrow}" for arrow in ("up", "down", "left", "right")]
)
"""Keys that multiplexers take, terminals cannot tell apart, or small keyboards lack."""

SHOWN = {
    "question_mark": "?", "exclamation_mark": "!", "colon": ":", "grave_accent": "`", "slash": "/", "tab": "Tab",
    "space": "Space", "escape": "Esc", "backspace": "Backspace", "left_square_bracket": "[",
    "right_square_bracket": "]", "left_curly_bracket": "{", "right_curly_bracket": "}",
    "asterisk": "*", "comma": ",", "full_stop": ".", "less_than_sign": "<", "greater_than_sign": ">",
    "left_parenthesis": "(", "right_parenthesis": ")",
    "ctrl+l": "^L", "ctrl+q": "^Q", "ctrl+p": "^P",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as people write it."""
    return SHOWN.get(key, key)


def keys_for(scope: str) -> tuple[Key, ...]:
    """The rows that work on a screen: its own first, then those of everywhere."""
    own = tuple(key for key in KEYS if scope in key.scopes and scope != EVERYWHERE)
    return own + tuple(key for key in KEYS if EVERYWHERE in key.scopes)


def textual_bindings(scope: str) -> list[BindingType]:
    """The rows of a screen as Textual's bindings; the action looks the row up again by its id."""
    return [
        Binding(key.keys, f"do('{key.id}')", key.label, id=key.id, tooltip=key.tooltip, show=key.hint)
        for key in keys_for(scope)
    ]


def by_id(identity: str) -> Key:
    return next(key for key in KEYS if key.id == identity)


def effective(keymap: Mapping[str, str]) -> dict[str, str]:
    """Id → keys, with the user's keymap laid over the table."""
    return {key.id: keymap.get(key.id, key.keys) for key in KEYS}


def problems(keymap: Mapping[str, str], keys: Iterable[Key] = KEYS) -> list[str]:
    """What is wrong with a keymap: unknown ids, forbidden keys, two acts on one key of one screen.

    Textual accepts all of these silently, and drops a binding without a word when two meet.
    """
    table = tuple(keys)
    known = {key.id for key in table}
    found = [f"ui.keymap.{identity}: there is no such key id" for identity in keymap if identity not in known]
    owners: dict[tuple[str, str], str] = {}
    for key in table:
        for one in keymap.get(key.id, key.keys).split(","):
            found += _forbidden(key.id, one.strip())
            for scope in _reach(key):
                owner = owners.setdefault((scope, one.strip()), key.id)
                if owner != key.id:
                    found.append(f"ui.keymap: {shown(one.strip())} is both {owner} and {key.id} on {scope}")
    return list(dict.fromkeys(found))


def _reach(key: Key) -> tuple[str, ...]:
    return SCOPES if EVERYWHERE in key.scopes else key.scopes


def _forbidden(identity: str, key: str) -> list[str]:
    if not key:
        return [f"ui.keymap.{identity}: no key is given"]
    if key in FORBIDDEN or key.startswith(("alt+", "meta+")) or "+alt+" in key:
        return [f"ui.keymap.{identity}: {key} may not be bound: terminals or multiplexers take it"]
    return []
