"""Acts on all agents that are marked; where none is, the same keys act on the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui import agent_acts
from fleet_tui.tui.bulk import Bulk, Result, sort_out
from fleet_tui.tui.commands import Act
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.keys.key import Here
from fleet_tui.tui.keys.table import by_id
from fleet_tui.tui.present import bulk as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.budgets import to_extend
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.marks import Marks

DRAFT = "marked"
"""The key of the draft for those who are marked."""


class MarkedAgents(Marks, AgentActs):
    """Who cannot be acted on is left out, with the reason that the key itself would give."""

    def marked_tiles(self) -> tuple[AgentTile, ...]:
        """In the order of the wall."""
        marked = self.marking().marked
        return tuple(tile for tile in (self.snapshot.tiles if self.snapshot else ()) if tile.name in marked)

    def here_on(self, tile: AgentTile | None) -> Here:
        return replace(super().here_on(tile), marked=self.marked_tiles() if self.stands else ())

    def idle_message(self) -> str:
        told = super().idle_message()
        if told or self.strip.request is not None or not self.marked_tiles():
            return told
        return self.range_in_words() or "m message, P Q X R B act on them; Esc clears the marks"

    # -- acts --------------------------------------------------------------------------------------------------------

    def do_agent_quarantine(self) -> None:
        tiles = self.marked_tiles()
        if not tiles:
            super().do_agent_quarantine()
            return
        bulk = self._bulk("quarantine", "agent.quarantine", agent_acts.quarantine)
        self._ask_each(bulk, "QUARANTINE", (strips.QUARANTINES,), "Q")

    def do_agent_pause(self) -> None:
        """Pause all; only when all of them are paused, let them go on."""
        tiles = self.marked_tiles()
        if not tiles:
            super().do_agent_pause()
            return
        free = [tile for tile in tiles if not tile.quarantined]
        op = "resume" if all(tile.paused for tile in free) else "pause"
        bulk = self._bulk(
            op,
            "agent.pause",
            agent_acts.pause,
            lambda tile: "is paused already" if tile.paused and op == "pause" else None,
        )
        self._ask_each(bulk, op.upper(), (strips.RESUMES if op == "resume" else strips.PAUSES,), "P")

    def do_agent_stop(self) -> None:
        tiles = self.marked_tiles()
        if not tiles:
            super().do_agent_stop()
            return
        bulk = self._bulk("stop", "agent.stop", agent_acts.stop)
        self._ask_each(bulk, "STOP THE RUNS OF", self._held(strips.STOPS), "X", typed=True)

    def do_agent_restart(self) -> None:
        if not self.marked_tiles():
            super().do_agent_restart()
            return
        bulk = self._bulk("restart", "agent.restart", agent_acts.restart)
        self._ask_each(bulk, "RESTART THE RUNS OF", self._held(strips.RESTARTS), "R", typed=True)

    def _held(self, does: str) -> tuple[str, ...]:
        """What it does, and that each of them can be taken back for a while."""
        told = strips.until_undone(self.room.context.hold_s)
        return (does, told) if told else (does,)

    def do_agent_extend(self) -> None:
        if not self.marked_tiles():
            super().do_agent_extend()
            return
        bulk = self._bulk("extend the budgets of", "agent.extend", agent_acts.extend, self._once_each())
        self._ask_each(bulk, "EXTEND THE BUDGETS OF", ("Each by half of what was configured.",), "B", of=strips.budget)

    def _once_each(self) -> Callable[[AgentTile], str | None]:
        """Of several who spend from one budget only the first extends it."""
        first: dict[str, str] = {}

        def why_not(tile: AgentTile) -> str | None:
            standing = to_extend(tile.budgets)
            owner = first.setdefault(standing.key, tile.name) if standing is not None else tile.name
            return None if owner == tile.name else f"shares the budget of {owner}"

        return why_not

    def _bulk(
        self,
        verb: str,
        key: str,
        make: Callable[[AgentTile], Act],
        also: Callable[[AgentTile], str | None] = lambda tile: None,  # noqa: ARG005
    ) -> Bulk:
        row = by_id(key)
        alone = Here(self.scope)

        def why_not(tile: AgentTile) -> str | None:
            return row.disabled(replace(alone, tile=tile)) or also(tile)

        return sort_out(verb, [(tile.name, tile.name, tile) for tile in self.marked_tiles()], make, why_not)

    def _ask_each(
        self,
        bulk: Bulk,
        title: str,
        about: Sequence[str],
        key: str,
        *,
        typed: bool = False,
        of: Callable[[AgentTile], str] = strips.who,
    ) -> None:
        if not bulk.acts:
            why = "; ".join(f"{one.target} {one.why}" for one in bulk.left_out)
            self.room.say(f"{'m' if key == 'enter' else key}: none of the marked can: {why}", "quiet")
            return
        lines = [of(tile) for tile in self.marked_tiles() if tile.name in bulk.acts]
        self.ask(present.strip(bulk, f"{title} {bulk.target.upper()}", about, lines, key, typed=typed), bulk)

    # -- one message for all -----------------------------------------------------------------------------------------

    def do_agent_message(self) -> None:
        if not self.marked_tiles():
            super().do_agent_message()
            return
        bulk = self._messages("")
        title = one_line(f"message to {bulk.target}: {', '.join(bulk.acts)}", 200)
        self.query_one(Composer).write(DRAFT, title, self.room.drafts.get(DRAFT, ""))

    def _messages(self, text: str) -> Bulk:
        asked = {question.agent for question in (self.snapshot.questions if self.snapshot else ())}
        return self._bulk(
            present.MESSAGE,
            "agent.message",
            lambda tile: agent_acts.message(tile, text),
            lambda tile: "asked a question: m on it alone answers it" if tile.name in asked else None,
        )

    def send(self, key: str, text: str) -> None:
        """The draft stays until all have it."""
        if key != DRAFT:
            super().send(key, text)
            return
        self.room.drafts[DRAFT] = text
        shown = one_line(text, 200)
        self._ask_each(self._messages(text), "MESSAGE TO", (f"Text: {shown}",), "enter")

    def each_done(self, bulk: Bulk, results: Sequence[Result]) -> None:
        super().each_done(bulk, results)
        acts = list(bulk.acts.values())
        if acts[0].op == "message" and all(result.ok for result in results):
            self.room.drafts.pop(DRAFT, None)
