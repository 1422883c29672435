"""Marks on things by their keys: they survive order, size and what is shown, and go with the thing itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fleet_widgets.base import LineWidget, WidgetMessage


class Marking(LineWidget):
    """Subclasses give ``markable`` and ``selected``, call `forget_marks` when their keys change, and draw in
    ``marks_drawn``."""

    @dataclass
    class MarksChanged(WidgetMessage):
        """Another set of keys is marked."""

        marked: frozenset[str]

    _marked: frozenset[str] = frozenset()
    _hidden: frozenset[str] = frozenset()

    @property
    def marked(self) -> frozenset[str]:
        """Marked keys, hidden ones too; keys that vanish are unmarked."""
        return self._marked

    @property
    def hidden_marks(self) -> int:
        """How many of the marked are not among what is shown."""
        return len(self._marked - frozenset(self.markable()))

    def markable(self) -> Collection[str]:
        """The keys that are shown, and may be marked."""
        raise NotImplementedError

    def marks_drawn(self, changed: frozenset[str]) -> None:
        """The marks of these keys are others: draw them."""
        raise NotImplementedError

    def mark(self, keys: Iterable[str]) -> None:
        """Replace the marks (keys that are neither shown nor hidden are left out)."""
        marked = frozenset(keys) & (frozenset(self.markable()) | self._hidden)
        if marked != self._marked:
            changed, self._marked = marked ^ self._marked, marked
            self.marks_drawn(changed)
            self.post_message(self.MarksChanged(self, marked))

    def toggle_mark(self, key: str | None) -> None:
        """Mark ``key``, or take its mark away."""
        if key is not None:
            self.mark(self._marked ^ {key})

    def mark_all(self) -> None:
        """Mark all that is shown, or none of it when all is; hidden keys stay as they are."""
        shown = frozenset(self.markable())
        self.mark(self._marked - shown if shown <= self._marked else self._marked | shown)

    def forget_marks(self, hidden: Iterable[str] = ()) -> None:
        """After the keys changed: those of vanished ones; ``hidden`` ones exist and are not shown now."""
        self._hidden = frozenset(hidden)
        self.mark(self._marked)
