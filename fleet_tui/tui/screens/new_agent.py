"""Screen 7: templates of agents, and a new agent: chosen, filled in, looked at, made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from fleet_tui.domain.text import one_line
from fleet_tui.tui.agent_draft import AgentDraft
from fleet_tui.tui.commands import Act
from fleet_tui.tui.keys.key import NEW, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present import dry_run
from fleet_tui.tui.present import new_agent as present
from fleet_tui.tui.present.copying import Offer, offer
from fleet_tui.tui.present.text import rule
from fleet_tui.tui.screens.find import Finds, find_field
from fleet_tui.tui.screens.form_panes import FormPanes
from fleet_tui.tui.screens.list_detail import ListAndDetail
from fleet_widgets.form import Form
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.list_view import LineList
from fleet_widgets.strip import ConfirmStrip
from fleet_widgets.text_pane import Section, TextPane

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

USUAL = "engineering/developer"
"""What a ticket is given to unless something else is chosen."""


async def open_new(room: RoomApp, ticket: int | None, *, to_create: bool = False) -> None:
    """Show the screen; with a ticket the form begins with it."""
    await room.go("new")
    if ticket is not None and isinstance(room.screen, NewAgentScreen):
        room.screen.take(ticket, to_create=to_create)


class NewAgentScreen(FormPanes, Finds, ListAndDetail):
    """What is said in the form stays until an agent is made of it, also when one looks elsewhere meanwhile."""

    scope = NEW
    heading = "7 NEW AGENT"
    listed = "#templates"
    CSS_PATH = "new_agent.tcss"
    BINDINGS = textual_bindings(NEW)

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        """What the templates on show are searched for."""
        self._making = ""
        """The agent that was asked for: when it is there, the form begins anew."""
        self._cursor = ""
        """The field or button that gets the cursor as soon as it is there."""
        self._was_left = True
        """Whether what the watcher told may be old by now."""

    @cached_property
    def draft(self) -> AgentDraft:
        """What is said in the form."""
        return AgentDraft(self.room, self.tick)

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Container(
            Vertical(
                FrameLine(palette=palette, id="list-rule"),
                LineList(palette=palette, id="templates"),
                TextPane(palette=palette, id="detail"),
                id="left",
            ),
            Vertical(
                FrameLine(palette=palette, id="form-rule"),
                Form(palette=palette, id="form"),
                TextPane(palette=palette, id="preview"),
                id="right",
            ),
            id="panes",
        )
        yield find_field("words: name, role, purpose")

    def take(self, ticket: int, *, to_create: bool = False) -> None:
        """Begin with a ticket: the form has the keys, with the cursor on the name or, ``to_create``, on the button."""
        self.draft.typed["ticket"] = f"#{ticket}"
        detail = self.draft.detail()
        if self._chosen is None or (detail is not None and not detail.takes_tickets):
            self._chosen = USUAL
        self._cursor = present.CREATE if to_create else "name"
        self.draft.commit()
        self._show_pane("#form")
        self.tick()

    # -- showing -----------------------------------------------------------------------------------------------------

    def on_screen_suspend(self) -> None:
        self._was_left = self.room.room_screen is not self  # the palette only lies over it
        super().on_screen_suspend()

    def on_screen_resume(self) -> None:
        if self._was_left:
            self.draft.offers.again()
        super().on_screen_resume()

    def update_body(self) -> None:
        self._begin_anew_when_made()
        self._choose_first()
        self.draft.template = self._chosen
        self.draft.want()
        self._show_list()
        offer = self.draft.offers.offer
        row = offer.row(self._chosen) if offer is not None else None
        shown = present.detail_sections(self.draft.detail(), row)
        if offer is None:
            shown = (Section("", present.nothing_lines(self._trouble())),)
        self.query_one("#detail", TextPane).set_sections(shown)
        self._show_form()
        preview = self.query_one("#preview", TextPane)
        is_asked = self.draft.args() is not None
        preview.set_sections(dry_run.preview_sections(self.draft.preview(), self.draft.refusal(), asking=is_asked))
        stale = bool(self.room.why_frozen)
        for pane in (self.query_one(LineList), self.form, preview, self.query_one("#detail", TextPane)):
            pane.dimmed = stale
        self.show_focus()

    def _show_list(self) -> None:
        rows, offer = self.query_one(LineList), self.draft.offers.offer
        rows.set_items(present.items(offer, self._words, rows.size.width) if offer is not None else ())
        rows.select(self._chosen)

    def _choose_first(self) -> None:
        offer = self.draft.offers.offer
        if offer is not None and offer.rows and offer.row(self._chosen) is None:
            usual = offer.row(USUAL) if self.draft.typed.get("ticket") else None
            self._chosen = (usual or offer.rows[0]).id

    def _show_form(self) -> None:
        form, fields = self.form, self.draft.fields()
        form.set_fields(fields, present.BUTTONS if fields else ())
        form.styles.height = min(len(fields) + 2, max(4, self.size.height - 12)) if fields else 1
        if self._cursor and fields:
            form.go_to(self._cursor)
            self._cursor = ""

    def _trouble(self) -> str:
        """Why there are no templates; empty while they are asked for."""
        return self.draft.offers.trouble or one_line(self.room.why_off, 200)

    def show_focus(self) -> None:
        title = present.list_title(self.draft.offers.offer, self._words, self._trouble())
        self.set_line("list-rule", rule(title, has_focus=self.query_one(LineList).has_focus))
        detail = self.draft.detail()
        told = "new agent" if detail is None else f"new agent from {detail.row.id}"
        if self.has_class("-dry"):
            told = dry_run.title(self.draft.preview())
        has_focus = self.form.has_focus or self.has_class("-dry")
        self.set_line("form-rule", rule(told, "draft kept" if self.draft.typed else "", has_focus=has_focus))

    def _begin_anew_when_made(self) -> None:
        if self._making and self.snapshot is not None and self.snapshot.tile(self._making) is not None:
            self._making, self._cursor = "", "name"
            self.draft.clear()
            self.draft.offers.again()

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        return replace(super().here(), unmade=self.draft.why_unmade() if self.stands else "")

    def copies(self) -> Iterator[Offer]:
        preview, detail, program = self.draft.preview(), self.draft.detail(), self.room.context.program
        if preview is not None and detail is not None:
            line = present.command_line(preview, detail, self.draft.said, program)
            yield offer("c", "the command that makes it", line)
            yield offer("l", "launch line", preview.launch)
            yield offer("f", "its file", preview.text)

    def do_agent_create(self) -> None:
        preview, args = self.draft.preview(), self.draft.args()
        assert preview is not None
        assert args is not None
        self._making = preview.name
        act = Act("create_agent", {**args, "seen": preview.sha}, "create", preview.name)
        self.ask(present.create_strip(preview), act)

    def what_changed(self, act: Act) -> str:
        name = str(act.args.get("agent", ""))
        if act.op == "create_agent" and self.snapshot is not None and self.snapshot.tile(name) is not None:
            return f"there is an agent {name} now"
        return ""

    @on(ConfirmStrip.Cancelled)
    def _not_made(self) -> None:
        self._making = ""

    @on(ConfirmStrip.Confirmed)
    def _being_made(self) -> None:
        """Out of the form: the next letter is a command again."""
        self._show_pane("#templates")

    def do_template_find(self) -> None:
        self._show_pane("#templates")
        self.open_find(self._words)

    def find_typed(self, text: str) -> None:
        self._words = text.strip()
        self._show_list()
        self.show_focus()

    def end_find(self) -> bool:
        """What the form is about is among what was found."""
        offer = self.draft.offers.offer
        found = present.found(offer, self._words) if offer is not None else ()
        if found and self._chosen not in [row.id for row in found]:
            self._chosen = found[0].id
            self.tick()
        return super().end_find()

    def do_room_refresh(self) -> None:
        self.draft.offers.again()
        super().do_room_refresh()
        self.tick()

    # -- panes -------------------------------------------------------------------------------------------------------

    async def do_room_back(self) -> None:
        """From the other parts to the list, then up."""
        if self._words and self.query_one("#templates").has_focus and not self.query_one("#find").display:
            self._words = ""
            self.tick()
        elif self.has_class("-dry"):
            self.do_agent_dry_run()
        elif self.query_one("#templates").has_focus or self.query_one("#find").display:
            await super().do_room_back()
        else:
            self._show_pane("#templates")
            if self.draft.typed:
                self.room.say("the draft is kept", "quiet")

    @on(LineList.Opened)
    def _opened(self) -> None:
        """Enter goes on to the form."""
        self._cursor = "name"
        self._show_pane("#form")
        self.tick()

    @on(Form.Changed)
    def _field_changed(self, message: Form.Changed) -> None:
        if message.key == "template":
            self._chosen = message.value
        else:
            self.draft.typed[message.key] = message.value
        self.tick()

    @on(Form.Left)
    def _field_left(self) -> None:
        self.draft.commit()
        self.tick()

    @on(Form.Out)
    def _out(self, message: Form.Out) -> None:
        self._show_pane("#preview" if message.by > 0 else "#detail")

    @on(Form.Pressed)
    async def _pressed(self, message: Form.Pressed) -> None:
        if message.button == present.CREATE:
            await self.action_do("agent.create")
            return
        if message.button == present.DRY_RUN:
            await self.action_do("agent.dry_run")
            return
        self.draft.clear()
        self._show_pane("#templates")
        self.room.say("the form begins anew; nothing was made", "quiet")
        self.tick()
