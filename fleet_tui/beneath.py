"""Looking below a directory that an agent writes: name by name, so that no link on the way is followed.

What was a folder a moment ago may be a link by now; a path would lead through it, a descriptor does not. Nothing is
waited for (a FIFO), and nothing but regular files is read.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Self

_ANY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = _ANY | os.O_DIRECTORY
_LONELY = frozenset({b"", b".", b".."})


class Beneath:
    """The directory ``top``, open until it is closed. Paths are relative and in bytes; ``b""`` is the top itself.

    Every method raises OSError when something is missing, is of another kind, or lies behind a link.
    """

    def __init__(self, top: Path) -> None:
        self._top = os.open(top, _DIRECTORY)
        self._near = (b"", os.dup(self._top))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._near[1])
        os.close(self._top)

    def stat(self, path: bytes) -> os.stat_result:
        """What is there itself; of a link, the link."""
        if not path:
            return os.fstat(self._top)
        folder, name = self._split(path)
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def link(self, path: bytes) -> bytes:
        """Where a link points."""
        folder, name = self._split(path)
        return os.readlink(name, dir_fd=folder)

    def handle(self, path: bytes) -> int:
        """A descriptor of whatever is there but a link; the caller closes it."""
        if not path:
            return os.dup(self._top)
        folder, name = self._split(path)
        return os.open(name, _ANY, dir_fd=folder)

    def open(self, path: bytes) -> BufferedReader:
        """A regular file."""
        handle = self.handle(path)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(f"{os.fsdecode(path)} is no regular file")
        return os.fdopen(handle, "rb")

    def write(self, path: bytes, data: bytes, mode: int = 0o600) -> None:
        """Put a file there, whole or not at all, in the place of whatever was: of a link itself, not of its target."""
        folder, name = self._split(path)
        unfinished = b".%s.%d.tmp" % (name, os.getpid())
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(unfinished, flags, mode, dir_fd=folder), "wb") as file:
            file.write(data)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)

    def folder(self, path: bytes, mode: int = 0o700) -> None:
        """Make a folder and those above it, as far as they are missing."""
        made = b""
        for name in path.split(b"/"):
            made = made + b"/" + name if made else name
            folder, last = self._split(made)
            with contextlib.suppress(FileExistsError):
                os.mkdir(last, mode, dir_fd=folder)
        self._folder(path)

    def unlink(self, path: bytes) -> None:
        """Remove a file."""
        folder, name = self._split(path)
        os.unlink(name, dir_fd=folder)

    def entries(self, path: bytes, most: int | None = None) -> list[tuple[bytes, int]]:
        """The names in a folder, each with its kind (``stat.S_IFREG`` and the like; 0 when it is none of the three);
        with ``most``, no more than that many.
        """
        with os.scandir(self._folder(path)) as found:
            names = []
            for entry in found:
                names.append((os.fsencode(entry.name), _kind(entry)))
                if most is not None and len(names) >= most:
                    break
            return names

    def walk(self, path: bytes = b"", *, but: bytes = b"") -> Iterator[tuple[bytes, int]]:
        """Everything below a folder, each with its kind, a folder before what is in it.

        One that cannot be read is as if it were empty; ``but`` is one that is not looked into.
        """
        pending = [path]
        while pending:
            folder = pending.pop()
            try:
                entries = sorted(self.entries(folder))
            except OSError:
                continue
            for name, kind in entries:
                full = folder + b"/" + name if folder else name
                if kind == stat.S_IFDIR and full != but:
                    pending.append(full)
                yield full, kind

    def _split(self, path: bytes) -> tuple[int, bytes]:
        folder, _, name = path.rpartition(b"/")
        if name in _LONELY:
            raise OSError(f"{os.fsdecode(path)} names nothing in a folder")
        return self._folder(folder), name

    def _folder(self, path: bytes) -> int:
        """The folder's descriptor, which lasts until another is asked for: neighbours are mostly asked for in a row."""
        if self._near[0] != path:
            names = path.split(b"/") if path else []
            if not _LONELY.isdisjoint(names):
                raise OSError(f"{os.fsdecode(path)} is no plain path")
            handle = os.dup(self._top)
            try:
                for name in names:
                    inner = os.open(name, _DIRECTORY, dir_fd=handle)
                    os.close(handle)
                    handle = inner
            except OSError:
                os.close(handle)
                raise
            os.close(self._near[1])
            self._near = (path, handle)
        return self._near[1]


def _kind(entry: os.DirEntry[str]) -> int:
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0
