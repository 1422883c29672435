"""A text for an agent: Enter makes a new line, Tab goes to Send, Enter there sends. A draft is never lost."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span, fill, line
from fleet_widgets.palette import Palette


class SendLine(FrameLine, can_focus=True):
    """The one place where Enter sends."""

    class Pressed(Message):
        pass

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            self.post_message(self.Pressed())


class Composer(Vertical):
    """Hidden until `write`. Posts Sent or Closed; Closed carries the draft."""

    @dataclass
    class Sent(Message):
        key: str
        text: str

    @dataclass
    class Closed(Message):
        key: str
        draft: str

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._palette = palette
        self.key: str | None = None
        """Whom or what the open draft is for; None while hidden."""
        self.display = False

    def compose(self) -> ComposeResult:
        yield FrameLine(palette=self._palette, id="composer-title")
        yield TextArea(id="composer-text", soft_wrap=True, show_line_numbers=False)
        yield SendLine(palette=self._palette, id="composer-send")

    def write(self, key: str, title: str, draft: str = "") -> None:
        """Open for ``key`` with ``draft``."""
        self.key = key
        self.query_one("#composer-title", FrameLine).set_line(
            line(Span("─ ", "quiet"), Span(title, "heading"), Span(" "), fill("─", "quiet"))
        )
        self.query_one(SendLine).set_line(
            line(
                Span("[ Send ]", "strong"),
                Span("  Tab comes here, Enter sends", "hint"),
                fill(),
                Span("Esc closes, the draft stays", "hint"),
            )
        )
        area = self.query_one(TextArea)
        area.text = draft
        area.move_cursor(area.document.end)
        self.display = True
        area.focus()

    def close(self) -> None:
        key, self.key = self.key, None
        self.display = False
        if key is not None:
            self.post_message(self.Closed(key, self.query_one(TextArea).text))

    @on(SendLine.Pressed)
    def _send(self) -> None:
        text, key = self.query_one(TextArea).text.strip(), self.key
        if key is None:
            return
        if text:
            self.key, self.display = None, False
            self.post_message(self.Sent(key, text))
        else:
            self.close()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()
        elif event.key == "tab":
            # Tab would leave the composer behind the Send line; here it goes round inside.
            event.stop()
            event.prevent_default()
            target = self.query_one(TextArea) if self.query_one(SendLine).has_focus else self.query_one(SendLine)
            target.focus()
        elif self.query_one(SendLine).has_focus:
            event.stop()
            event.prevent_default()
