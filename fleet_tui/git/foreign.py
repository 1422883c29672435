"""Repositories that agents write: what must hold before anything is fetched from one, and what is told when it fails.

Git reads what it finds in a repository: a link, another ``objects`` or a file in place of ``.git`` would have it serve
what lies elsewhere, a FIFO would have it wait. From L1 on it serves from inside a sandbox; this is the wall before it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line

FETCH_LIMIT_S = 20.0
"""How long looking at an agent's repository and fetching from it may take."""
MAX_GATE_BYTES = 1024 * 1024 * 1024
"""A repository with more than this is not fetched from: an agent that pushes so much is stopped before it fills our
disk."""
_FILES = (b"HEAD", b"config", b"config.worktree", b"packed-refs", b"shallow")
_FOLDERS = (b"refs", b"objects", b"info", b"reftable")
_ALTERNATES = b"objects/info/alternates"
_ABSENT = (b"commondir", b"gitdir")
_MOST_ALTERNATES = 16 * 1024
_HINT = "make it what it was when you got it: a plain repository without links, pipes or other objects"
_KINDS = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}


class NotRead(FleetError):
    """Nothing was read from a repository that an agent writes. The words may be told to that agent.

    ``detail`` is for a person: it may quote what git said, and with it files that the agent cannot read.
    """

    def __init__(self, title: str, message: str, hint: str, detail: str) -> None:
        super().__init__(title, message, hint)
        self.detail = detail


class NotPlain(NotRead):
    """It is not what the fleet made."""

    def __init__(self, reason: str) -> None:
        super().__init__("not a plain repository", reason, _HINT, reason)


class Unreadable(NotRead):
    """Git failed in it, or took too long."""

    def __init__(self, detail: str) -> None:
        message, hint = "git could not read it", "check it with `git fsck`, and push again"
        super().__init__("repository cannot be read", message, hint, detail)


def require_plain(place: Path, borrowed: Path, deadline_s: float) -> None:
    """Refuse what is not a repository as the fleet makes them; ``place`` is one, or the working tree of one.

    ``borrowed`` is the one directory of objects that it may borrow from; ``deadline_s`` is monotonic.

    Raises:
        NotPlain: it is not; FleetError when there is none, or it is too large.
    """
    try:
        top = Beneath(place)
    except OSError as error:
        raise FleetError(
            "gate missing", f"{place} is not a directory", "create the ticket's workspace again"
        ) from error
    with top:
        inner = _kind(top, b".git")
        if inner is not None and inner != stat.S_IFDIR:
            raise NotPlain(f".git is {_KINDS.get(inner, 'a special file')}, not a folder")
        _look(top, b"" if inner is None else b".git/", borrowed, deadline_s)


def _look(top: Beneath, prefix: bytes, borrowed: Path, deadline_s: float) -> None:
    for name in _ABSENT:
        if _kind(top, prefix + name) is not None:
            raise NotPlain(f"there is a {name.decode()} in it")
    for name in _FILES:
        _expect(top, prefix, name, stat.S_IFREG)
    size = 0
    for name in _FOLDERS:
        _expect(top, prefix, name, stat.S_IFDIR)
        for path, kind in top.walk(prefix + name):
            if kind not in (stat.S_IFREG, stat.S_IFDIR):
                raise NotPlain(f"{_shown(path.removeprefix(prefix))} is {_KINDS.get(kind, 'a special file')}")
            if name == b"objects" and kind == stat.S_IFREG:
                size += _bytes(top, path)
            if time.monotonic() > deadline_s:
                raise NotPlain("it has more files than can be looked at in time")
    if size > MAX_GATE_BYTES:
        raise FleetError(
            "push too large",
            f"it holds {size} bytes of objects",
            "look at what the agent pushes; remove the workspace to start over",
        )
    _require_alternates(top, prefix + _ALTERNATES, borrowed)


def _kind(top: Beneath, path: bytes) -> int | None:
    try:
        return stat.S_IFMT(top.stat(path).st_mode)
    except OSError:
        return None


def _expect(top: Beneath, prefix: bytes, name: bytes, wanted: int) -> None:
    kind = _kind(top, prefix + name)
    if kind is not None and kind != wanted:
        raise NotPlain(f"{name.decode()} is {_KINDS.get(kind, 'a special file')}")


def _bytes(top: Beneath, path: bytes) -> int:
    with contextlib.suppress(OSError):
        return top.stat(path).st_blocks * 512
    return 0


def _require_alternates(top: Beneath, path: bytes, borrowed: Path) -> None:
    if _kind(top, path) is None:
        return
    try:
        with top.open(path) as file:
            said = file.read(_MOST_ALTERNATES)
    except OSError as error:
        raise NotPlain("objects/info/alternates cannot be read") from error
    ours = {os.fsencode(borrowed), os.fsencode(borrowed.resolve())}
    if {line for line in said.split(b"\n") if line} - ours:
        raise NotPlain("objects/info/alternates names other objects than the fleet's")


def _shown(path: bytes) -> str:
    return one_line(path.decode("utf-8", "replace"), 100)
