"""Anchors: now and then the head of the log is written to a second file, which a forger would have to change too.

A hash chain alone does not stop an editor with write access: rewriting a tail and its head row checks clean. A line of
``anchors.log`` (best copied to where agents cannot write) finds it. Its lines are a chain of their own: each names the
hash of the one before, so that a line cannot be taken out or changed without all that follow.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

EVERY_EVENTS = 1000
EVERY_S = 60.0
OVERDUE = 5
"""Intervals after which a missing anchor is no delay: a writer that lives writes it, else the next one does."""
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Anchor:
    """The log had ``count`` events, the last one ``seq`` with ``hash`` (hex), at ``at_ns``."""

    stream: str
    seq: int
    hash: str
    count: int
    at_ns: int
    prev: str = ""
    """SHA-256 (hex) of the line before, without its end; empty in the first line."""


def anchor_file(database: Path) -> Path:
    """``anchors.log`` beside the database."""
    return database.with_name("anchors.log")


def append(path: Path, anchor: Anchor) -> None:
    """Appends one line durably, with the hash of the line before."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        torn = not tail.endswith(b"\n") and size > 0
        before = tail.removesuffix(b"\n").rpartition(b"\n")[2]
        chained = replace(anchor, prev=line_hash(before) if size else "")
        line = json.dumps(asdict(chained), sort_keys=True, separators=(",", ":")) + "\n"
        os.write(descriptor, (b"\n" if torn else b"") + line.encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def line_hash(line: bytes) -> str:
    """What the next line names this one by; a long torn line counts by its end."""
    return hashlib.sha256(line[-_TAIL_BYTES + 1 :]).hexdigest()


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """What stands in ``anchors.log``. Line numbers begin at 1."""

    anchors: list[Anchor]
    bad: list[int]
    """Lines that are no anchor; a torn last line after a crash is one."""
    loose: list[int]
    """Lines that do not follow the one before: something was taken out, put in or changed there."""


def read(path: Path) -> AnchorFile:
    """The anchors in file order, and what is wrong with the file; none when there is no file."""
    found = AnchorFile([], [], [])
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return found
    before = ""
    for number, line in enumerate(lines, start=1):
        try:
            anchor = _anchor(json.loads(line))
        except (ValueError, TypeError, RecursionError):
            found.bad.append(number)
        else:
            found.anchors.append(anchor)
            if anchor.prev != before:
                found.loose.append(number)
        before = line_hash(line)
    return found


def _anchor(fields: dict[str, object]) -> Anchor:
    """Raises TypeError when a field is missing, unknown or of another type."""
    anchor = Anchor(**fields)  # type: ignore[arg-type]
    wanted = {"stream": str, "seq": int, "hash": str, "count": int, "at_ns": int, "prev": str}
    if any(type(getattr(anchor, name)) is not kind for name, kind in wanted.items()):
        raise TypeError("a field of an anchor has another type")
    return anchor


def last_seq(path: Path) -> int:
    """The event that the last anchor names; 0 when there is none. Reads only the end of the file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["seq"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            continue
    return 0


class Anchoring:
    """Decides when the next anchor is due; used by the writer thread alone.

    A failure to write is kept in ``error`` and tried again: it must not stop the log.
    """

    def __init__(self, database: Path, stream: str, seq: int, hash_: bytes) -> None:
        """``seq`` and ``hash_`` are the log's present head, which a crash may have left without an anchor."""
        self._path = anchor_file(database)
        self._stream = stream
        self._anchored = last_seq(self._path)
        self._head: tuple[int, bytes] | None = (seq, hash_) if seq > self._anchored else None
        self._since_s = time.monotonic()
        self.error: OSError | None = None

    def note(self, seq: int, hash_: bytes) -> None:
        """Called after each commit with the new head."""
        if self._head is None:
            self._since_s = time.monotonic()
        self._head = (seq, hash_)
        if seq - self._anchored >= EVERY_EVENTS:
            self.write()

    def due_s(self) -> float | None:
        """Seconds until the unanchored events must be anchored; None when there are none."""
        if self._head is None:
            return None
        return max(0.0, self._since_s + EVERY_S - time.monotonic())

    def write(self) -> None:
        """Anchors the head, if that is not done yet."""
        if self._head is None:
            return
        seq, hash_ = self._head
        try:
            append(self._path, Anchor(self._stream, seq, hash_.hex(), seq, time.time_ns()))
        except OSError as error:
            self.error, self._since_s = error, time.monotonic()
            return
        self._anchored, self._head, self.error = seq, None, None
