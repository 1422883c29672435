"""On the board: whether the selected ticket is work for several agents, its parts, edited and accepted."""

from __future__ import annotations

import os
import shlex
import tempfile
from functools import cached_property
from pathlib import Path

from textual.app import ComposeResult

from fleet_tui.domain.errors import FleetError
from fleet_tui.readmodel import fanout
from fleet_tui.readmodel.fanout import Plan
from fleet_tui.readmodel.pipeline import TicketCard
from fleet_tui.tui.commands import Act
from fleet_tui.tui.editor import editor_argv
from fleet_tui.tui.lending import lend, run_in_terminal
from fleet_tui.tui.plans import Plans
from fleet_tui.tui.present import plan as present
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.base import RoomScreen
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.text_pane import TextPane

_ROOM_FOR_BOTH = 32
"""Rows of the screen."""


class TicketPlans(RoomScreen):
    """For the screen with a board: below it, or in its place, the plan of the selected ticket until one goes back."""

    @cached_property
    def plans(self) -> Plans:
        return Plans(self.room, self.tick)

    def card(self) -> TicketCard | None:
        """The ticket that is selected."""
        raise NotImplementedError

    def plan_panes(self) -> ComposeResult:
        palette = self.room.context.look.palette
        yield FrameLine(palette=palette, id="plan-rule")
        yield TextPane(palette=palette, id="plan")

    @property
    def plan_is_alone(self) -> bool:
        """Where the board has no room beside it."""
        return self.has_class("-plan") and self.size.height < _ROOM_FOR_BOTH

    def show_plan(self) -> None:
        """Of the ticket that is selected now."""
        card, pane = self.card(), self.query_one("#plan", TextPane)
        if not self.has_class("-plan"):
            return
        if card is None:
            self.set_line("plan-rule", rule("no ticket is selected", has_focus=True))
            pane.set_sections(())
            return
        self.set_line("plan-rule", rule(f"how #{card.number} {card.title} could be divided", has_focus=True))
        pane.set_sections(present.sections(card, self.plans.of(card), self.plans.trouble(card)))
        pane.dimmed = bool(self.room.why_frozen)

    def do_ticket_plan(self) -> None:
        """Show it, or go back to the board."""
        card = self.card()
        if card is not None and not self.has_class("-plan") and self.plans.trouble(card):
            self.plans.take(card, None)  # it may be well by now
        self.set_class(not self.has_class("-plan"), "-plan")
        pane = self.query_one("#plan", TextPane)
        (pane if self.has_class("-plan") else self.main_widget() or pane).focus()
        self.tick()

    async def do_room_back(self) -> None:
        if self.has_class("-plan"):
            self.do_ticket_plan()
        else:
            await super().do_room_back()

    def do_ticket_split(self) -> None:
        card = self.card()
        plan = self.plans.of(card)
        assert card is not None
        assert plan is not None
        args = {"ticket": card.number, "body_sha": plan.body_sha, "parts": plan.given()}
        self.ask(present.strip(card, plan), Act("split", args, "divide", f"ticket #{card.number}"))

    def what_changed(self, act: Act) -> str:
        if act.op != "split":
            return super().what_changed(act)
        reader = self.room.reader()
        ticket = reader.ticket(act.args["ticket"]) if reader is not None else None
        if ticket is None:
            return ""
        if ticket.parts:
            return "it is divided already"
        changed = ticket.body_sha != act.args["body_sha"]
        return "its text is another now" if changed else ""

    async def do_ticket_edit_plan(self) -> None:
        """In the person's editor; what comes back is checked by the watcher, and nothing is made of it yet."""
        card = self.card()
        plan = self.plans.of(card)
        assert card is not None
        assert plan is not None
        await lend(self.room, self._edited(card, plan))
        self.tick()

    async def _edited(self, card: TicketCard, plan: Plan) -> str:
        before = self.plans.drafts.pop(card.number, None) or plan.text
        text = await self._in_editor(before)
        if text == before and before == plan.text:
            return f"#{card.number}: nothing was changed"
        self.plans.drafts[card.number] = text  # until it is known that it can be used
        args = {"ticket": card.number, "text": text}
        found = fanout.plan(await self.room.errands.ask(f"the parts of #{card.number}", "plan", args))
        del self.plans.drafts[card.number]
        self.plans.take(card, found if found.parts else None)
        if not found.parts:
            return f"#{card.number}: given up; what is proposed stands again"
        return f"#{card.number}: {len(found.parts)} parts as you edited them; F makes them tickets"

    async def _in_editor(self, text: str) -> str:
        try:
            with tempfile.TemporaryDirectory(prefix="fleet-") as directory:  # for its owner only
                file = Path(directory) / "parts.yaml"
                file.write_text(text, encoding="utf-8", newline="")
                argv = editor_argv(os.environ, file, 0)
                await run_in_terminal(self.app, argv, "the editor", f"type: {shlex.join(argv)}")
                return file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise FleetError("the parts cannot be edited", str(error), "look at the disk, or set TMPDIR") from error
