"""The user's own repository: looked at, and moved forward by compare-and-swap. Nothing of the user's is overwritten."""

from __future__ import annotations

import contextlib
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.git import refs, source
from fleet_tui.git.command import GitError, Result, decode, git, object_id
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.values import Checkout, Published, PublishState, UserState

_TICKETS = b".fleet/tickets/"
_SAMPLE = 20
_OPERATIONS = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_START": "bisect",
}


class UserRepository:
    """The repository at ``path`` in which the person works. The person's settings (filters) count; hooks stay off."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def inspect(self) -> UserState:
        """What is checked out where, what is uncommitted, and which remotes there are.

        Raises:
            FleetError: not the top of a git repository with working files.
        """
        await source.inspect_layout(self.path)
        head = await self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1))
        branch = await self._git("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
        remotes = (await self._git("remote")).text.split()
        return UserState(
            path=self.path,
            empty=not (await self._git("rev-list", "--max-count=1", "--all")).text and not head.text,
            branch=branch.text or None,
            head=head.text or None,
            dirty=await self._dirty(self.path),
            checkouts=await self.checkouts(),
            remotes=tuple(remotes),
        )

    async def remote_addresses(self) -> dict[str, str]:
        """The address of each remote by its name, as the repository's configuration has it."""
        found = await self._git("config", "--null", "--get-regexp", r"^remote\..*\.url$", ok=(0, 1))
        pairs = (decode(entry).partition("\n") for entry in found.out.split(b"\0") if entry)
        # Of several addresses of one remote the first is the one that is fetched from.
        return {key.removeprefix("remote.").removesuffix(".url"): value for key, _, value in reversed(list(pairs))}

    async def branch_sha(self, branch: str) -> str | None:
        """The commit at a branch; None when there is no such branch."""
        found = await self._git("rev-parse", "--verify", "--quiet", f"{refs.head_ref(branch)}^{{commit}}", ok=(0, 1))
        return found.text or None

    async def head_sha(self) -> str | None:
        """The commit that is checked out; None before there is one."""
        return (await self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1))).text or None

    async def beyond(self, base: str, head: str, most: int) -> list[str]:
        """The newest ``most`` commits of ``head`` that ``base`` does not have."""
        return (await self._git("rev-list", f"--max-count={most}", f"{base}..{head}", "--")).text.split()

    async def differ_in(self, one: str, other: str, path: str) -> bool:
        """Whether two commits have something else at ``path``."""
        return (await self._git("diff-tree", "-r", "--quiet", one, other, "--", path, ok=(0, 1))).code == 1

    async def checkouts(self) -> tuple[Checkout, ...]:
        """The working trees that exist, the main one first. A branch under rebase counts as checked out."""
        listed = (await self._git("worktree", "list", "--porcelain", "-z")).out
        records = [dict(_attribute(line) for line in record.split(b"\0") if line) for record in listed.split(b"\0\0")]
        found = []
        for record in filter(None, records):
            path = Path(decode(record[b"worktree"]))
            if b"prunable" not in record and b"bare" not in record and path.is_dir():
                found.append(await self._checkout(path, record.get(b"branch")))
        return tuple(found)

    async def publish(self, control: ControlRepository, sha: str, expected_old: str) -> Published:
        """Move the user's target branch from ``expected_old`` to ``sha``, when that disturbs nobody.

        Where it is checked out and clean, the files follow; where it is not checked out, only the branch moves. In
        every case ``refs/fleet/<target>`` shows ``sha``, so that the person can look at it and merge it.

        Raises:
            GitError: the repository cannot be written.
        """
        target = control.target
        await self.offer(control, sha)
        now = await self.branch_sha(target)
        refused = await self._compare(now, sha, object_id(expected_old))
        if refused is not None:
            return refused
        places = [place for place in await self.checkouts() if place.branch == target]
        if not places:
            return await self._swap(control, sha, expected_old)
        reason = await self._obstacle(places)
        if reason:
            return Published(PublishState.WAITING, now, reason, places[0].path)
        return await self._fast_forward(places[0].path, target, sha, expected_old)

    async def offer(self, control: ControlRepository, sha: str) -> None:
        """Bring ``sha`` into the user's repository as ``refs/fleet/<target>``; no branch and no file changes.

        Raises:
            GitError: the repository cannot be written.
        """
        await self._git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune",
            "--no-recurse-submodules", "--refmap=", str(control.path.absolute()),
            f"+{object_id(sha)}:refs/fleet/{control.target}",
            time_limit_s=300,
        )  # fmt: skip

    # -- steps of publish --------------------------------------------------------------------------------------------

    async def _compare(self, now: str | None, sha: str, expected: str) -> Published | None:
        if now is None:
            return Published(PublishState.MISSING, None, "the branch was deleted")
        if now == sha or await self._is_ancestor(sha, now):
            return Published(PublishState.PUBLISHED, now)
        if not await self._is_ancestor(now, sha):
            return Published(PublishState.DIVERGED, now, "the branch has commits that the fleet has not seen")
        if now != expected:
            return Published(PublishState.MOVED, now, "the branch is not where it was")
        return None

    async def _swap(self, control: ControlRepository, sha: str, expected: str) -> Published:
        target = control.target
        try:
            await self._git("update-ref", "-m", "fleet: publish", refs.head_ref(target), sha, expected)
        except GitError as error:
            now = await self.branch_sha(target)
            return await self._compare(now, sha, expected) or Published(
                PublishState.WAITING, now, one_line(error.stderr)
            )
        return Published(PublishState.PUBLISHED, sha)

    async def _obstacle(self, places: list[Checkout]) -> str:
        """Why the checkout cannot be moved now; empty when it can."""
        if len(places) > 1:
            return "the branch is checked out in several places"
        place = places[0]
        if place.busy:
            return f"a {place.busy} is in progress"
        dirty = await self._dirty(place.path)
        return f"uncommitted changes: {one_line(', '.join(dirty), 120)}" if dirty else ""

    async def _fast_forward(self, where: Path, target: str, sha: str, expected: str) -> Published:
        try:
            await git(
                "merge", "--ff-only", "--no-stat", "--no-autostash", "--quiet", sha,
                cwd=where, user_config=True, time_limit_s=300,
            )  # fmt: skip
        except GitError as error:
            now = await self.branch_sha(target)
            refused = await self._compare(now, sha, expected)
            return refused or Published(PublishState.WAITING, now, one_line(error.stderr), where)
        now = await self.branch_sha(target)
        if now != sha:  # the person switched branches between the look and the act: theirs moved forward, harmlessly
            return Published(PublishState.MOVED, now, "another branch was checked out meanwhile", where)
        return Published(PublishState.PUBLISHED, sha, where=where)

    # -- helpers -----------------------------------------------------------------------------------------------------

    async def _git(self, *args: str, ok: tuple[int, ...] = (0,), time_limit_s: float = 60.0) -> Result:
        return await git(*args, cwd=self.path, ok=ok, time_limit_s=time_limit_s, user_config=True)

    async def _is_ancestor(self, a: str, b: str) -> bool:
        return (await self._git("merge-base", "--is-ancestor", a, b, ok=(0, 1))).code == 0

    async def _dirty(self, where: Path) -> tuple[str, ...]:
        """A sample of tracked paths that differ from HEAD; tickets do not count, the fleet itself edits them."""
        status = await git(
            "status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames",
            cwd=where, user_config=True,
        )  # fmt: skip
        paths = [entry[3:] for entry in status.out.split(b"\0") if entry]
        return tuple(decode(path) for path in paths if not path.startswith(_TICKETS))[:_SAMPLE]

    async def _checkout(self, path: Path, ref: bytes | None) -> Checkout:
        git_dir = Path((await git("rev-parse", "--absolute-git-dir", cwd=path, user_config=True)).text)
        busy = next((word for name, word in _OPERATIONS.items() if (git_dir / name).exists()), "")
        name = decode(ref) if ref else _branch_under_way(git_dir)
        return Checkout(path, name.removeprefix("refs/heads/") if name else None, busy)


def _attribute(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b" ")
    return name, value


def _branch_under_way(git_dir: Path) -> str:
    """The branch that a rebase or bisect will come back to: HEAD is detached until then."""
    for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
        with contextlib.suppress(OSError, FleetError):
            return (git_dir / name).read_text(encoding="utf-8", errors="replace").strip()
    return ""
