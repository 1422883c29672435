"""A menu of single keys: the next key chooses, any other closes it. For what changes nothing; acts have the strip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from fleet_widgets.base import LineWidget, WidgetMessage, WidgetOptions
from fleet_widgets.lines import BLANK, Line, Span, fill, to_strip, width_of


@dataclass(frozen=True, slots=True)
class Choice:
    """``key`` is one character; ``value`` is shown behind ``label`` where there is room for those of all choices."""

    key: str
    label: str
    value: str = ""


class KeyMenu(LineWidget, can_focus=True):
    """Hidden until :meth:`ask`. Takes the focus and all keys, gives the focus back when it ends."""

    DEFAULT_CSS = """
    KeyMenu { display: none; height: 2; }
    """

    @dataclass
    class Chosen(WidgetMessage):
        """``key`` is that of a choice."""

        key: str

    @dataclass
    class Closed(WidgetMessage):
        """Nothing was chosen. ``key`` is the character that was pressed instead; empty for one that is none."""

        key: str

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._title = ""
        self._choices: tuple[Choice, ...] = ()
        self._before: Widget | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has the keys."""
        return bool(self._choices)

    def ask(self, title: str, choices: Sequence[Choice]) -> None:
        """Show the menu and take the focus."""
        self._before = self.screen.focused if not self.is_open else self._before
        self._title, self._choices = title, tuple(choices)
        self.display = True
        self.screen.set_focus(self)
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """All keys belong to an open menu, so bindings (even priority ones) leave them alone."""
        return self.is_open

    def on_key(self, event: events.Key) -> None:
        """Choose, or close."""
        if not self.is_open:
            return
        event.stop()
        event.prevent_default()
        typed = event.character if event.is_printable and event.character else ""
        known = typed in {choice.key for choice in self._choices}
        self._close()
        self.post_message(self.Chosen(self, typed) if known else self.Closed(self, typed))

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text chooses nothing."""
        event.stop()
        event.prevent_default()

    def focus_changed(self) -> None:
        """Closes when the focus goes elsewhere in the room; a terminal that lost the focus keeps the menu."""
        if self.is_open and not self.has_focus and self.app.app_focus and self.screen.focused is not self:
            self._close()
            self.post_message(self.Closed(self, ""))

    def _close(self) -> None:
        before, self._choices, self._before = self._before, (), None
        self.display = False
        if self.screen.focused is self:
            self.screen.set_focus(before if before is not None and before.is_attached else None)

    def strip(self, y: int) -> Strip:
        """Row ``y``: the choices."""
        rows = menu_rows(self._title, self._choices, self.size.width)
        return to_strip(rows[y] if y < len(rows) else BLANK, self.size.width, self.palette)


def menu_rows(title: str, choices: Sequence[Choice], width: int) -> list[Line]:
    """The choices in two rows: with their values where those fit, else by their labels."""
    for with_values in (True, False):
        rows = _rows(title, choices, width, with_values=with_values)
        if len(rows) <= _ROWS:
            break
    ending = (Span("any other key: nothing", "hint"),)
    rows = [*rows[:_ROWS], *([BLANK] * (_ROWS - len(rows)))]
    free = width - width_of(rows[-1]) - width_of(ending)
    return [*rows[:-1], (*rows[-1], fill(), *ending)] if free > 0 else rows


_ROWS = 2


def _rows(title: str, choices: Sequence[Choice], width: int, *, with_values: bool) -> list[Line]:
    rows: list[list[Span]] = [[Span(f"{title} ", "strong")]]
    for choice in choices:
        value = f" {choice.value}" if with_values and choice.value else ""
        part = [Span(choice.key, "hint-key"), Span(f" {choice.label}"), Span(f"{value}  ", "quiet")]
        if len(rows[-1]) > 1 and width_of(tuple(rows[-1] + part)) > width:
            rows.append([Span("  ")])
        rows[-1] += part
    return [tuple(row) for row in rows]
