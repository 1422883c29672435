"""What a repository tells of how work in it can be divided: files, what changes together, where names are made."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.git.command import decode, git, object_id

_MOST_BYTES = 64 * 1024 * 1024
_MOST_TEXT = 32 * 1024 * 1024
_MADE_BY = "class|def|enum|fn|func|function|interface|struct|trait|type"


class Survey:
    """The repository at ``path``, as it is at ``commit`` (a full object id). Nothing is written."""

    def __init__(self, path: Path, commit: str) -> None:
        self.path = path
        self.commit = object_id(commit)

    @classmethod
    async def of(cls, path: Path, branch: str | None) -> Survey:
        """At the tip of ``branch``; without one, at what is checked out.

        Raises:
            FleetError: there is no commit yet, or no such branch.
        """
        ref = f"refs/heads/{branch}" if branch else "HEAD"
        found = await git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=path, ok=(0, 1, 128))
        if not found.text:
            raise FleetError("nothing to look at", f"{path} has no commit at {ref}", "commit something first")
        return cls(path, found.text)

    async def files(self) -> list[str]:
        """The paths of all files."""
        listed = await git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self.commit, cwd=self.path,
                           max_bytes=_MOST_BYTES)  # fmt: skip
        return [decode(name) for name in listed.out.split(b"\0")[:-1]]

    async def commits(self, most: int, most_files: int) -> tuple[frozenset[str], ...]:
        """The files that each of the ``most`` newest commits changed; merges, and those with more than ``most_files``
        files, are left out."""
        if not most:
            return ()
        log = await git(
            "log", "--name-only", "-z", "--no-renames", "--no-merges", "--format=%x01", f"--max-count={most}",
            self.commit, "--", cwd=self.path, max_bytes=_MOST_BYTES,
        )  # fmt: skip
        found = []
        for record in log.out.split(b"\x01\0"):
            names = frozenset(decode(name.lstrip(b"\n")) for name in record.split(b"\0") if name.strip(b"\n"))
            if 0 < len(names) <= most_files:
                found.append(names)
        return tuple(found)

    async def made_in(self, names: Sequence[str]) -> dict[str, str]:
        """Name → the one file in which a function, class or type of this name is made; what several make is left out.
        Names are identifiers."""
        wanted = "|".join(name for name in names if name.isidentifier() and name.isascii())
        if not wanted:
            return {}
        made = rf"\b({_MADE_BY})[[:space:]]+({wanted})\b"
        grep = await git(
            "grep", "-I", "-z", "-o", "-E", "--full-name", "-e", made, self.commit, "--", ":/",
            cwd=self.path, ok=(0, 1), max_bytes=_MOST_BYTES, literal=False,
        )  # fmt: skip
        files: dict[str, set[str]] = {}
        for line in grep.out.split(b"\n"):
            path, _, found = line.removeprefix(f"{self.commit}:".encode()).partition(b"\0")
            if found:
                files.setdefault(decode(found).split()[-1], set()).add(decode(path))
        return {name: min(paths) for name, paths in files.items() if len(paths) == 1}

    async def texts(self, paths: Collection[str]) -> dict[str, str]:
        """The text of each file that there is, by its path. One process reads them all, up to 32 MB together."""
        wanted = [path for path in sorted(paths) if "\n" not in path]
        asked = b"".join(f"{self.commit}:".encode() + os.fsencode(path) + b"\n" for path in wanted)
        got = await git("cat-file", "--batch", cwd=self.path, input=asked, max_bytes=_MOST_TEXT)
        found: dict[str, str] = {}
        at = 0
        for path in wanted:
            end = got.out.find(b"\n", at)
            header = got.out[at:end].split() if end >= 0 else []
            at = end + 1
            if len(header) == 3 and header[2].isdigit():
                size = int(header[2])
                if header[1] == b"blob" and at + size <= len(got.out):
                    found[path] = got.out[at : at + size].decode("utf-8", "replace")
                at += size + 1
        return found
