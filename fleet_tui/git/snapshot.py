"""The files of a directory that an agent wrote, as a commit in the control repository.

Git never runs in that directory: its index, settings, hooks, filters and nested repositories would have a say. The tree
is walked here, without following links, and streamed to ``git fast-import``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fleet_tui.beneath import Beneath
from fleet_tui.domain.errors import FleetError
from fleet_tui.git.command import git, object_id

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
MAX_FILES = 200_000
MAX_DEPTH = 128
IGNORE_LIMIT_S = 20.0
PATTERNS_PREFIX = ".patterns-"
"""In the control repository: what a killed process left of :class:`Ignored`."""
_MOST_PATTERNS = 1024 * 1024
_MOST_PATTERN_FILES = 10_000
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
    tracked = await tracked_paths(control, parents[0])
    patterns = Path(tempfile.mkdtemp(dir=control, prefix=PATTERNS_PREFIX))
    try:
        return await _take(control, ref, parents, Ignored(control, directory, tracked, patterns), message, when_s)
    finally:
        await asyncio.to_thread(shutil.rmtree, patterns, ignore_errors=True)


async def _take(control: Path, ref: str, parents: Sequence[str], ignored: Ignored, message: str, when_s: int) -> Taken:
    directory = ignored.directory
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
    """Asks git which paths the directory's ``.gitignore`` files exclude; tracked paths are never excluded.

    Git sees copies of those files below ``patterns``, a directory of ours, and nothing of the directory itself. Levels
    are to be asked about from the top down. What git cannot answer in time excludes nothing, and is not asked again.
    """

    control: Path
    directory: Path
    tracked: frozenset[bytes]
    patterns: Path
    _copied: int = 0
    _silent: bool = False

    def forget(self) -> None:
        """Begin anew: the files may be others by now."""
        shutil.rmtree(self.patterns, ignore_errors=True)
        self.patterns.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._copied, self._silent = 0, False

    async def without(self, level: list[tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
        await asyncio.to_thread(self._copy_patterns, level)
        asked = [path + b"/" if is_dir else path for path, is_dir in level if path not in self.tracked]
        excluded = await self._excluded(asked) if asked and not self._silent else set()
        return [entry for entry in level if entry[0] not in excluded]

    def _copy_patterns(self, level: list[tuple[bytes, bool]]) -> None:
        ours = os.fsencode(self.patterns)
        with contextlib.suppress(OSError), Beneath(self.directory) as top:
            for path, is_dir in level:
                with contextlib.suppress(OSError):  # too deep for a path, or gone
                    if is_dir:
                        os.mkdir(os.path.join(ours, path))  # noqa: PTH102, PTH118 - bytes
                    elif path.rpartition(b"/")[2] == b".gitignore" and self._copied < _MOST_PATTERN_FILES:
                        self._copied += 1
                        with top.open(path) as file, open(os.path.join(ours, path), "wb") as copy:  # noqa: PTH118, PTH123
                            copy.write(file.read(_MOST_PATTERNS))

    async def _excluded(self, asked: list[bytes]) -> set[bytes]:
        # `./` keeps a name such as `:(top)x` from being read as a pattern.
        given = b"".join(b"./" + path + b"\0" for path in asked)
        try:
            result = await git(
                "check-ignore", "--no-index", "-z", "--stdin", git_dir=self.control, work_tree=self.patterns,
                input=given, ok=(0, 1), time_limit_s=IGNORE_LIMIT_S, literal=False,
            )  # fmt: skip
        except FleetError:
            self._silent = True
            return set()
        return {path.removeprefix(b"./").rstrip(b"/") for path in result.out.split(b"\0") if path}


def list_level(root: Path, directories: list[bytes], taken: Taken) -> list[tuple[bytes, bool]]:
    level: list[tuple[bytes, bool]] = []
    try:
        top = Beneath(root)
    except OSError:
        taken.omitted.extend(os.fsdecode(directory) or "." for directory in directories)
        return level
    with top:
        for directory in directories:
            left = MAX_FILES - len(level)
            try:
                entries = top.entries(directory, left) if left > 0 else []
            except OSError:
                entries, left = [], 0
            if len(entries) >= left:
                taken.omitted.append(os.fsdecode(directory) or ".")
            level.extend(
                (directory + b"/" + name if directory else name, kind == stat.S_IFDIR)
                for name, kind in entries
                if kind and not _is_repository(directory, name, taken)
            )
    return sorted(level)


def _is_repository(directory: bytes, name: bytes, taken: Taken) -> bool:
    if name.lower() != b".git":
        return False
    # The workspace's own history is fetched apart; one further down would be lost.
    if directory:
        taken.omitted.append(os.fsdecode(directory + b"/" + name))
    return True


def _write_files(root: Path, paths: list[bytes], stream: BinaryIO, taken: Taken) -> None:
    if not paths:
        return
    try:
        top = Beneath(root)
    except OSError:
        taken.omitted.extend(map(os.fsdecode, paths))
        return
    with top:
        for path in paths:
            try:
                written = _write_link(top, path, stream) or _write_file(top, path, stream, taken)
            except OSError:
                written = False
            if not written:
                taken.omitted.append(os.fsdecode(path))


def _write_link(top: Beneath, path: bytes, stream: BinaryIO) -> bool:
    if not stat.S_ISLNK(top.stat(path).st_mode):
        return False
    target = top.link(path)
    stream.write(b"M 120000 inline %s\ndata %d\n%s\n" % (_quoted(path), len(target), target))
    return True


def _write_file(top: Beneath, path: bytes, stream: BinaryIO, taken: Taken) -> bool:
    with top.open(path) as file:
        info = os.fstat(file.fileno())
        fits = (
            info.st_size <= MAX_FILE_BYTES and taken.size + info.st_size <= MAX_TOTAL_BYTES and taken.files < MAX_FILES
        )
        if not fits:
            return False
        mode = b"100755" if info.st_mode & 0o100 else b"100644"
        stream.write(b"M %s inline %s\ndata %d\n" % (mode, _quoted(path), info.st_size))
        _copy(file.fileno(), stream, info.st_size)
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
