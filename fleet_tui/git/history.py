"""Questions asked of a bare repository of ours: nothing here changes it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean, one_line
from fleet_tui.git.command import Result, decode, git, object_id
from fleet_tui.git.diffs import parse_changes, parse_patch, read_by_one
from fleet_tui.git.values import Commit, DiffSummary, FileDiff, Step

_MAX_ARGUMENTS = 10_000
_WHOLE_BYTES = 2_000_000
MAX_LISTING_BYTES = 64 * 1024 * 1024


class History:
    """The commits of the bare repository at ``path``. All commits are full object ids."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def resolve(self, ref: str) -> str | None:
        """The object at a ref of ours; None when there is no such ref."""
        result = await self._git("rev-parse", "--verify", "--quiet", ref, ok=(0, 1))
        return result.text or None

    async def commit_at(self, ref: str) -> str:
        """The commit at a ref of ours.

        Raises:
            GitError: no such ref, or no commit.
        """
        return (await self._git("rev-parse", "--verify", f"{ref}^{{commit}}")).text

    async def committed_s(self, commit: str) -> int:
        """When ``commit`` says it was made, in seconds UTC."""
        return int((await self._git("log", "-1", "--format=%ct", object_id(commit), "--")).text)

    async def tips_beyond(self, namespace: str, known: set[str]) -> set[str]:
        """The commits at the refs under ``namespace`` that neither another of them nor one of ``known`` contains."""
        form = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)"
        words = (line.split() for line in (await self._git("for-each-ref", form, namespace)).text.splitlines())
        commits = {
            name for fields in words for kind, name in zip(fields[::2], fields[1::2], strict=True) if kind == "commit"
        }
        several = sorted(known) + sorted(commits - known)[:_MAX_ARGUMENTS]
        independent = (await self._git("merge-base", "--independent", *several)).text.split()
        return set(independent) - known

    async def tree_of(self, commit: str) -> str:
        return (await self._git("rev-parse", "--verify", "--quiet", f"{object_id(commit)}^{{tree}}")).text

    async def is_ancestor(self, a: str, b: str) -> bool:
        result = await self._git("merge-base", "--is-ancestor", object_id(a), object_id(b), ok=(0, 1))
        return result.code == 0

    async def known(self, commits: Sequence[str]) -> set[str]:
        """Those of ``commits`` that are here."""
        ids = map(object_id, commits)
        return set((await self._git("rev-list", "--no-walk", "--ignore-missing", *ids, "--")).text.split())

    async def related(self, a: str, b: str) -> bool:
        """Whether the two have a commit in common."""
        return bool((await self._git("merge-base", object_id(a), object_id(b), ok=(0, 1))).text)

    async def authors(self, base: str, head: str) -> tuple[str, ...]:
        """Everybody who had a hand in ``base..head``: authors, committers and co-authors as ``name <mail>``, sorted."""
        people = "%an <%ae>%x00%cn <%ce>%x00%(trailers:key=Co-authored-by,valueonly,separator=%x00)%x00"
        result = await self._git("log", f"--format={people}", f"{object_id(base)}..{object_id(head)}", "--")
        found = {one_line(decode(field)) for field in result.out.split(b"\0")}
        return tuple(sorted(found - {one_line("")}))

    async def commits(self, base: str, head: str, most: int) -> list[Commit]:
        """The newest ``most`` commits of ``base..head``, newest first."""
        span = f"{object_id(base)}..{object_id(head)}"
        result = await self._git("log", f"--max-count={most}", "--format=%H %P%x00%B%x00", span, "--")
        fields = iter(result.out.split(b"\0"))
        found = []
        for names, message in zip(fields, fields, strict=False):  # behind the last one stands the end of its line
            own, *parents = decode(names).split()
            found.append(Commit(own, tuple(parents), decode(message)))
        return found

    async def between(self, base: str | None, head: str, most: int) -> set[str]:
        """The newest ``most`` commits of ``base..head``; without ``base`` all that ``head`` contains."""
        span = object_id(head) if base is None else f"{object_id(base)}..{object_id(head)}"
        return set((await self._git("rev-list", f"--max-count={most}", span, "--")).text.split())

    async def line(self, base: str | None, head: str, most: int) -> list[Step]:
        """The newest ``most`` steps of a branch at ``head`` since ``base``, newest first: a merge is one."""
        span = object_id(head) if base is None else f"{object_id(base)}..{object_id(head)}"
        form = "--format=%H%x00%an%x00%s%x00"
        result = await self._git("log", "--first-parent", f"--max-count={most}", form, span, "--")
        fields = iter(result.out.split(b"\0"))
        return [
            Step(decode(own).strip(), decode(author), decode(subject))
            for own, author, subject in zip(fields, fields, fields, strict=False)
        ]

    async def summary(self, base: str, head: str) -> DiffSummary:
        """What ``head`` changes since it left ``base``."""
        start = await self._start(base, head)
        return DiffSummary(start, head, parse_changes(await self._changes(start, head)))

    async def diff(self, base: str, head: str, *, max_bytes: int = 2_000_000) -> list[FileDiff]:
        """Hunks of what ``head`` changes since it left ``base``; beyond ``max_bytes`` files are marked truncated."""
        start = await self._start(base, head)
        changes = parse_changes(await self._changes(start, head))
        patch = await self._patch(start, head, "--unified=3", max_bytes=max_bytes)
        return parse_patch(patch.out, changes, truncated=patch.truncated)

    async def whole_diff(self, base: str, head: str) -> list[FileDiff]:
        """The same for a program that reads it: binary files as text, no context, files one by one where all together
        are too much."""
        start = await self._start(base, head)
        changes = parse_changes(await self._changes(start, head))

        async def fetch(paths: tuple[str, ...], max_bytes: int) -> Result:
            return await self._patch(start, head, "--unified=0", "--text", paths=paths, max_bytes=max_bytes)

        patch = await fetch((), _WHOLE_BYTES)
        diffs = await asyncio.to_thread(parse_patch, patch.out, changes, truncated=patch.truncated)
        return await read_by_one(diffs, fetch)

    async def _patch(self, start: str, head: str, *how: str, paths: tuple[str, ...] = (), max_bytes: int) -> Result:
        return await self._git(
            "diff-tree", "-r", "-p", "-M", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color",
            "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/", *how, start, object_id(head), "--", *paths,
            max_bytes=max_bytes,
        )  # fmt: skip

    async def read_file(self, commit: str, path: str, *, max_bytes: int = 1_000_000) -> str | None:
        """The text of the regular file ``path`` in ``commit``; None when there is none (a link is none).

        Raises:
            FleetError: larger than ``max_bytes``.
        """
        if not path or path.startswith("/") or ".." in path.split("/"):
            return None
        listed = await self._git("ls-tree", "-z", "--full-tree", "-l", object_id(commit), "--", path)
        record, _, name = listed.out.removesuffix(b"\0").partition(b"\t")
        fields = record.split()
        if len(fields) != 4 or fields[0] not in (b"100644", b"100755") or name != os.fsencode(path):
            return None
        if int(fields[3]) > max_bytes:
            raise FleetError(
                "file too large", f"{clean(path, 200)} has {int(fields[3])} bytes", f"keep it under {max_bytes}"
            )
        return decode((await self._git("cat-file", "blob", fields[2].decode("ascii"))).out)

    async def _git(
        self,
        *args: str,
        ok: tuple[int, ...] = (0,),
        input: bytes | BinaryIO | None = None,  # noqa: A002
        env: dict[str, str] | None = None,
        work_tree: Path | None = None,
        max_bytes: int | None = None,
        time_limit_s: float = 60.0,
    ) -> Result:
        return await git(
            *args, git_dir=self.path, ok=ok, input=input, env=env, work_tree=work_tree,
            max_bytes=max_bytes, time_limit_s=time_limit_s,
        )  # fmt: skip

    async def _start(self, base: str, head: str) -> str:
        """The merge base; the empty tree when the histories have nothing in common."""
        result = await self._git("merge-base", object_id(base), object_id(head), ok=(0, 1))
        return result.text or (await self._git("hash-object", "-t", "tree", "--stdin", input=b"")).text

    async def _changes(self, start: str, head: str) -> bytes:
        result = await self._git(
            "diff-tree", "-r", "-M", "--raw", "--numstat", "-z", "--no-abbrev", "--no-ext-diff", "--no-textconv",
            start, object_id(head), "--", max_bytes=MAX_LISTING_BYTES,
        )  # fmt: skip
        if result.truncated:
            raise FleetError("change too large", f"{head} touches too many files to list", "split the change")
        return result.out
