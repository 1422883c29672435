"""One live pane, large: a picture of a terminal with its real size and the part that is visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import Binding, BindingType
from textual.strip import Strip

from fleet_widgets.base import WidgetMessage, WidgetOptions
from fleet_widgets.lines import BLANK, Line, Span, cut, fill, next_match, to_strip
from fleet_widgets.live_text import LiveText, LiveView
from fleet_widgets.moving import Moving, moving_keys
from fleet_widgets.places import clamped
from fleet_widgets.words import wrap_words

_PAN = 8


class PaneView(Moving):
    """The first row is the label, the pane follows below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "pan(-1)", "pan left", id="pane.left", show=False),
        Binding("l,right", "pan(1)", "pan right", id="pane.right", show=False),
        *moving_keys("pane", first="top", last="end"),
        Binding("f", "toggle_follow", "follow", id="pane.follow", show=False),
    ]

    @dataclass
    class ViewChanged(WidgetMessage):
        """``live_view()``, ``follow`` or the pan changed."""

        newest_wins: ClassVar[bool] = True

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._title = "PANE"
        self._live = LiveText()
        self._reason: tuple[Line, ...] = ()
        self._text: tuple[Line, ...] = ()
        self._follow = True
        self._frozen = False
        self._top = 0
        self._left = 0
        self._asked: LiveView | None = None
        self._found: int | None = None
        """The row that a search found last."""
        self._drawn: list[Line] = []

    @property
    def follow(self) -> bool:
        """True: the last text of the pane is shown and stays in view."""
        return self._follow

    @property
    def frozen(self) -> bool:
        """True: the picture no longer changes; labelled FROZEN and dimmed."""
        return self._frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        if value is not self._frozen:
            self._frozen = value
            self.restyled()

    def set_title(self, title: str) -> None:
        """First words of the label."""
        self._title = title
        self._redraw()

    def set_rows(
        self,
        rows: Sequence[Line],
        changed: Iterable[int] | None = None,
        *,
        first: int = 0,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Pane rows ``first``...; ``changed`` are indexes into ``rows`` (None: compare); ``size`` is the pane's
        (columns, rows). Only visible rows that differ are redrawn."""
        self._reason = self._text = ()
        if self._live.update(rows, changed, first, size):
            self._redraw()
            self._check_asked()

    def clear(self, reason: Sequence[Line] = (), text: Sequence[Line] = ()) -> None:
        """Forget the pane (another one, or it is gone) and show ``reason`` instead, and below it the end of ``text``;
        a new pane is shown from its start and following."""
        self._live, self._reason, self._text = LiveText(), tuple(reason), tuple(text)
        self._follow, self._top, self._left, self._found = True, 0, 0, None
        self._redraw()
        self.post_message(self.ViewChanged(self))

    def live_view(self) -> LiveView:
        """The rows of the pane that are needed."""
        self._asked = self._need()
        return self._asked

    def rows(self) -> tuple[Line, ...]:
        """The rows of the pane that came so far, without the blank ones at its end; or what stands in its place."""
        return (*self._reason, *self._text) if self._reason else self._live.window(0, self._live.bottom)

    def find(self, words: str, step: int = 1) -> bool:
        """Scroll to the next row of the pane that holds ``words`` (``step`` -1: the one before), of the rows that came
        so far; False when there is none."""
        rows = self._live.window(0, self._live.known)
        after = self._first() if self._found is None else self._found
        at = None if self._reason else next_match(rows, words, after, step)
        if at is not None:
            self._follow, self._found = False, at
            self._top = clamped(at, self._live.height, self._room)
            self._moved()
        return at is not None

    def action_pan(self, by: int) -> None:
        """Pan by eight columns."""
        columns = self._live.size[0] if self._live.size else 0
        left = clamped(self._left + by * _PAN, columns, self.size.width)
        if left != self._left:
            self._left = left
            self._moved()

    @property
    def page_rows(self) -> int:
        """Those below the label, but one."""
        return max(1, self._room - 1)

    def action_move(self, by: int) -> None:
        """Scroll by rows; upwards stops following."""
        top = clamped(self._first() + by, self._live.height, self._room)
        if top != self._first():
            self._follow, self._top = False, top
            self._moved()

    def action_first(self) -> None:
        """Show the first row of the pane; stops following."""
        self._follow, self._top = False, 0
        self._moved()

    def action_last(self) -> None:
        """Show the last text and stay there."""
        self._follow = True
        self._moved()

    def action_toggle_follow(self) -> None:
        """Follow, or stay where the view is."""
        self._top, self._follow = self._first(), not self._follow
        self._moved()

    def on_resize(self) -> None:
        """Another part of the pane is visible."""
        self.action_pan(0)
        self.restyled()
        self.post_message(self.ViewChanged(self))

    def focus_changed(self) -> None:
        """The cursor or label of the focused widget is strong."""
        self._redraw()

    def restyled(self) -> None:
        """Draw everything again."""
        self._drawn = self._compose_rows()
        self.refresh()

    def strip(self, y: int) -> Strip:
        """Row ``y``: the label, then the pane."""
        value = self._drawn[y] if y < len(self._drawn) else BLANK
        dim, picture = self.dimmed or (self._frozen and y > 0), y > 0 and not self._reason
        return to_strip(value, self.size.width, self.palette, dim=dim, picture=picture)

    @property
    def _room(self) -> int:
        return max(1, self.size.height - 1)

    def _first(self) -> int:
        return self._live.tail(self._room) if self._follow else self._top

    def _need(self) -> LiveView:
        return LiveView(self._first(), self._live.height - 1, self.size.width, self._room)

    def _check_asked(self) -> None:
        if self._need().outgrows(self._asked):
            self.post_message(self.ViewChanged(self))

    def _moved(self) -> None:
        self._redraw()
        self.post_message(self.ViewChanged(self))

    def _redraw(self) -> None:
        """Compose again and refresh the rows that came out different."""
        before, self._drawn = self._drawn, self._compose_rows()
        self.refresh_rows(y for y, value in enumerate(self._drawn) if y >= len(before) or value != before[y])

    def _compose_rows(self) -> list[Line]:
        if self._reason:
            rows = self._instead()
        else:
            rows = list(self._live.window(self._first(), self._room))
            if self._left:
                rows = [cut(row, self.size.width, start=self._left) for row in rows]
        rows += [BLANK] * (self._room - len(rows))
        return [self._label(), *rows][: max(0, self.size.height)]

    def _instead(self) -> list[Line]:
        """What is shown without a pane, wrapped."""
        reason, text = (
            [row for value in values for row in wrap_words(value, self.size.width)]
            for values in (self._reason, self._text)
        )
        room = max(0, self._room - len(reason))
        return [*reason, *text[max(0, len(text) - room) :]]

    def _label(self) -> Line:
        style, rule = ("focus" if self.has_focus else "heading"), self.palette.box.horizontal
        facts = [self._title, *([] if self._reason else self._facts())]
        text = ", ".join(fact for fact in facts if fact)
        sign = self.palette.box.focus if self.has_focus else rule
        return (Span(f"{sign} ", style), Span(text, style), Span(" ", style), fill(rule, style))

    def _facts(self) -> list[str]:
        """Size of the pane, the part in view, and whether it moves."""
        if self._live.size is None:
            return ["no picture yet"]
        columns, rows = self._live.size
        last = min(columns, self._left + self.size.width)
        part = "full width" if self._left == 0 and last == columns else f"cols {self._left + 1}-{last}"
        mode = "FROZEN" if self._frozen else ("FOLLOW" if self._follow else f"row {self._first() + 1}")
        more = "(l pans right)" if last < columns else ""
        return [f"{columns}x{rows}", part, f"{mode}   {more}".rstrip()]
