"""A text for an agent: Enter makes a new line, Tab goes to Send, Enter there sends. A draft is never lost."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual._time import get_time  # the clock that stamps key events; no public name gives it
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span, fill, line
from fleet_widgets.palette import Palette
from fleet_widgets.strip import ARM_S


class SendLine(FrameLine, can_focus=True):
    """The one place where Enter sends."""

    @dataclass
    class Pressed(Message):
        pressed_at: float

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            self.post_message(self.Pressed(event.time))


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
        self._opened_at = 0.0

    def compose(self) -> ComposeResult:
        yield FrameLine(palette=self._palette, id="composer-title")
        yield TextArea(id="composer-text", soft_wrap=True, show_line_numbers=False)
        yield SendLine(palette=self._palette, id="composer-send")

    def write(self, key: str, title: str, draft: str = "") -> None:
        """Open for ``key`` with ``draft``."""
        self.key, self._opened_at = key, get_time()
        self.query_one("#composer-title", FrameLine).set_line(
            line(Span("─ ", "quiet"), Span(title, "heading"), Span(" "), fill("─", "quiet"))
        )
        self._show_send("Tab comes here, Enter sends", "hint")
        area = self.query_one(TextArea)
        area.text = draft
        area.move_cursor(area.document.end)
        self.display = True
        area.focus()

    def _show_send(self, text: str, style: str) -> None:
        how = (Span("[ Send ]", "strong"), Span(f"  {text}", style))
        self.query_one(SendLine).set_line(line(*how, fill(), Span("Esc closes, the draft stays", "hint")))

    @property
    def draft(self) -> str:
        """The text as it is typed."""
        return self.query_one(TextArea).text

    def close(self) -> None:
        key, self.key = self.key, None
        self.display = False
        if key is not None:
            self.post_message(self.Closed(key, self.draft))

    @on(SendLine.Pressed)
    def _send(self, message: SendLine.Pressed) -> None:
        if message.pressed_at < self._opened_at + ARM_S:
            # Of one piece with the key that opened this: perhaps a paste that was meant for something else.
            self._show_send("not sent: all of this came at once; Enter again sends", "warn")
            return
        text, key = self.draft.strip(), self.key
        if key is None:
            return
        if text:
            self.key, self.display = None, False
            self.post_message(self.Sent(key, text))
        else:
            self._show_send("nothing is written yet", "warn")

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
