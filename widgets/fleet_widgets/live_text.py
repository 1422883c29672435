"""What is known of one pane's screen, row by row, and which part of it a view of some height shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet_widgets.input_box import top_of_input_box
from fleet_widgets.lines import BLANK, Line, text_of

_UNKNOWN_ROWS = 200
_MAX_ROWS = 2_000
_SLACK_VIEWS = 2
_ROOM_FOR_BOX = 12
"""A view of fewer rows leaves out the input box at the bottom: what the agent did says more than where one types."""


@dataclass(frozen=True, slots=True)
class LiveView:
    """The part of a pane that is on screen: pane rows ``first``-``last`` (0-based, inclusive), and the room in cells.

    ``last`` is the pane's last row even when the rows above it are blank: that is where new text appears.
    """

    first: int
    last: int
    width: int
    height: int

    def outgrows(self, asked: LiveView | None) -> bool:
        """Whether rows beyond those ``asked`` for are needed, or so much fewer that asking again pays."""
        if asked is None:
            return True
        return (
            self.first < asked.first or self.last != asked.last or self.first > asked.first + _SLACK_VIEWS * self.height
        )


class LiveText:
    """Rows of a pane. Rows that were never sent are blank; a size that was never sent is unknown."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        """The pane's real (columns, rows)."""
        self._rows: list[Line] = []
        self._bottom = 0
        self._above_box = 0

    def update(
        self, rows: Sequence[Line], changed: Iterable[int] | None, first: int, size: tuple[int, int] | None
    ) -> bool:
        """Take rows ``first``... of the pane; whether anything differs. Rows beyond the pane are forgotten."""
        differs = size is not None and size != self.size
        if size is not None:
            self.size = (size[0], min(size[1], _MAX_ROWS))
            del self._rows[self.size[1] :]
        room = max(0, min(_MAX_ROWS, self.height) - first)
        missing = first + min(len(rows), room) - len(self._rows)
        self._rows.extend([BLANK] * max(0, missing))
        for index in range(len(rows)) if changed is None or missing > 0 or differs else changed:
            if 0 <= index < min(len(rows), room) and self._rows[first + index] != rows[index]:
                self._rows[first + index] = rows[index]
                differs = True
        if differs:
            self._bottom = self._last_text(len(self._rows))
            self._above_box = self._find_above_box()
        return differs

    @property
    def height(self) -> int:
        """Rows of the pane, or how many to ask for while the size is unknown."""
        return self.size[1] if self.size else _UNKNOWN_ROWS

    @property
    def known(self) -> int:
        """Rows that were ever sent."""
        return len(self._rows)

    @property
    def bottom(self) -> int:
        """One past the last row with text: what a view that follows keeps in sight."""
        return self._bottom

    def row(self, index: int) -> Line:
        """Row ``index`` of the pane, blank outside."""
        return self._rows[index] if 0 <= index < len(self._rows) else BLANK

    def tail(self, height: int) -> int:
        """First row of a view of ``height`` rows that ends at the last text; a small view ends above an input box."""
        bottom = self._above_box if height < _ROOM_FOR_BOX else self._bottom
        return max(0, bottom - height)

    def shown_tail(self, height: int) -> tuple[Line, ...]:
        """The rows of the view that :meth:`tail` begins."""
        last = self._above_box if height < _ROOM_FOR_BOX else self._bottom
        return self.window(self.tail(height), min(height, last))

    def window(self, first: int, height: int) -> tuple[Line, ...]:
        """Rows ``first``... of a view of ``height`` rows."""
        return tuple(self.row(index) for index in range(first, first + height))

    def _last_text(self, end: int) -> int:
        """One past the last row with text before row ``end``."""
        for index in range(end - 1, -1, -1):
            if not _is_blank(self._rows[index]):
                return index + 1
        return 0

    def _find_above_box(self) -> int:
        """One past the last text above the input box at the bottom; where all text ends when there is no such box."""
        top = top_of_input_box(text_of(row) for row in reversed(self._rows[: self._bottom]))
        return self._last_text(self._bottom - top) or self._bottom if top else self._bottom


def _is_blank(row: Line) -> bool:
    return not any(span.text and not span.text.isspace() for span in row)
