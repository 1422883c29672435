"""Files of a diff as rows of a given width: numbers, signs, wrapped text, and where hunks begin. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_widgets.lines import Line, Span, fill, wrap
from fleet_widgets.palette import Box

_STYLES = {"+": "added", "-": "removed", "\\": "quiet"}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """``kind`` is a space, ``+``, ``-`` or a backslash; ``old`` and ``new`` are 1-based line numbers (None: not in that
    side)."""

    kind: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True, slots=True)
class DiffHunk:
    """``header`` is the whole ``@@ -1,2 +1,3 @@ name`` line."""

    header: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class DiffFile:
    """One file. ``status`` is a word (added, modified, deleted, renamed); ``note`` says what cannot be shown (binary,
    too large, only the mode changed)."""

    path: str
    status: str
    hunks: tuple[DiffHunk, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of one file after its title, and the index of the first row of each hunk."""

    rows: tuple[Line, ...]
    hunks: tuple[int, ...]


def file_rows(file: DiffFile, width: int, box: Box) -> FileRows:
    """Nothing is cut: long lines wrap, with a sign of continuation in the number column."""
    rows: list[Line] = []
    starts: list[int] = []
    if file.note:
        rows += wrap((Span(file.note, "warn"),), width)
    digits = _digits(file)
    for hunk in file.hunks:
        starts.append(len(rows))
        rows += wrap((Span(hunk.header, "hunk"),), width)
        for value in hunk.lines:
            rows += _line_rows(value, digits, width, box)
    return FileRows(tuple(rows), tuple(starts))


def title_row(file: DiffFile, at: int, files: int, box: Box, *, seen: bool) -> Line:
    """``─ path  modified  file 6/31  unseen ──────``."""
    rule = box.horizontal
    facts = f"  {file.status}  file {at}/{files}  "
    return (
        Span(f"{rule} ", "heading"),
        Span(file.path, "strong"),
        fill(" ", "heading"),
        Span(facts, "heading"),
        Span("seen" if seen else "unseen", "heading" if seen else "normal"),
        Span(f" {rule}{rule}", "heading"),
    )


def _digits(file: DiffFile) -> int:
    numbers = [value.new or value.old or 0 for hunk in file.hunks for value in hunk.lines[-1:]]
    return max(4, len(str(max(numbers, default=0))))


def _line_rows(value: DiffLine, digits: int, width: int, box: Box) -> list[Line]:
    style = _STYLES.get(value.kind, "normal")
    number = value.old if value.kind == "-" else value.new
    shown = f"{number:>{digits}} " if number is not None else " " * (digits + 1)
    pieces = wrap((Span(value.text, style),), max(2, width - digits - 2))
    first = (Span(shown, "line-number"), Span(value.kind, style), *pieces[0])
    more = f"{box.wrapped:>{digits}} "
    return [first, *((Span(more, "line-number"), Span(value.kind, style), *piece) for piece in pieces[1:])]
