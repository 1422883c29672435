"""The files of a directory that an agent wrote, as a commit in the control repository.

Git never runs in that directory: its index, settings, hooks, filters and nested repositories would have a say. The tree
is walked here, without following links, and streamed to ``git fast-import``.
"""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fleet_tui.domain.errors import FleetError
from fleet_tui.git.command import git, object_id

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
MAX_FILES = 200_000
MAX_DEPTH = 128
IGNORE_LIMIT_S = 20.0
_CHUNK = 1024 * 1024


@dataclass(slots=True)
class Taken:
    """What went into a snapshot, and what had to stay out (paths; special files are no content and are not listed)."""

    files: int = 0
    size: int = 0
    omitted: list[str] = field(default_factory=list)


async def take(control: Path, directory: Path, ref: str, parents: Sequence[str], *, message: str, when_s: int) -> Taken:
    """Write ``directory`` as a commit on ``parents`` at the new ``ref`` of the repository ``control``.

    Ignored files stay out, as in any commit, unless the first parent tracks them.

    Raises:
        FleetError: the directory is gone; GitError when git refuses.
    """
    ignored = Ignored(control, directory, await tracked_paths(control, parents[0]))
    with tempfile.TemporaryFile(dir=control) as stream:
        stream.write(_commit_header(ref, parents, message, when_s))
        taken = Taken()
        pending: list[bytes] = [b""]
        for _ in range(MAX_DEPTH):
            level = await asyncio.to_thread(list_level, directory, pending, taken)
            kept = await ignored.without(level)
            await asyncio.to_thread(
                _write_files, directory, [path for path, is_dir in kept if not is_dir], stream, taken
            )
            pending = [path for path, is_dir in kept if is_dir]
            if not pending:
                break
        taken.omitted.extend(os.fsdecode(path) for path in pending)
        stream.write(b"\ndone\n")
        stream.flush()
        stream.seek(0)
        await git(
            "fast-import", "--quiet", "--done", "--date-format=raw", git_dir=control, input=stream, time_limit_s=600
        )
    return taken


def _commit_header(ref: str, parents: Sequence[str], message: str, when_s: int) -> bytes:
    text = message.encode()
    who = f"fleet <fleet@fleet.invalid> {when_s} +0000"
    first, *others = map(object_id, parents)
    ancestry = "".join([f"from {first}\n", *(f"merge {other}\n" for other in others), "deleteall\n"])
    header = f"commit {ref}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n"
    return header.encode() + text + b"\n" + ancestry.encode()


async def tracked_paths(control: Path, parent: str) -> frozenset[bytes]:
    """Every tracked path and every directory above one."""
    listed = await git("ls-tree", "-r", "-z", "--full-tree", "--name-only", object_id(parent), git_dir=control)
    paths = {path for path in listed.out.split(b"\0") if path}
    for path in list(paths):
        while (path := path.rpartition(b"/")[0]) and path not in paths:
            paths.add(path)
    return frozenset(paths)


@dataclass(slots=True)
class Ignored:
    """Asks git which paths the directory's ``.gitignore`` files exclude; tracked paths are never excluded."""

    control: Path
    directory: Path
    tracked: frozenset[bytes]

    async def without(self, level: list[tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
        asked = [path + b"/" if is_dir else path for path, is_dir in level if path not in self.tracked]
        excluded = await self._excluded(asked) if asked else set()
        return [entry for entry in level if entry[0] not in excluded]

    async def _excluded(self, asked: list[bytes]) -> set[bytes]:
        # `./` keeps a name such as `:(top)x` from being read as a pattern.
        given = b"".join(b"./" + path + b"\0" for path in asked)
        try:
            result = await git(
                "check-ignore", "--no-index", "-z", "--stdin", git_dir=self.control, work_tree=self.directory,
                input=given, ok=(0, 1), time_limit_s=IGNORE_LIMIT_S, literal=False,
            )  # fmt: skip
        except FleetError:
            return set()  # a .gitignore that is a FIFO or worse excludes nothing
        return {path.removeprefix(b"./").rstrip(b"/") for path in result.out.split(b"\0") if path}


def list_level(root: Path, directories: list[bytes], taken: Taken) -> list[tuple[bytes, bool]]:
    level: list[tuple[bytes, bool]] = []
    for directory in directories:
        try:
            with os.scandir(os.path.join(os.fsencode(root), directory)) as entries:  # noqa: PTH118 - bytes
                level.extend(_entry(directory, entry) for entry in entries if _is_content(directory, entry, taken))
        except OSError:
            taken.omitted.append(os.fsdecode(directory) or ".")
    return sorted(level)


def _entry(directory: bytes, entry: os.DirEntry[bytes]) -> tuple[bytes, bool]:
    return (directory + b"/" + entry.name if directory else entry.name, entry.is_dir(follow_symlinks=False))


def _is_content(directory: bytes, entry: os.DirEntry[bytes], taken: Taken) -> bool:
    if entry.name.lower() == b".git":
        # The workspace's own history is fetched apart; one further down would be lost.
        if directory:
            taken.omitted.append(os.fsdecode(directory + b"/" + entry.name))
        return False
    return entry.is_symlink() or entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)


def _write_files(root: Path, paths: list[bytes], stream: BinaryIO, taken: Taken) -> None:
    for path in paths:
        full = os.path.join(os.fsencode(root), path)  # noqa: PTH118 - bytes
        try:
            written = _write_link(full, path, stream) or _write_file(full, path, stream, taken)
        except OSError:
            written = False
        if not written:
            taken.omitted.append(os.fsdecode(path))


def _write_link(full: bytes, path: bytes, stream: BinaryIO) -> bool:
    if not stat.S_ISLNK(os.lstat(full).st_mode):
        return False
    target = os.readlink(full)  # noqa: PTH115 - bytes
    stream.write(b"M 120000 inline %s\ndata %d\n%s\n" % (_quoted(path), len(target), target))
    return True


def _write_file(full: bytes, path: bytes, stream: BinaryIO, taken: Taken) -> bool:
    # No link and no FIFO is opened, even when it took the file's place since the directory was read.
    handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        info = os.fstat(handle)
        fits = (
            info.st_size <= MAX_FILE_BYTES and taken.size + info.st_size <= MAX_TOTAL_BYTES and taken.files < MAX_FILES
        )
        if not stat.S_ISREG(info.st_mode) or not fits:
            return False
        mode = b"100755" if info.st_mode & 0o100 else b"100644"
        stream.write(b"M %s inline %s\ndata %d\n" % (mode, _quoted(path), info.st_size))
        _copy(handle, stream, info.st_size)
    finally:
        os.close(handle)
    taken.files += 1
    taken.size += info.st_size
    return True


def _copy(handle: int, stream: BinaryIO, size: int) -> None:
    """Exactly ``size`` bytes, as announced: a file that shrinks meanwhile is filled up, one that grows is cut."""
    while size:
        chunk = os.read(handle, min(size, _CHUNK)) or b"\0" * min(size, _CHUNK)
        stream.write(chunk)
        size -= len(chunk)
    stream.write(b"\n")


def _quoted(path: bytes) -> bytes:
    """``path`` the way fast-import wants odd names: every byte outside printable ASCII in octal."""
    plain = b"".join(bytes([c]) if 32 <= c < 127 and c not in b'"\\' else b"\\%03o" % c for c in path)
    return b'"' + plain + b'"'
