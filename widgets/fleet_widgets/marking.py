"""Marks on things by their keys: they survive order, size and what is shown, and go with the thing itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fleet_widgets.base import LineWidget, WidgetMessage


class Marking(LineWidget):
    """Subclasses give ``markable``, call `forget_marks` when their keys change and `cursor_at` when their cursor moves,
    and draw in ``marks_drawn``."""

    @dataclass
    class MarksChanged(WidgetMessage):
        """Another set of keys is marked."""

        marked: frozenset[str]

    _marked: frozenset[str] = frozenset()
    _hidden: frozenset[str] = frozenset()
    _range: tuple[str, frozenset[str]] | None = None
    """Where the range that is being drawn began, and what was marked before."""

    @property
    def marked(self) -> frozenset[str]:
        """Marked keys, hidden ones too; keys that vanish are unmarked."""
        return self._marked

    @property
    def hidden_marks(self) -> int:
        """How many of the marked are not among what is shown."""
        return len(self._marked - frozenset(self.markable()))

    def markable(self) -> Collection[str]:
        """The keys that are shown, and may be marked, in their order."""
        raise NotImplementedError

    def marks_drawn(self, changed: frozenset[str]) -> None:
        """The marks of these keys are others: draw them."""
        raise NotImplementedError

    def mark(self, keys: Iterable[str]) -> None:
        """Replace the marks (keys that are neither shown nor hidden are left out); a range that is drawn ends."""
        self._range = None
        self._replace(keys)

    def _replace(self, keys: Iterable[str]) -> None:
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

    @property
    def draws_range(self) -> bool:
        """Whether marks follow the cursor now."""
        return self._range is not None

    def begin_range(self, key: str | None) -> None:
        """From now on everything from ``key`` to the cursor is marked beside what is; one that is drawn ends first."""
        if key is not None and key in self.markable():
            self._range = key, self._marked
            self.cursor_at(key)
            self.post_message(self.MarksChanged(self, self._marked))

    def end_range(self, *, keep: bool) -> None:
        """The marks stay as they are, or (``keep`` False) become again what they were before."""
        if self._range is not None:
            before, self._range = self._range[1], None
            self._replace(self._marked if keep else before)
            self.post_message(self.MarksChanged(self, self._marked))

    def cursor_at(self, key: str | None) -> None:
        """The cursor went to ``key``: a range that is drawn reaches up to there, in the order in which they stand."""
        shown = list(self.markable())
        if self._range is None or key not in shown:
            return
        first, before = self._range
        ends = sorted((shown.index(first), shown.index(key)))
        self._replace(before | frozenset(shown[ends[0] : ends[1] + 1]))

    def forget_marks(self, hidden: Iterable[str] = ()) -> None:
        """After the keys changed: those of vanished ones; ``hidden`` ones exist and are not shown now. A range whose
        beginning is not shown any more ends."""
        self._hidden = frozenset(hidden)
        if self._range is not None and self._range[0] not in self.markable():
            self.end_range(keep=True)
        self._replace(self._marked)
