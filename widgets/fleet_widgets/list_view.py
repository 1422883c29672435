"""A short list of lines with a cursor that belongs to a key, not to a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from fleet_widgets.base import LineWidget
from fleet_widgets.lines import Line


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of one or more lines; ``selectable`` False for headings."""

    key: str
    lines: tuple[Line, ...]
    selectable: bool = True


class LineList(LineWidget, can_focus=True):
    """Bindings (ids ``list.*``): j k arrows, g G, pageup pagedown, enter."""

    selected: str | None

    @dataclass
    class Selected(Message):
        list: LineList
        key: str | None

    @dataclass
    class Opened(Message):
        list: LineList
        key: str

    def set_items(self, items: Sequence[Item]) -> None:
        """Replace the entries. The cursor follows its key; a vanished key leaves nothing selected."""

    def select(self, key: str | None) -> None: ...
