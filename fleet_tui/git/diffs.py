"""Git's diff output into values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import pairwise

from fleet_tui.domain.text import reveal
from fleet_tui.git.command import Result, decode
from fleet_tui.git.values import DiffLine, FileChange, FileDiff, Hunk

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)\Z", re.DOTALL)
_SECTION = b"diff --git "
_MOST_FETCHED, _EACH_BYTES, _ALL_BYTES = 200, 1_000_000, 8_000_000
Fetch = Callable[[tuple[str, ...], int], Awaitable[Result]]
"""The patch of these paths, at most so many bytes of it."""


def parse_changes(raw: bytes) -> tuple[FileChange, ...]:
    """The output of ``diff-tree --raw --numstat -z``: first all raw records, then the counts in the same order."""
    fields = iter(field for field in raw.split(b"\0") if field)
    modes: list[tuple[str, str, str, str | None, str]] = []
    counts: list[tuple[int, int, bool]] = []
    for field in fields:
        if field.startswith(b":"):
            old_mode, mode, _, _, status = field[1:].decode("ascii").split(" ")
            first = decode(next(fields))
            renamed = status[0] in "RC"
            modes.append(
                (old_mode, mode, status[0], first if renamed else None, decode(next(fields)) if renamed else first)
            )
        else:
            counts.append(_count(field, fields))
    return tuple(
        FileChange(path, status, added, deleted, binary, old_path, mode, old_mode)
        for (old_mode, mode, status, old_path, path), (added, deleted, binary) in zip(modes, counts, strict=True)
    )


def _count(field: bytes, rest: Iterator[bytes]) -> tuple[int, int, bool]:
    added, deleted, path = field.split(b"\t", 2)
    if not path:  # a rename: the two names follow as fields of their own
        next(rest)
        next(rest)
    return (0, 0, True) if added == b"-" else (int(added), int(deleted), False)


def parse_patch(patch: bytes, changes: tuple[FileChange, ...], *, truncated: bool) -> list[FileDiff]:
    """Hunks for each of ``changes`` from the output of ``diff-tree -p`` in the same order.

    Names are taken from ``changes``, never from the patch's header lines, which cannot be split reliably.
    """
    sections = _sections(patch)
    diffs: list[FileDiff] = []
    for change in changes:
        # A change of type (file to link) is printed as a deletion and a creation.
        mine = [
            section for _ in range(2 if change.status == "T" else 1) if (section := next(sections, None)) is not None
        ]
        diffs.append(
            FileDiff(change, tuple(hunk for section in mine for hunk in _hunks(section)), truncated and not mine)
        )
    if truncated:
        _mark_last(diffs)
    return diffs


async def read_by_one(diffs: Sequence[FileDiff], fetch: Fetch) -> list[FileDiff]:
    """``diffs`` with those that were cut read file by file, the smallest first: no large file hides the others.

    What is too large for that, too, stays truncated.
    """
    found, left = list(diffs), _ALL_BYTES
    cut = [at for at, diff in enumerate(diffs) if diff.truncated]
    for at in sorted(cut, key=lambda at: diffs[at].change.added + diffs[at].change.deleted)[:_MOST_FETCHED]:
        if left <= 0:
            break
        change = diffs[at].change
        paths = (change.path,) if change.old_path is None else (change.old_path, change.path)
        patch = await fetch(paths, min(_EACH_BYTES, left))
        left -= len(patch.out)
        (found[at],) = await asyncio.to_thread(parse_patch, patch.out, (change,), truncated=patch.truncated)
    return found


def _mark_last(diffs: list[FileDiff]) -> None:
    """The last file that got any text is the one that was cut."""
    last = max((at for at, diff in enumerate(diffs) if not diff.truncated), default=None)
    if last is not None:
        diffs[last] = FileDiff(diffs[last].change, diffs[last].hunks, truncated=True)


def _sections(patch: bytes) -> Iterator[list[bytes]]:
    section: list[bytes] | None = None
    # Every line of content starts with a blank, +, - or \, so the header cannot be forged by content.
    for line in patch.split(b"\n"):
        if line.startswith(_SECTION):
            if section is not None:
                yield section
            section = []
        elif section is not None:
            section.append(line)
    if section is not None:
        yield section


def _hunks(section: list[bytes]) -> Iterator[Hunk]:
    starts = [at for at, line in enumerate(section) if line.startswith(b"@@ ")]
    carriage = bool(starts) and _is_dos(section[starts[0] :])
    for start, end in pairwise([*starts, len(section)]):
        header = _HUNK.match(section[start])
        if header is not None:
            yield _hunk(header, section[start + 1 : end], carriage)


def _hunk(header: re.Match[bytes], body: list[bytes], carriage: bool) -> Hunk:
    old, old_lines, new, new_lines = (int(header[group] or b"1") for group in (1, 2, 3, 4))
    lines = tuple(_numbered(body, old, new, carriage))
    return Hunk(old, old_lines, new, new_lines, reveal(decode(header[5]).rstrip("\r")), lines)


def _numbered(body: list[bytes], old: int, new: int, carriage: bool) -> Iterator[DiffLine]:
    for line in body:
        kind = chr(line[0]) if line else ""
        if kind not in ("+", "-", " ", "\\"):
            continue
        content = line[1:-1] if carriage and line.endswith(b"\r") else line[1:]
        text = reveal(decode(content).lstrip() if kind == "\\" else decode(content))
        yield DiffLine(kind, old if kind in " -" else None, new if kind in " +" else None, text)
        old += kind in " -"
        new += kind in " +"


def _is_dos(lines: list[bytes]) -> bool:
    """Whether every line ends in CR LF: only then the CR says nothing and is not shown."""
    content = [line for line in lines if line.startswith((b" ", b"+", b"-"))]
    return bool(content) and all(line.endswith(b"\r") for line in content)
