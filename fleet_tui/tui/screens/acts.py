"""The keys that act on one agent; the wall and the agent's own screen share them."""

from __future__ import annotations

from dataclasses import replace

from textual import on

from fleet_tui.domain.text import in_brief
from fleet_tui.readmodel.values import AgentTile, NeedKind
from fleet_tui.tui import agent_acts, attach
from fleet_tui.tui.commands import Act
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.keys.key import Here
from fleet_tui.tui.lending import lend
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.budgets import to_extend
from fleet_tui.tui.screens.base import RoomScreen


class AgentActs(RoomScreen):
    """Needs ``here().tile``."""

    def here_on(self, tile: AgentTile | None) -> Here:
        """What keys act on when ``tile`` is selected: also its blocked ticket, if it has one."""
        here = super().here()
        if tile is None:
            return here
        waiting = self.snapshot.needs if self.snapshot else ()
        blocked = [n for n in waiting if n.kind is NeedKind.BLOCKED and (n.agent == tile.name or n.key == _key(tile))]
        if here.need in blocked:
            return replace(here, tile=tile)
        # Of a blocked ticket that w led to and that is not this agent's nothing is on show: T is not for it.
        other = None if here.need is not None and here.need.kind is NeedKind.BLOCKED else here.need
        return replace(here, tile=tile, need=next(iter(blocked), other))

    def _tile(self) -> AgentTile:
        tile = self.here().tile
        assert tile is not None
        return tile

    def do_agent_quarantine(self) -> None:
        tile = self._tile()
        self.ask(strips.quarantine(tile), agent_acts.quarantine(tile))

    def do_agent_pause(self) -> None:
        tile = self._tile()
        self.ask(strips.pause(tile), agent_acts.pause(tile))

    def do_agent_interrupt(self) -> None:
        tile = self._tile()
        self.ask(strips.interrupt(tile), agent_acts.interrupt(tile))

    def do_agent_release(self) -> None:
        tile = self._tile()
        self.ask(strips.release(tile), agent_acts.release(tile))

    def do_agent_stop(self) -> None:
        tile = self._tile()
        self.ask(strips.stop(tile, self.room.context.hold_s), agent_acts.stop(tile))

    def do_agent_restart(self) -> None:
        tile = self._tile()
        self.ask(strips.restart(tile, self.room.context.hold_s), agent_acts.restart(tile))

    def do_agent_extend(self) -> None:
        tile, act = self._tile(), agent_acts.extend(self._tile())
        standing = to_extend(tile.budgets)
        assert standing is not None
        self.ask(strips.extend(tile, standing), act)

    def what_changed(self, act: Act) -> str:
        """The agent vanished, or the act was done by somebody else meanwhile."""
        if act.op == "unblock":
            blocked = self.need_with(f"{NeedKind.BLOCKED}:{act.args['ticket']}")
            return "" if blocked is not None else "it does not wait for you any more"
        name, snapshot = act.args.get("agent"), self.snapshot
        if name is None or snapshot is None:
            return ""
        tile = snapshot.tile(name)
        if tile is None:
            return f"{name} is gone"
        if "run" in act.args and tile.run != act.args["run"]:
            return f"{name} has another run now" if tile.run else f"{name} has no run any more"
        if act.op in {"stop", "restart"} and tile.stops_ns is not None:
            return f"{name} {'begins again' if tile.stops_again else 'stops'} in a moment: somebody else wants that"
        was = {
            "quarantine": tile.quarantined,
            "release": not tile.quarantined,
            "pause": tile.paused,
            "resume": not tile.paused,
        }
        return f"{name} is already {tile.doing}" if was.get(act.op, False) else ""

    async def do_agent_attach(self) -> None:
        tile, room = self._tile(), self.room
        await lend(room, attach.attach(room, room.context.tmux_socket_name, tile.session, tile.name))

    def do_agent_message(self) -> None:
        tile = self._tile()
        question = next((q for q in self.snapshot.questions if q.agent == tile.name), None) if self.snapshot else None
        if question is not None:
            key, title = f"answer:{question.id}:{tile.name}", f"answer {tile.name}: {in_brief(question.summary, 200)}"
        else:
            key, title = f"message:{tile.run or ''}:{tile.name}", f"message to {tile.name}"
        self.query_one(Composer).write(key, title, self.room.drafts.get(key, ""))

    @on(Composer.Sent)
    def _message_sent(self, message: Composer.Sent) -> None:
        message.stop()
        self._focus_main()
        if self.room.why_off:
            self.room.drafts[message.key] = message.text
            self.room.say(f"not sent, the draft is kept: {self.room.why_off}", "warn")
        else:
            self.send(message.key, message.text)

    def send(self, key: str, text: str) -> None:
        """What was written under the draft's ``key`` goes to whom it is for."""
        self.room.drafts.pop(key, None)
        op, identity, name = key.split(":", 2)
        if op == "answer":
            self.room.act(Act("answer", {"question": identity, "text": text}, "answer", name))
        else:
            self.room.act(Act("message", {"run": identity, "text": text}, "message to", name))


def _key(tile: AgentTile) -> str:
    """The key of the need that the tile's ticket is while it waits for a person."""
    return f"{NeedKind.BLOCKED}:{tile.ticket}"
