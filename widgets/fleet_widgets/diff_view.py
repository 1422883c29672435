"""A unified diff of several files with line numbers, jumps, and a record of what was really on screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.message import Message

from fleet_widgets.base import LineWidget


@dataclass(frozen=True, slots=True)
class DiffLine:
    """``kind`` is `` ``, ``+``, ``-`` or ``\\``; ``old`` and ``new`` are 1-based line numbers (None: not in that side)."""

    kind: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True, slots=True)
class DiffHunk:
    header: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class DiffFile:
    """``note`` is shown instead of hunks (binary, truncated, mode change)."""

    path: str
    status: str
    hunks: tuple[DiffHunk, ...] = ()
    note: str = ""


class DiffView(LineWidget, can_focus=True):
    """Bindings (ids ``diff.*``): j k arrows, pageup pagedown, g G, [ ] file, { } hunk, space marks the file seen."""

    seen: frozenset[str]
    path: str | None
    """File at the top of the view."""

    @dataclass
    class Seen(Message):
        """The last line of this file was on screen, or it was marked seen."""

        view: DiffView
        path: str

    @dataclass
    class Moved(Message):
        """Another file is at the top. ``file`` and ``files``, ``hunk`` and ``hunks`` are 1-based positions and totals."""

        view: DiffView
        path: str | None
        file: int
        files: int
        hunk: int
        hunks: int

    def set_files(self, files: Sequence[DiffFile], *, seen: Iterable[str] = ()) -> None:
        """Show another diff from its start; ``seen`` are paths already seen at this commit."""

    def show(self, path: str) -> None:
        """Scroll to a file."""

    def next_unseen(self) -> str | None:
        """Scroll to the next file not yet seen; its path, or None."""
        raise NotImplementedError
