"""A unified diff of several files with line numbers, jumps, and a record of what was really on screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.strip import Strip

from fleet_widgets.base import WidgetMessage, WidgetOptions
from fleet_widgets.diff_rows import DiffFile, DiffHunk, DiffLine, FileRows, file_rows, title_row
from fleet_widgets.lines import BLANK, Line, next_match, to_strip
from fleet_widgets.moving import Moving, moving_keys

__all__ = ["DiffFile", "DiffHunk", "DiffLine", "DiffView"]  # the value types belong to this interface

Place = tuple[int, int]  # (index of the file, row in it; row 0 is its title)


class DiffView(Moving):
    """Files below each other, laid out when they come into view. A file is *seen* when its last row was painted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving_keys("diff", first="start", last="end"),
        Binding("right_square_bracket", "file(1)", "next file", id="diff.next_file", show=False),
        Binding("left_square_bracket", "file(-1)", "previous file", id="diff.previous_file", show=False),
        Binding("right_curly_bracket", "hunk(1)", "next hunk", id="diff.next_hunk", show=False),
        Binding("left_curly_bracket", "hunk(-1)", "previous hunk", id="diff.previous_hunk", show=False),
        Binding("space", "mark_seen", "seen", id="diff.seen", show=False),
    ]

    @dataclass
    class Seen(WidgetMessage):
        """The last row of this file was on screen, or the person marked it seen."""

        path: str

    @dataclass
    class Moved(WidgetMessage):
        """Another file or hunk is at the top. Positions count from 1; 0 of 0 when there is none."""

        path: str | None
        file: int
        files: int
        hunk: int
        hunks: int
        newest_wins: ClassVar[bool] = True

    def __init__(self, **options: Unpack[WidgetOptions]) -> None:
        super().__init__(**options)
        self._files: tuple[DiffFile, ...] = ()
        self._key = ""
        self._seen: set[str] = set()
        self._top: Place = (0, 0)
        self._places: list[Place] = []  # of the rows in view
        self._laid_out: LRUCache[tuple[int, int], FileRows] = LRUCache(64)
        self._moved: tuple[str | None, int, int, int, int] = (None, 0, 0, 0, 0)

    @property
    def files(self) -> tuple[DiffFile, ...]:
        """What it shows."""
        return self._files

    @property
    def seen(self) -> frozenset[str]:
        """Paths of this diff that were seen."""
        return frozenset(self._seen)

    @property
    def path(self) -> str | None:
        """File at the top of the view."""
        return self._files[self._top[0]].path if self._files else None

    def set_files(self, files: Sequence[DiffFile], *, seen: Iterable[str] = (), key: str = "") -> None:
        """Show another diff from its start; ``seen`` are paths already seen at this commit.

        ``key`` names what the diff is of (pull request and head). The same files under the same key change nothing, so
        the place and what was seen stay; under another key they begin unseen.
        """
        new = tuple(files)
        if new == self._files and key == self._key:
            return
        self._key = key
        self._files = new
        self._seen = set(seen) & {file.path for file in new}
        self._laid_out.clear()
        self._top = (0, 0)
        self._changed()

    def show(self, path: str) -> None:
        """Scroll to a file; unknown paths are ignored."""
        at = next((index for index, file in enumerate(self._files) if file.path == path), None)
        if at is not None:
            self._go((at, 0))

    def next_unseen(self) -> str | None:
        """Scroll to the next file not yet seen, from the file at the top and round the end; its path, or None."""
        count = len(self._files)
        order = [(self._top[0] + step) % count for step in range(1, count + 1)] if count else []
        found = next((index for index in order if self._files[index].path not in self._seen), None)
        if found is None:
            return None
        self._go((found, 0))
        return self._files[found].path

    def mark_seen(self, path: str) -> None:
        """Record a file as seen, by the person's word; unknown paths and seen ones are ignored."""
        if path not in self._seen and any(file.path == path for file in self._files):
            self._seen.add(path)
            self.refresh_rows(
                y for y, (file, row) in enumerate(self._places) if row == 0 and self._files[file].path == path
            )
            self.post_message(self.Seen(self, path))

    def find(self, words: str, step: int = 1) -> bool:
        """Scroll to the next row that holds ``words`` (``step`` -1: the one before), over files; False when there is
        none."""
        count, (file, row) = len(self._files), self._top
        for by in range(count + 1) if count else ():
            at = (file + step * by) % count
            rows = [self._line((at, one)) for one in range(1 + len(self._rows(at).rows))]
            edge = -1 if step > 0 else len(rows)
            start = min(row, len(rows) - 1) if by == 0 else edge
            ahead = range(start + 1, len(rows)) if step > 0 else range(start - 1, -1, -1)
            match = next((one for one in ahead if next_match([rows[one]], words, 0) is not None), None)
            if match is not None:
                self._go((at, match))
                return True
        return False

    # --- actions -------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Scroll by rows; downwards until the last row stands at the bottom."""
        if self._files:
            self._go(self._step(self._top, by) if by < 0 else self._down(by))

    def action_first(self) -> None:
        """Scroll to the start."""
        self._go((0, 0))

    def action_last(self) -> None:
        """Scroll to the end."""
        if self._files:
            self._go(self._bottom())

    def action_file(self, by: int) -> None:
        """Scroll to the title of the next file, or of this one (when it is above the view) or the previous one."""
        file, row = self._top
        target = file + by if by > 0 or row == 0 else file
        if 0 <= target < len(self._files):
            self._go((target, 0))

    def action_hunk(self, by: int) -> None:
        """Scroll to the next or previous hunk, over files."""
        places = self._hunks_near()
        later = [place for place in places if place > self._top]
        earlier = [place for place in places if place < self._top]
        if later if by > 0 else earlier:
            self._go(later[0] if by > 0 else earlier[-1])

    def action_mark_seen(self) -> None:
        """Mark the file at the top as seen and go on to the next."""
        if self._files:
            path = self._files[self._top[0]].path
            self.mark_seen(path)
            self.action_file(1)

    def on_resize(self) -> None:
        """Lines wrap at another width."""
        self._top = (self._top[0], min(self._top[1], self._height_of(self._top[0]) - 1)) if self._files else (0, 0)
        self._changed()

    def restyled(self) -> None:
        """Signs depend on the palette."""
        self._laid_out.clear()
        self._changed()

    # --- drawing -------------------------------------------------------------------------------------------------

    def strip(self, y: int) -> Strip:
        """Row ``y``. Painting the last row of a file is what makes it seen."""
        if y >= len(self._places):
            return self.blank()
        place = self._places[y]
        file, row = place
        if row == len(self._rows(file).rows) and self._files[file].path not in self._seen:
            self.call_after_refresh(self._painted_end, self._files, file)
        return to_strip(self._line(place), self.size.width, self.palette, dim=self.dimmed, literal=True)

    def _painted_end(self, files: tuple[DiffFile, ...], file: int) -> None:
        if files is self._files:
            self.mark_seen(files[file].path)

    def _line(self, place: Place) -> Line:
        file, row = place
        if row == 0:
            shown = self._files[file]
            return title_row(shown, file + 1, len(self._files), self.palette.box, seen=shown.path in self._seen)
        rows = self._rows(file).rows
        return rows[row - 1] if row <= len(rows) else BLANK

    def _rows(self, file: int) -> FileRows:
        """The rows of a file at the present width, laid out when first needed."""
        key = (file, self.size.width)
        found = self._laid_out.get(key)
        if found is None:
            found = self._laid_out[key] = file_rows(self._files[file], max(12, self.size.width), self.palette.box)
        return found

    def _height_of(self, file: int) -> int:
        """Rows of a file: its title, its lines, and a blank row between files."""
        return 1 + len(self._rows(file).rows) + (file < len(self._files) - 1)

    # --- moving --------------------------------------------------------------------------------------------------

    def _step(self, place: Place, by: int) -> Place:
        """``by`` rows from a place, stopping at the first and the last row."""
        file, row = place
        row += by
        while row < 0 and file > 0:
            file -= 1
            row += self._height_of(file)
        while row >= self._height_of(file) and file < len(self._files) - 1:
            row -= self._height_of(file)
            file += 1
        return file, min(max(0, row), self._height_of(file) - 1)

    def _bottom(self) -> Place:
        """The place at the top when the last row stands at the bottom."""
        last = len(self._files) - 1
        return self._step((last, self._height_of(last) - 1), 1 - max(1, self.size.height))

    def _down(self, rows: int) -> Place:
        """Down from the top, but not past the end; a jump beyond it stays where it is."""
        return max(self._top, min(self._step(self._top, rows), self._bottom()))

    def _hunks_near(self) -> list[Place]:
        """Hunks of this file and of the nearest files on both sides that have some, in order."""
        file = self._top[0]
        before = next((at for at in range(file - 1, -1, -1) if self._files[at].hunks), None)
        after = next((at for at in range(file + 1, len(self._files)) if self._files[at].hunks), None)
        near = [at for at in (before, file, after) if at is not None and at < len(self._files)]
        return [(at, row + 1) for at in near for row in self._rows(at).hunks]

    def _go(self, place: Place) -> None:
        if place != self._top and self._files:
            self._top = place
            self._changed()

    def _changed(self) -> None:
        """Find the rows in view, draw them, and tell where the view is."""
        height = max(0, self.size.height)
        self._places = []
        place = self._top
        while self._files and self.size.width and len(self._places) < height:
            self._places.append(place)
            following = self._step(place, 1)
            if following == place:
                break
            place = following
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        file, row = self._top
        if not self._files:
            moved: tuple[str | None, int, int, int, int] = (None, 0, 0, 0, 0)
        else:
            hunks = self._rows(file).hunks
            hunk = sum(start + 1 <= max(row, hunks[0] + 1) for start in hunks) if hunks else 0
            moved = (self._files[file].path, file + 1, len(self._files), hunk, len(hunks))
        if moved != self._moved:
            self._moved = moved
            self.post_message(self.Moved(self, *moved))
