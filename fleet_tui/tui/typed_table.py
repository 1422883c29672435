"""The palette's commands that take words: ``ticket 12``, ``mute bell 30m``. What acts opens the strip of its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.widgets import TextArea

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.numbers import no_pull_request, pull_request_number
from fleet_tui.domain.states import STANDING_ALARMS, AlarmState
from fleet_tui.domain.text import in_brief, one_line
from fleet_tui.governance.alarms import in_words, may_shelve
from fleet_tui.readmodel.handover import SHIFT_S
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui import written
from fleet_tui.tui.commands import Act
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.governor import Tier
from fleet_tui.tui.present.copying import offer
from fleet_tui.tui.present.text import clock
from fleet_tui.tui.remembered import DENSITIES
from fleet_tui.tui.screens.new_agent import open_new
from fleet_tui.tui.screens.wall import WallScreen
from fleet_tui.tui.typed import Typed, Words, Wrong
from fleet_tui.tui.typed_runs import memory, restore, start, tile_of

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

MOST_MUTED_S = 8 * 3600
Run = Callable[["RoomApp", Words], object]


# -- going somewhere ---------------------------------------------------------------------------------------------------


def _number(word: str) -> int:
    text = word.removeprefix("#").removeprefix("T-")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Wrong(f"{one_line(word, 40)} is no number such as 3 or #3")
    return int(text)


def _pull_request_number(word: str) -> int:
    number = pull_request_number(word)
    if number is None:
        raise Wrong(no_pull_request(one_line(word, 40)))
    return number


async def _agent(room: RoomApp, words: Words) -> None:
    await room.open_agent(tile_of(room, words[0]).name)


async def _ticket(room: RoomApp, words: Words) -> None:
    number, reader = _number(words[0]), room.reader()
    ticket = reader.ticket(number) if reader is not None else None
    if ticket is None:
        raise Wrong(f"there is no ticket #{number}")
    if not await room.open_ticket(number):
        room.say(f"#{number} is {ticket.state} and not on the board: fleet ticket show {number}", "quiet")


async def _new(room: RoomApp, words: Words) -> None:
    """Screen 7, with the ticket that is named."""
    number = _number(words[0]) if words else None
    reader = room.reader()
    if number is not None and reader is not None and reader.ticket(number) is None:
        raise Wrong(f"there is no ticket #{number}")
    await open_new(room, number, to_create=True)


async def _pull_request(room: RoomApp, words: Words) -> None:
    number, reader = _pull_request_number(words[0]), room.reader()
    card = _card_id(room, number)
    if card is not None:
        await room.open_approval(card)
        return
    found = reader.pull_request(number) if reader is not None else None
    if found is None:
        raise Wrong(f"there is no pull request {number}")
    state = f"PR {number} is {found.state}: no decision of yours"
    if room.picture.snapshot is not None and room.picture.snapshot.tile(found.agent) is not None:
        await room.open_agent(found.agent)
    room.say(f"{state}; fleet pr show {number}", "quiet")


def _card_id(room: RoomApp, number: int) -> str | None:
    cards = room.picture.snapshot.approvals if room.picture.snapshot else ()
    return next((card.id for card in cards if card.approval.pr == number), None)


# -- acting: the strip of the key that does it -------------------------------------------------------------------------


def _decide(key: str) -> Run:
    async def run(room: RoomApp, words: Words) -> None:
        number = _pull_request_number(words[0])
        card = _card_id(room, number)
        if card is None:
            raise Wrong(f"no decision on PR {number} waits for you")
        await room.open_approval(card)
        await _press(room, key)

    return run


def _on_agent(key: str, refuse: Callable[[AgentTile], str] | None = None) -> Run:
    async def run(room: RoomApp, words: Words) -> None:
        tile = tile_of(room, words[0])
        why = refuse(tile) if refuse is not None else ""
        if why:
            raise Wrong(f"{tile.name} {why}")
        await room.open_agent(tile.name)
        await _press(room, key)

    return run


async def _press(room: RoomApp, key: str) -> None:
    screen = room.room_screen
    if screen is not None:
        await screen.action_do(key)


async def _wall(room: RoomApp) -> WallScreen:
    if room.room_screen is not None:
        await room.room_screen.do_screen_wall()
    screen = room.room_screen
    if not isinstance(screen, WallScreen):
        raise Wrong("the wall is not there yet")
    return screen


def _on_marked(key: str) -> Run:
    async def run(room: RoomApp, _words: Words) -> None:
        await (await _with_marks(room)).action_do(key)

    return run


async def _with_marks(room: RoomApp) -> WallScreen:
    screen = await _wall(room)
    if not screen.marked_tiles():
        raise Wrong("no agent is marked; Space on the wall marks one")
    return screen


def _on_many_marked(do: Callable[[WallScreen], None]) -> Run:
    """Also on more than the key itself acts on at once: it is written out, and their number is typed."""

    async def run(room: RoomApp, _words: Words) -> None:
        screen = await _with_marks(room)
        if room.why_off:
            raise Wrong(room.why_off)
        do(screen)

    return run


async def _filter(room: RoomApp, words: Words) -> None:
    text, screen = " ".join(words), await _wall(room)
    told, does = screen.would_show(text)
    if not does:
        raise Wrong(told)
    screen.show_only(text)


def _on_ticket(key: str) -> Run:
    async def run(room: RoomApp, words: Words) -> None:
        number = _number(words[0])
        if not await room.open_ticket(number):
            raise Wrong(f"#{number} is not on the board")
        await _press(room, key)

    return run


async def _message(room: RoomApp, words: Words) -> None:
    """Opens the composer; what was typed behind the name stands in it and is sent from there."""
    await _on_agent("agent.message")(room, words)  # type: ignore[misc]
    screen = room.room_screen
    if screen is not None and len(words) > 1 and screen.query_one(Composer).key is not None:
        screen.query_one(Composer).query_one(TextArea).insert(words[1])


async def _stop_all(room: RoomApp, _words: Words) -> None:
    if room.picture.snapshot is not None and room.picture.snapshot.fleet.halted:
        raise Wrong("everything is stopped already; ! lifts it")
    await _press(room, "fleet.halt")


# -- alarms ------------------------------------------------------------------------------------------------------------


def _alarm(room: RoomApp, identity: str | None) -> Alarm:
    """The alarm with this id, else the one on show."""
    here = room.room_screen.here() if room.room_screen is not None else None
    if identity is None and here is not None:
        identity = here.listed.id if here.listed else here.alarm.id if here.alarm else None
    reader = room.reader()
    standing = reader.alarms(*STANDING_ALARMS) if reader is not None else []
    found = next((alarm for alarm in standing if alarm.id == identity), None)
    if found is None:
        raise Wrong(f"no alarm {one_line(identity, 40)} stands" if identity else "no alarm is on show: name one")
    return found


async def _resume_account(room: RoomApp, words: Words) -> None:
    reader, about = room.reader(), f"account:{words[0]}"
    standing = reader.alarms(*STANDING_ALARMS, rule="usage-limit") if reader is not None else []
    alarm = next((alarm for alarm in standing if alarm.about == about), None)
    if alarm is None:
        raise Wrong(f"{one_line(words[0], 60)} is no account at its usage limit; 3 has the alarms of those that are")
    await room.open_alarm(alarm.id)
    await _press(room, "account.resume")


def _acknowledge(room: RoomApp, words: Words) -> None:
    alarm = _alarm(room, words[0] if words else None)
    if alarm.acknowledged_by:
        raise Wrong(f"acknowledged already, by {one_line(alarm.acknowledged_by, 40)}")
    room.act(Act("acknowledge", {"alarm": alarm.id}, "acknowledge", in_brief(alarm.title, 80)))


def _shelve(room: RoomApp, words: Words) -> None:
    text = " ".join(words)
    first, _, rest = text.partition(" ")
    is_named = not first[:1].isdigit()
    for_s, reason = in_words(rest if is_named else text)
    alarm = _alarm(room, first if is_named else None)
    why_not = may_shelve(alarm, for_s) or (None if reason else "say why it may wait")
    if alarm.state is AlarmState.SHELVED:
        why_not = "it is on the shelf already"
    if why_not:
        raise Wrong(why_not)
    title = in_brief(alarm.title, 80)
    room.act(Act("shelve", {"alarm": alarm.id, "for_s": for_s, "reason": reason}, "shelve", title))


# -- the room itself ---------------------------------------------------------------------------------------------------


def _readonly(room: RoomApp, words: Words) -> None:
    if words[0] not in ("on", "off"):
        raise Wrong("on or off")
    if words[0] == "off" and room.context.readonly:
        raise Wrong("this room was opened with --readonly: it stays so")
    room.set_readonly(on=words[0] == "on")


def _mute(room: RoomApp, words: Words) -> None:
    if words[0] == "off":
        room.mute(0)
        room.say("the bell rings again", "quiet")
    else:
        for_s, rest = in_words(words[0])
        if rest or not 0 < for_s <= MOST_MUTED_S:
            raise Wrong("a time such as 30m or 2h, at most 8h, or off")
        room.mute(room.now_ns + for_s * 1_000_000_000)
        room.say(f"the bell is silent for {show_amount('seconds', for_s)}; priority 1 still rings, once", "quiet")
    room.tick()


async def _notify(room: RoomApp, _words: Words) -> None:
    room.say(f"notice: {await room.notices.test()}", "quiet")


async def _density(room: RoomApp, words: Words) -> None:
    wanted = next((density for density in DENSITIES if density == words[0]), None)
    if wanted is None:
        raise Wrong(f"one of {', '.join(DENSITIES)}")
    await room.show_density(wanted)


def _link(room: RoomApp, words: Words) -> None:
    tiers = {"auto": None, **{tier.value: tier for tier in Tier}}
    if words[0] not in tiers:
        raise Wrong(f"one of {', '.join(tiers)}")
    room.live.fix(tiers[words[0]])
    room.say(f"pictures of panes: {words[0]}", "quiet")
    room.tick()


def _snapshot(room: RoomApp, _words: Words) -> None:
    written.snapshot(room)


def _handover(room: RoomApp, words: Words) -> None:
    for_s, rest = in_words(words[0]) if words else (SHIFT_S, "")
    if rest or for_s <= 0:
        raise Wrong("a time such as 8h or 1d")
    written.handover(room, for_s)


def _copy_test(room: RoomApp, _words: Words) -> None:
    room.copier.copy(offer("", "a test", f"fleet copy test {clock(room.now_ns)} UTC: paste this somewhere else"))


def _go(mode: str) -> Run:
    return lambda room, _words: room.go(mode)


def _elsewhere(where: str) -> Run:
    def run(room: RoomApp, _words: Words) -> None:
        room.say(where, "quiet")

    return run


def _paused(tile: AgentTile) -> str:
    return "is paused already" if tile.paused else ""


def _not_paused(tile: AgentTile) -> str:
    return "" if tile.paused else "is not paused"


COMMANDS: Sequence[Typed] = (
    Typed("agent NAME", "open an agent", _agent),
    Typed("ticket NUMBER", "show a ticket on the board", _ticket),
    Typed("new [NUMBER]", "a new agent from a template, for the ticket that is named", _new, least=0),
    Typed("pr NUMBER", "open the decision on a pull request, or its author", _pull_request),
    Typed("approve NUMBER", "the strip that approves a pull request", _decide("approval.approve")),
    Typed("reject NUMBER", "the strip that rejects a pull request", _decide("approval.reject")),
    Typed("changes NUMBER", "the strip that asks for changes", _decide("approval.changes")),
    Typed("pause NAME", "pause an agent", _on_agent("agent.pause", _paused)),
    Typed("resume NAME", "let a paused agent go on", _on_agent("agent.pause", _not_paused)),
    Typed("start NAME", "let an agent take work again: what it was stopped at begins anew", start),
    Typed("interrupt NAME", "end the turn that an agent is at; its run stays", _on_agent("agent.interrupt")),
    Typed("quarantine NAME", "freeze an agent and refuse its identity", _on_agent("agent.quarantine")),
    Typed("release NAME", "release an agent from quarantine", _on_agent("agent.release")),
    Typed("stop NAME", "stop an agent's run", _on_agent("agent.stop")),
    Typed("restart NAME", "end an agent's run, and have it begin the same work again", _on_agent("agent.restart")),
    Typed("stop all", "ALL STOP: freeze every agent, start and land nothing", _stop_all, least=0),
    Typed(
        "stop marked",
        "stop the runs of all marked agents, however many",
        _on_many_marked(WallScreen.do_agent_stop),
        least=0,
    ),
    Typed(
        "restart marked", "have all marked agents begin again", _on_many_marked(WallScreen.do_agent_restart), least=0
    ),
    Typed("pause marked", "pause all marked agents, or let them go on", _on_marked("agent.pause"), least=0),
    Typed("quarantine marked", "freeze all marked agents", _on_marked("agent.quarantine"), least=0),
    Typed("message marked", "write to all marked agents", _on_marked("agent.message"), least=0),
    Typed("cap marked", "add to the budgets of all marked agents", _on_marked("agent.extend"), least=0),
    Typed("filter [WORDS]", "show only some agents: role:qa state:ask team:web; without words all", _filter, least=0),
    Typed("attach NAME", "attach to an agent's terminal", _on_agent("agent.attach")),
    Typed("message NAME [TEXT]", "write to an agent; sent with Tab, Enter", _message, most=2),
    Typed("cap NAME", "add to an agent's budget", _on_agent("agent.extend")),
    Typed("account resume ACCOUNT", "let the agents of an account at its usage limit go on now", _resume_account),
    Typed("unblock NUMBER", "let a blocked ticket go on", _on_ticket("ticket.unblock")),
    Typed("hold NUMBER", "hold a ready ticket back, or make a draft ready", _on_ticket("ticket.hold")),
    Typed("memory NAME MEGABYTES", "let an agent's run take more memory; frozen, it goes on", memory, least=2, most=2),
    Typed("restore [all|NAME]", "start what was lost with tmux or the host; alone it says who waits", restore, least=0),
    Typed("ack [ALARM]", "acknowledge the alarm on show, or the one named", _acknowledge, least=0),
    Typed("shelve [ALARM] TIME REASON", "put an alarm on the shelf: shelve 2h the gate is mended", _shelve),
    Typed("readonly on|off", "this room only looks; nothing can be done in it", _readonly),
    Typed("mute bell TIME|off", "keep the bell silent for a while; priority 1 rings once", _mute),
    Typed("notify test", "send a notice of the desktop now", _notify, least=0),
    Typed("density micro|small|large|auto", "how large the tiles of the wall are; remembered", _density),
    Typed("link auto|fast|normal|slow|minimal", "how many pictures of panes the way to here takes", _link),
    Typed("snapshot", "the screen as text and SVG, to a file", _snapshot, least=0),
    Typed("handover [TIME]", "a note for the next shift, to a file; 8h back, or TIME", _handover, least=0),
    Typed("copy test", "copy a line of its own all ways: paste it to see which work", _copy_test, least=0),
    Typed("board", "the pipeline: every ticket in its stage", _go("pipeline"), least=0),
    Typed(
        "quit",
        "leave the room: agents work on without it (a demo ends)",
        lambda room, _words: room.exit(0),
        least=0,
    ),
    Typed("theme", "colours", _elsewhere("colours are chosen at the start: fleet up --theme, or ui.theme"), least=0),
    Typed("ascii", "ASCII only", _elsewhere("chosen at the start: fleet up --ascii, or ui.ascii"), least=0),
    Typed("mouse", "the mouse", _elsewhere("decided at the start: on, but over SSH off"), least=0),
    Typed("export", "the log as a file", _elsewhere("in a shell: fleet audit export > events.jsonl"), least=0),
    Typed("config", "the configuration", _go("system"), least=0),
)
