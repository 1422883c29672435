"""What the git part hands out: frozen values. Paths and branches are as found: show them through ``domain.text``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import SafeText


class UnrelatedHistories(FleetError):
    """Two commits have no ancestor in common: there is nothing to merge."""


class SyncState(StrEnum):
    """How the user's target branch and ours relate."""

    SAME = "same"
    USER_AHEAD = "user_ahead"
    """The user had new commits; ours has been fast-forwarded to them."""
    WE_AHEAD = "we_ahead"
    """Landed work is not yet published."""
    DIVERGED = "diverged"
    """Both have commits of their own: a person merges ``refs/fleet/<target>`` into the target."""
    MISSING = "missing"
    """The user's repository has no such branch any more."""


@dataclass(frozen=True, slots=True)
class TargetSync:
    """``ours`` and ``theirs`` are tips after the step; ``before`` is our tip before it."""

    state: SyncState
    before: str
    ours: str
    theirs: str | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file. ``status`` is git's letter: A, M, D, R (renamed), C (copied), T (type changed).

    Modes are git's octal text: ``120000`` is a link, ``160000`` a submodule, ``000000`` absent. ``added`` and
    ``deleted`` count lines and are 0 for binary files.
    """

    path: str
    status: str
    added: int
    deleted: int
    binary: bool
    old_path: str | None
    mode: str
    old_mode: str


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """Totals and files of a change, against the merge base ``base``."""

    base: str
    head: str
    files: tuple[FileChange, ...]

    @property
    def added(self) -> int:
        return sum(change.added for change in self.files)

    @property
    def deleted(self) -> int:
        return sum(change.deleted for change in self.files)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """``kind`` is a space, ``+``, ``-``, or ``\\`` (no newline at the end of the file); numbers count from 1."""

    kind: str
    old: int | None
    new: int | None
    text: SafeText


@dataclass(frozen=True, slots=True)
class Hunk:
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    heading: SafeText
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ``message`` is foreign text as it was written."""

    id: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a branch's own line; ``author`` and ``subject`` are foreign text as they were written."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file's hunks; ``truncated`` when the size limit cut them off, so that nobody takes the rest for unchanged."""

    change: FileChange
    hunks: tuple[Hunk, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The commit that would land, or the paths in conflict (then ``tree`` and ``commit`` are empty).

    ``already`` when the head is part of the base: there is nothing to land and ``commit`` is the base itself.
    """

    base: str
    head: str
    tree: str
    commit: str
    conflicts: tuple[str, ...] = ()
    already: bool = False

    @property
    def clean(self) -> bool:
        return not self.conflicts


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree of the user's repository. ``branch`` is None when detached; ``busy`` names what is in progress."""

    path: Path
    branch: str | None
    busy: str = ""


@dataclass(frozen=True, slots=True)
class UserState:
    """The user's repository as found. ``dirty`` are changed tracked paths (a sample), without the tickets."""

    path: Path
    empty: bool
    branch: str | None
    """The branch checked out at ``path``; None when HEAD is detached."""
    head: str | None
    dirty: tuple[str, ...]
    checkouts: tuple[Checkout, ...]
    remotes: tuple[str, ...]


class PublishState(StrEnum):
    PUBLISHED = "published"
    """The user's target is at the commit, or already contains it."""
    WAITING = "waiting"
    """The target is checked out and cannot be updated now; ``reason`` says why. Nothing was touched."""
    MOVED = "moved"
    """The target is not where it was expected, but still behind: compare again and repeat."""
    DIVERGED = "diverged"
    """The target has commits of the user's that the commit lacks. Nothing was touched."""
    MISSING = "missing"
    """The target branch was deleted. Nothing was touched."""


@dataclass(frozen=True, slots=True)
class Published:
    """``sha`` is the user's target after the step (None when missing); ``where`` the checkout that moved or waits."""

    state: PublishState
    sha: str | None
    reason: str = ""
    where: Path | None = None


@dataclass(frozen=True, slots=True)
class WorkspacePaths:
    """A ticket's working tree and the bare repository it pushes to; ``branch`` may carry a suffix (``-2``)."""

    path: Path
    gate: Path
    branch: str
    base: str
