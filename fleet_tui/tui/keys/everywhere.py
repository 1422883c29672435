"""Rows of the table of keys: what works on every screen."""

from __future__ import annotations

from fleet_tui.tui.keys.key import ALARMS, EVERYWHERE, Key
from fleet_tui.tui.keys.reasons import acknowledgeable, in_recording, with_held, with_needs

ROWS: tuple[Key, ...] = (
    Key(
        "need.next",
        "w",
        "next need",
        "the next thing that needs you, in its own screen",
        (EVERYWHERE,),
        disabled=with_needs,
    ),
    Key(
        "need.acknowledge",
        "a",
        "ack",
        "acknowledge the alarm: seen, not solved; sends nothing to agents",
        (EVERYWHERE,),
        hint=False,
        disabled=acknowledgeable,
        hint_on=(ALARMS,),
    ),
    Key(
        "fleet.halt",
        "exclamation_mark",
        "ALL STOP",
        "freeze every agent, start and land nothing; again: lift it",
        (EVERYWHERE,),
        True,
        False,
    ),
    Key(
        "act.undo", "u", "undo", "undo the newest act that is still held", (EVERYWHERE,), hint=False, disabled=with_held
    ),
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
        Key(f"replay.{name}", key, label, told, (EVERYWHERE,), hint=False, disabled=in_recording)
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
    Key("room.refresh", "r", "refresh", "ask the watcher and read again, now", (EVERYWHERE,), hint=False),
    Key("room.redraw", "ctrl+l", "redraw", "draw the whole screen again", (EVERYWHERE,), hint=False),
    Key("room.back", "escape,backspace", "back", "one level up", (EVERYWHERE,), hint=False),
    Key(
        "room.leave",
        "q,ctrl+q",
        "back",
        "one level up; on the wall twice to leave the room: agents keep working without it (a demo ends)",
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
