"""Scrollable static lines with section headings: evidence, details, help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.strip import Strip

from fleet_widgets.base import WidgetOptions
from fleet_widgets.lines import Line, Span, fill, next_match, to_strip
from fleet_widgets.moving import Moving, moving_keys
from fleet_widgets.palette import Palette
from fleet_widgets.places import clamped
from fleet_widgets.words import wrap_words


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (a rule with the title; none when empty) and its lines."""

    title: str
    lines: tuple[Line, ...]


class TextPane(Moving):
    """Sections below each other. Long lines wrap between words, with the continuation indented as the text of the
    line, unless ``wrap`` is False. With ``tells_more`` the last row says how many lines lie below the view."""

    BINDINGS: ClassVar[list[BindingType]] = [*moving_keys("text", first="top", last="end")]

    def __init__(
        self,
        sections: Sequence[Section] = (),
        *,
        wrap: bool = True,
        tells_more: bool = False,
        **options: Unpack[WidgetOptions],
    ) -> None:
        super().__init__(**options)
        self._wrap, self._tells_more = wrap, tells_more
        self._sections = tuple(sections)
        self._rows: list[Line] = []
        self._width = 0
        """That of the rows: a screen is drawn before it is told that its size differs."""
        self._headings: dict[int, str] = {}  # row → title
        self._starts: dict[str, int] = {}
        self._top = 0
        self._found, self._words = -1, ""
        """The row that a search found last, and what it looked for."""

    @property
    def position(self) -> tuple[int, int, int]:
        """(first row in view, rows in view, rows in all), for a label such as ``12-30 of 80``."""
        return self._top, min(self.size.height, len(self._rows) - self._top), len(self._rows)

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Replace the text; the scroll position stays where it still exists. Only rows that differ are redrawn."""
        new = tuple(sections)
        if new == self._sections:
            return
        before, top = self._rows, self._top
        self._sections = new
        self._lay_out()
        if top != self._top:
            self.refresh()
            return
        shown = range(self._top, self._top + self.size.height)
        changed = [y - top for y in shown if _at(self._rows, y) != _at(before, y)]
        last = [self.size.height - 1] if self._tells_more else []
        self.refresh_rows([0, *changed, *last] if self.has_focus and top else [*changed, *last])

    def lines(self) -> tuple[Line, ...]:
        """All of the text, headings too, not wrapped."""
        headed = ([(Span(section.title),)] if section.title else [] for section in self._sections)
        return tuple(
            value for head, section in zip(headed, self._sections, strict=True) for value in (*head, *section.lines)
        )

    def show(self, title: str) -> None:
        """Scroll to a section; unknown titles are ignored."""
        if title in self._starts:
            self._scroll(self._starts[title])

    def find(self, words: str, step: int = 1) -> bool:
        """Scroll to the next row that holds ``words`` (``step`` -1: the one before); False when there is none."""
        at = next_match(self._rows, words, self._found if self._found >= 0 else self._top - step, step)
        if at is not None:
            # Below the row that says where the keys go.
            before, self._found, self._words = self._found, at, words
            self._scroll(at - 1)
            self.refresh_rows([row - self._top for row in (before, at)])
        return at is not None

    def action_move(self, by: int) -> None:
        """Scroll by rows."""
        self._scroll(self._top + by)

    def action_first(self) -> None:
        """Scroll to the start."""
        self._scroll(0)

    def action_last(self) -> None:
        """Scroll to the end."""
        self._scroll(len(self._rows))

    def on_resize(self) -> None:
        """Lines wrap at another width."""
        self._lay_out()
        self.refresh()

    def restyled(self) -> None:
        """The rules of headings depend on the palette."""
        self._lay_out()
        self.refresh()

    def strip(self, y: int) -> Strip:
        """Row ``y`` of the part in view."""
        base = "cursor" if self._top + y == self._found else "normal"
        return to_strip(self._row(y), self.size.width, self.palette, base=base, dim=self.dimmed)

    def focus_changed(self) -> None:
        """The first row carries the mark of the focus."""
        self.refresh_rows([0])

    def _row(self, y: int) -> Line:
        """Row ``y`` of the view. With the focus the first one is always a heading: it says where the keys go."""
        if self._width != self.size.width:
            self._lay_out()
        row = self._top + y
        below = len(self._rows) - row
        if self._tells_more and 0 < y == self.size.height - 1 and below > 1:
            return (Span(f" {below} more lines below", "hint"),)
        title = self._headings.get(row)
        if title is None and y == 0 and self.has_focus:
            title = next((self._headings[at] for at in range(row, -1, -1) if at in self._headings), None)
        if title is None:
            return _at(self._rows, row)
        return heading(title, self.palette, has_focus=self.has_focus and y == 0)

    def _scroll(self, top: int) -> None:
        top = clamped(top, len(self._rows), self.size.height)
        if top != self._top:
            self._top = top
            self.refresh()

    def _lay_out(self) -> None:
        self._rows, self._headings, self._starts, self._width = [], {}, {}, self.size.width
        for section in self._sections:
            self._starts.setdefault(section.title, len(self._rows))
            if section.title:
                self._headings[len(self._rows)] = section.title
                self._rows.append(heading(section.title, self.palette))
            for value in section.lines:
                self._rows.extend(wrap_words(value, self.size.width) if self._wrap else [value])
        self._top = clamped(self._top, len(self._rows), self.size.height)
        if next_match([_at(self._rows, self._found)], self._words, 0) is None:
            self._found = -1


def heading(title: str, palette: Palette, *, has_focus: bool = False) -> Line:
    """``─ title ─────────``, over the whole width; ``▌ title ─────`` where the focus is."""
    rule, style = palette.box.horizontal, "focus" if has_focus else "heading"
    sign = palette.box.focus if has_focus else rule
    return (Span(f"{sign} ", style), Span(title, style), Span(" ", "heading"), fill(rule, "heading"))


def _at(rows: Sequence[Line], row: int) -> Line:
    return rows[row] if 0 <= row < len(rows) else ()
