"""What a directory that an agent writes changes against a commit, again and again while the agent works.

Git never runs in that directory, and nothing in it is executed: its files are listed and read here, without following
links; those that differ become objects in a scratch directory of ours, and git compares an index of ours with the
commit. Nothing is added to the control repository. A look after a change costs what has changed, not what there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from fleet_tui.beneath import Beneath
from fleet_tui.git.command import Result, git, object_id
from fleet_tui.git.diffs import parse_changes, parse_patch, read_by_one
from fleet_tui.git.snapshot import MAX_DEPTH, MAX_FILES, Ignored, Taken, list_level, tracked_paths
from fleet_tui.git.values import FileDiff

MAX_SHOWN_BYTES = 1024 * 1024
"""A larger file is taken for binary: its lines are not looked at."""
_SUMMARY_BYTES = 16 * 1024 * 1024
_PATCH_BYTES = 2_000_000
_CHUNK = 1024 * 1024
_LINK, _FILE, _PROGRAM, _SUBMODULE = "120000", "100644", "100755", "160000"

Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as last read; ``stamp`` tells whether it may have changed since."""

    stamp: Stamp
    mode: str
    sha: str


class Worktree:
    """The working tree ``directory`` against ``base``; ``scratch`` is a directory of ours that nothing else uses."""

    def __init__(self, control: Path, directory: Path, base: str, scratch: Path) -> None:
        self.base = object_id(base)
        self.directory = directory
        self.directories: tuple[Path, ...] = ()
        """The directories that were found, with the top one: what to watch."""
        self._control = control
        self._scratch = scratch
        self._ignored: Ignored | None = None
        self._tracked: dict[bytes, tuple[str, str]] = {}
        self._remembered: tuple[str, dict[bytes, tuple[str, str]]] = ("", {})
        self._found: dict[bytes, _Found] = {}
        self._stand_ins: set[bytes] = set()

    async def look(self, changed: Iterable[str] | None = None) -> bool:
        """Read what may have changed; whether anything has. ``changed`` are absolute paths, None is everything.

        Raises:
            FleetError: git refuses, or the commit is unknown.
        """
        first = self._ignored is None
        if first:
            await self._prepare()
        before = dict(self._found)
        paths = None if first or changed is None else self._inside(changed)
        if paths is None or not await self._look_at(paths):
            await self._look_everywhere()
        return first or before != self._found

    async def diff(self, landed: str | None = None) -> list[FileDiff]:
        """What differs from ``base``, as last looked at, without context, binary files as text; what is too large even
        for a look of its own is marked truncated.

        Files that are as in the commit ``landed`` (the target by now, which may have been merged) count as unchanged.

        Raises:
            FleetError: git refuses.
        """
        theirs = await self._entries(landed) if landed is not None and landed != self.base else None
        changed = {
            path: found
            for path, found in self._found.items()
            if self._tracked.get(path) != (is_now := (found.mode, found.sha))
            and (theirs is None or theirs.get(path) != is_now)
        }
        gone = [
            path
            for path, (mode, _) in self._tracked.items()
            if path not in self._found and mode != _SUBMODULE and (theirs is None or path in theirs)
        ]
        if not changed and not gone:
            return []
        await asyncio.to_thread(self._write_objects, changed)
        await self._write_index(changed, gone)
        raw = await self._compare("--raw", "--numstat", "-z", "--no-abbrev", max_bytes=_SUMMARY_BYTES)
        shape = ("--full-index", "--no-color", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/", "--unified=0")

        async def fetch(paths: tuple[str, ...], max_bytes: int) -> Result:
            return await self._compare("-p", "--text", *shape, paths=paths, max_bytes=max_bytes)

        patch, changes = await fetch((), _PATCH_BYTES), parse_changes(raw.out)
        diffs = await asyncio.to_thread(parse_patch, patch.out, changes, truncated=patch.truncated)
        return [self._as_read(diff) for diff in await read_by_one(diffs, fetch)]

    def _as_read(self, diff: FileDiff) -> FileDiff:
        """A stand-in is not the file."""
        return replace(diff, truncated=True) if os.fsencode(diff.change.path) in self._stand_ins else diff

    def forget(self) -> None:
        """Delete the scratch directory."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        await asyncio.to_thread(self._make_scratch)
        self._tracked = await self._entries(self.base)
        await self._git("read-tree", self.base)
        await asyncio.to_thread(shutil.copyfile, self._index, self._scratch / "index.base")
        tracked = await tracked_paths(self._control, self.base)
        self._ignored = Ignored(self._control, self.directory, tracked, self._scratch / "patterns")

    async def _entries(self, commit: str) -> dict[bytes, tuple[str, str]]:
        """Mode and id of every file in ``commit``; those of the last one asked for are remembered."""
        if self._remembered[0] != commit:
            listed = await git("ls-tree", "-r", "-z", "--full-tree", object_id(commit), git_dir=self._control)
            entries = {}
            for record in filter(None, listed.out.split(b"\0")):
                facts, _, path = record.partition(b"\t")
                mode, _, sha = facts.decode("ascii").split(" ")
                entries[path] = (mode, sha)
            self._remembered = (commit, entries)
        return self._remembered[1]

    def _make_scratch(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        (self._scratch / "objects" / "info").mkdir(mode=0o700, parents=True)
        borrowed = os.fsencode((self._control / "objects").absolute()) + b"\n"
        (self._scratch / "objects" / "info" / "alternates").write_bytes(borrowed)

    def _inside(self, changed: Iterable[str]) -> list[bytes] | None:
        """The changed paths below the directory; None when one of them says that everything must be looked at."""
        root = os.fsencode(self.directory) + b"/"
        paths = []
        for path in map(os.fsencode, changed):
            if not path.startswith(root) or path.endswith(b"/.gitignore"):
                return None
            relative = path.removeprefix(root)
            if b".git" not in relative.lower().split(b"/"):
                paths.append(relative)
        return paths

    async def _look_at(self, paths: list[bytes]) -> bool:
        """Read these files; False when one of them is, or was, a directory."""
        known = set(map(os.fsencode, self.directories))
        here = os.fsencode(self.directory)
        if any(here + b"/" + path in known or self._is_directory(path) for path in paths):
            return False
        assert self._ignored is not None
        kept = {path for path, _ in await self._ignored.without([(path, False) for path in paths])}
        await asyncio.to_thread(self._read, paths, kept)
        return True

    def _is_directory(self, path: bytes) -> bool:
        try:
            with Beneath(self.directory) as top:
                return stat.S_ISDIR(top.stat(path).st_mode)
        except OSError:
            return False

    def _read(self, paths: list[bytes], kept: set[bytes]) -> None:
        found = self._read_all([path for path in paths if path in kept])
        for path in paths:
            self._found.pop(path, None)
        self._found |= found

    async def _look_everywhere(self) -> None:
        assert self._ignored is not None
        await asyncio.to_thread(self._ignored.forget)
        files: list[bytes] = []
        directories, pending = [b""], [b""]
        for _ in range(MAX_DEPTH):
            level = await asyncio.to_thread(list_level, self.directory, pending, Taken())
            kept = await self._ignored.without(level)
            files += [path for path, is_directory in kept if not is_directory]
            pending = [path for path, is_directory in kept if is_directory]
            directories += pending
            if not pending or len(files) > MAX_FILES:
                break
        self._found = await asyncio.to_thread(self._read_all, files[:MAX_FILES])
        self.directories = tuple(Path(os.fsdecode(self._full(path))) for path in directories)

    def _read_all(self, files: list[bytes]) -> dict[bytes, _Found]:
        try:
            top = Beneath(self.directory)
        except OSError:
            return {}
        with top:
            return {path: found for path in files if (found := self._file(top, path)) is not None}

    def _file(self, top: Beneath, path: bytes) -> _Found | None:
        """The file as it is now; None when it is gone or no content (a FIFO, a device)."""
        try:
            info = top.stat(path)
            stamp = (info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
            before = self._found.get(path)
            if before is not None and before.stamp == stamp:
                return before
            if stat.S_ISLNK(info.st_mode):
                return _Found(stamp, _LINK, self._hash(top.link(path)))
            if not stat.S_ISREG(info.st_mode):
                return None
            mode = _PROGRAM if info.st_mode & 0o100 else _FILE
            return _Found(stamp, mode, self._hash_file(top, path))
        except OSError:
            return None

    def _full(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.directory), path) if path else os.fsencode(self.directory)  # noqa: PTH118

    # -- objects -----------------------------------------------------------------------------------------------------

    def _new_hash(self, size: int) -> hashlib._Hash:
        made = hashlib.sha256() if len(self.base) == 64 else hashlib.sha1()  # noqa: S324 - git's own ids
        made.update(b"blob %d\0" % size)
        return made

    def _hash(self, content: bytes) -> str:
        made = self._new_hash(len(content))
        made.update(content)
        return made.hexdigest()

    def _hash_file(self, top: Beneath, path: bytes) -> str:
        with top.open(path) as file:
            left = os.fstat(file.fileno()).st_size
            made = self._new_hash(left)
            while left and (chunk := file.read(min(_CHUNK, left))):
                made.update(chunk)
                left -= len(chunk)
        return made.hexdigest()

    def _write_objects(self, changed: dict[bytes, _Found]) -> None:
        """Have git know what is in the files. One that is another by now counts as it is now; ``changed`` follows."""
        self._stand_ins = set()
        for path, found in list(changed.items()):
            if self._object(found.sha).exists():
                continue
            content, sha = self._content(path, found), found.sha
            if content is None:  # under an id of its own: it must never pass for the file
                content = b"\0" + sha.encode()
                self._stand_ins.add(path)
            if (now := self._hash(content)) != sha:
                changed[path], sha = replace(found, sha=now), now
            self._object(sha).parent.mkdir(exist_ok=True)
            self._object(sha).write_bytes(zlib.compress(b"blob %d\0" % len(content) + content, 1))

    def _object(self, sha: str) -> Path:
        return self._scratch / "objects" / sha[:2] / sha[2:]

    def _content(self, path: bytes, found: _Found) -> bytes | None:
        """The bytes that are there now, None when they are too many: a stand-in that git takes for binary is shown."""
        try:
            with Beneath(self.directory) as top:
                if found.mode == _LINK:
                    content = top.link(path)
                else:
                    with top.open(path) as file:
                        content = file.read(MAX_SHOWN_BYTES + 1)
        except OSError:
            return b""
        return content if len(content) <= MAX_SHOWN_BYTES else None

    async def _write_index(self, changed: dict[bytes, _Found], gone: list[bytes]) -> None:
        await asyncio.to_thread(shutil.copyfile, self._scratch / "index.base", self._index)
        nothing = "0" * len(self.base)
        lines = [b"0 %s\t%s\0" % (nothing.encode(), path) for path in gone]
        lines += [f"{found.mode} {found.sha}\t".encode() + path + b"\0" for path, found in changed.items()]
        await self._git("update-index", "-z", "--index-info", input=b"".join(lines))

    async def _compare(self, *how: str, paths: tuple[str, ...] = (), max_bytes: int) -> Result:
        options = ("-M", "--no-ext-diff", "--no-textconv", *how)
        return await self._git("diff-index", "--cached", *options, self.base, "--", *paths, max_bytes=max_bytes)

    @property
    def _index(self) -> Path:
        return self._scratch / "index"

    async def _git(self, *words: str, input: bytes | None = None, max_bytes: int | None = None) -> Result:  # noqa: A002
        ours = {"GIT_INDEX_FILE": str(self._index), "GIT_OBJECT_DIRECTORY": str(self._scratch / "objects")}
        return await git(*words, git_dir=self._control, env=ours, input=input, max_bytes=max_bytes)
