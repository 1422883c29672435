"""The control repository: bare, ours alone, and the only place where a decision about content is made."""

from __future__ import annotations

import asyncio
import logging
import shlex
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean, one_line
from fleet_tui.git import command, foreign, refs, source
from fleet_tui.git.command import GitError, decode, git, object_id
from fleet_tui.git.config_text import config_text
from fleet_tui.git.history import MAX_LISTING_BYTES, History
from fleet_tui.git.locks import clear_stale_locks
from fleet_tui.git.snapshot import PATTERNS_PREFIX
from fleet_tui.git.trees import remove_tree
from fleet_tui.git.values import MergeResult, SyncState, TargetSync, UnrelatedHistories

# `info/attributes` outranks every `.gitattributes`: no filter, driver or export rule of a commit has a say here.
_ATTRIBUTES = "* !filter !diff !merge !ident !export-ignore !export-subst\n"
_CONFIG = {
    "core.logAllRefUpdates": "always",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "uploadpack.hideRefs": "refs/fleet",
    "uploadpack.allowReachableSHA1InWant": "true",
    "receive.denyCurrentBranch": "refuse",
}
_WHO = {
    "GIT_AUTHOR_NAME": "fleet",
    "GIT_AUTHOR_EMAIL": "fleet@fleet.invalid",
    "GIT_COMMITTER_NAME": "fleet",
    "GIT_COMMITTER_EMAIL": "fleet@fleet.invalid",
}
_ABSENT = "couldn't find remote ref"
# Git runs it by a shell; our other settings do not reach it, for a repository's environment is cleared in between.
_SERVE_FOREIGN = ("git", "-c", "safe.directory=*", "upload-pack")
log = logging.getLogger(__name__)


async def _unconfined(_place: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    return argv


class ControlRepository(History):
    """A bare repository in the state directory that fetches from agents and from the user, and pins what it saw.

    ``target`` is the branch that work lands on. All commits are full object ids.
    """

    def __init__(self, path: Path, user_repository: Path, target: str) -> None:
        super().__init__(path)
        self.user_repository = user_repository
        self.target = target
        self.confine: Callable[[Path, tuple[str, ...]], Awaitable[tuple[str, ...]]] = _unconfined
        """Puts a command that serves from a directory which an agent writes into a sandbox."""

    @property
    def _target_ref(self) -> str:
        return refs.head_ref(self.target)

    # -- creation and the target branch ------------------------------------------------------------------------------

    async def ensure(self) -> str:
        """Create what is missing, clear what a killed process left, and return the target's commit.

        Repeating it is harmless, but nobody else may be at work in the repository.

        Raises:
            FleetError: no git repository, no commits, bare, shallow, no such branch, or git is too old.
        """
        await command.version()
        await refs.valid_branch(self.target)
        object_format = await source.inspect_source(self.user_repository, self.target)
        if not (self.path / "HEAD").is_file():
            await self._create(object_format)
        await asyncio.to_thread(clear_stale_locks, self.path)
        await self.forget(refs.TEMPORARY)
        for leftover in self.path.glob(f"{PATTERNS_PREFIX}*"):
            await remove_tree(leftover)
        (self.path / "info").mkdir(exist_ok=True)
        (self.path / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")
        if await self.resolve(self._target_ref) is None:
            theirs = await self._fetch_target()
            if theirs is None:
                raise source.no_target(self.target, self.user_repository)
            await self._update_ref(self._target_ref, theirs, "0" * len(theirs), "first fetched")
        return await self.target_sha()

    async def _create(self, object_format: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self.path.parent.glob(".new-control-*"):
            await remove_tree(leftover)
        fresh = Path(tempfile.mkdtemp(prefix=".new-control-", dir=self.path.parent))
        try:
            await git(
                "init", "--quiet", "--bare", "--template=", f"--initial-branch={self.target}",
                f"--object-format={object_format}", str(fresh), cwd=fresh,
            )  # fmt: skip
            with (fresh / "config").open("a", encoding="utf-8") as file:
                file.write(config_text(_CONFIG))
            fresh.rename(self.path)  # complete or absent: a crash leaves a `.new-control-` directory
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    async def sync_target(self) -> TargetSync:
        """Look at the user's target; when it is ahead, move ours after it.

        Raises:
            FleetError: the user's repository cannot be read.
        """
        before = await self.target_sha()
        theirs = await self._fetch_target()
        if theirs is None:
            return TargetSync(SyncState.MISSING, before, before, None)
        if theirs == before:
            return TargetSync(SyncState.SAME, before, before, theirs)
        if await self.is_ancestor(theirs, before):
            return TargetSync(SyncState.WE_AHEAD, before, before, theirs)
        if not await self.is_ancestor(before, theirs):
            return TargetSync(SyncState.DIVERGED, before, before, theirs)
        if not await self._swap(self._target_ref, theirs, before, "follow the user"):
            return await self.sync_target()
        return TargetSync(SyncState.USER_AHEAD, before, theirs, theirs)

    async def target_sha(self) -> str:
        """The commit at the tip of our target branch.

        Raises:
            FleetError: the control repository is damaged or was never created.
        """
        sha = await self.resolve(self._target_ref)
        if sha is None:
            raise FleetError(
                "control repository damaged",
                f"{self.path} has no branch {clean(self.target, 100)}",
                "stop the fleet, move the directory away and start again: it is fetched anew",
            )
        return sha

    async def land(self, new: str, old: str) -> bool:
        """Move the target from ``old`` to ``new`` in one step; False when it is no longer at ``old``.

        Raises:
            FleetError: ``new`` does not descend from ``old``; GitError for anything else.
        """
        if not await self.is_ancestor(old, new):
            raise FleetError("not a fast-forward", f"{new} does not descend from {old}", "build the merge result again")
        return await self._swap(self._target_ref, new, old, "land")

    async def follow(self, new: str, old: str) -> bool:
        """Put the target, which is at ``old``, where it is at the forge; False when it is no longer at ``old``."""
        return await self._swap(self._target_ref, new, old, "follow the forge")

    # -- what agents made --------------------------------------------------------------------------------------------

    async def fetch_head(self, gate: Path, branch: str, pin: str) -> str | None:
        """Fetch ``branch`` from the repository at ``gate`` and pin it; its commit, or None when it has none.

        Objects are checked. Runs nothing in ``gate`` but upload-pack, which obeys no hook or setting found there.

        Raises:
            FleetError: not a directory, too large; NotPlain, Unreadable as in :mod:`fleet_tui.git.foreign`.
        """
        await refs.valid_branch(branch)
        ref = refs.own_ref(refs.PINS, pin)
        if not await self._fetch_foreign(gate, f"+{refs.head_ref(branch)}:{ref}"):
            return None
        sha = await self.commit_at(ref)
        await self._update_ref(f"{refs.own_ref(refs.HEADS, pin)}/{sha}", sha, None, "seen")
        return sha

    async def pinned(self, pin: str) -> str | None:
        """The head last fetched under ``pin``, if any."""
        return await self.resolve(refs.own_ref(refs.PINS, pin))

    async def fetch_all(self, repository: Path, namespace: str) -> str | None:
        """Fetch every ref of an untrusted ``repository`` into ``namespace``; the commit its HEAD is at, if any.

        Raises:
            FleetError: as :meth:`fetch_head`.
        """
        await self._fetch_foreign(repository, f"+refs/*:{namespace}/*")
        there = await self._fetch_foreign(repository, f"+HEAD:{namespace}/HEAD")
        return await self.commit_at(f"{namespace}/HEAD") if there else None

    async def forget(self, namespace: str) -> None:
        """Delete every ref under ``namespace`` (temporary ones; the objects stay)."""
        found = await self._git("for-each-ref", "--format=delete %(refname)", namespace)
        await self._git("update-ref", "--stdin", input=found.out)

    async def keep(self, name: str, sha: str, reason: str = "backup") -> str:
        """Keep ``sha`` as ``refs/fleet/backup/<name>`` and return the ref; a taken name gets the commit's id."""
        ref = refs.own_ref(refs.BACKUPS, name)
        if await self.resolve(ref) not in (None, sha):
            ref = f"{ref}-{sha[:12]}"
        await self._update_ref(ref, object_id(sha), None, reason)
        return ref

    async def backups(self, name: str) -> list[str]:
        """The backup refs called ``name`` or ``name-<suffix>``, oldest commit first."""
        ref = refs.own_ref(refs.BACKUPS, name)
        patterns = (ref, f"{ref}-*")
        result = await self._git("for-each-ref", "--format=%(refname)", "--sort=committerdate", *patterns)
        return result.text.splitlines()

    # -- merge results and checkouts ---------------------------------------------------------------------------------

    async def merge_result(self, base: str, head: str, *, method: str, message: str, when_ns: int) -> MergeResult:
        """The commit that would land: ``method`` is ``merge`` or ``squash``. Moves no branch.

        Author, date (``when_ns``) and message are fixed, so that the same call after a crash gives the same commit.

        Raises:
            UnrelatedHistories: the two have no commit in common.
            FleetError: unknown method.
        """
        if method not in ("merge", "squash"):
            raise FleetError("unknown merge method", clean(method, 40), "use merge or squash")
        if await self.is_ancestor(head, base):
            return MergeResult(base, head, await self.tree_of(base), base, already=True)
        if not await self.related(base, head):
            hint = "bring the change to a branch that was made from the target"
            raise UnrelatedHistories("unrelated histories", f"{head[:8]} has no common history with {base[:8]}", hint)
        merged = await self._git(
            "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head, ok=(0, 1),
            max_bytes=MAX_LISTING_BYTES,
        )  # fmt: skip
        whole, _, _cut = merged.out.rpartition(b"\0")
        tree, *paths = [decode(field) for field in whole.split(b"\0") if field]
        if merged.code == 1 or merged.truncated:  # a clean merge says nothing but its tree
            return MergeResult(base, head, "", "", tuple(sorted(set(paths))) or ("(unknown path)",))
        parents = ["-p", base] if method == "squash" else ["-p", base, "-p", head]
        when = f"@{when_ns // 1_000_000_000} +0000"
        commit = await self._git(
            "commit-tree", tree, *parents, "-F", "-",
            input=(clean(message).strip() + "\n").encode(),
            env=_WHO | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
        )  # fmt: skip
        return MergeResult(base, head, tree, commit.text)

    async def checkout(self, commit: str, destination: Path) -> None:
        """Write the files of ``commit`` to ``destination``, replacing it: no ``.git``, no filters, no submodules.

        The directory appears complete or not at all.
        """
        object_id(commit)
        destination.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=destination.parent))
        index = fresh.with_name(f"{fresh.name}.index")
        try:
            await self._git(
                "read-tree", "--reset", "-u", "--no-recurse-submodules", commit,
                work_tree=fresh, env={"GIT_INDEX_FILE": str(index)}, time_limit_s=300,
            )  # fmt: skip
            fresh.chmod(0o755)
            await remove_tree(destination)
            fresh.rename(destination)
        finally:
            index.unlink(missing_ok=True)
            await remove_tree(fresh)

    # -- helpers -----------------------------------------------------------------------------------------------------

    async def _update_ref(self, ref: str, new: str, old: str | None, reason: str) -> None:
        expected = () if old is None else (old,)
        await self._git("update-ref", "-m", f"fleet: {one_line(reason)}", ref, object_id(new), *expected)

    async def _swap(self, ref: str, new: str, old: str, reason: str) -> bool:
        try:
            await self._update_ref(ref, new, object_id(old), reason)
        except GitError:
            if await self.resolve(ref) == old:
                raise
            return False
        return True

    async def _fetch_target(self) -> str | None:
        ref = f"{refs.USER}/{self.target}"
        # What the user already has in history is not ours to judge, so objects are not checked here.
        words = (str(self.user_repository.absolute()), f"+{self._target_ref}:{ref}")
        there = await self._fetch(*words, setting="transfer.fsckObjects=false", time_limit_s=300)
        return await self.commit_at(ref) if there else None

    async def _fetch_foreign(self, place: Path, refspec: str) -> bool:
        """Fetch from where an agent writes, perhaps as another user; whether the ref is there.

        Raises:
            FleetError: as :meth:`fetch_head`.
        """
        deadline_s = time.monotonic() + foreign.FETCH_LIMIT_S
        place = place.absolute()
        await asyncio.to_thread(foreign.require_plain, place, (self.path / "objects").absolute(), deadline_s)
        serve = f"--upload-pack={shlex.join(await self.confine(place, _SERVE_FOREIGN))}"
        left_s = max(0.1, deadline_s - time.monotonic())
        try:
            return await self._fetch(serve, str(place), refspec, setting="fetch.fsckObjects=true", time_limit_s=left_s)
        except FleetError as error:
            log.warning("%s cannot be fetched from: %s", place, error)
            raise foreign.Unreadable(error.stderr if isinstance(error, GitError) else error.message) from error

    async def _fetch(self, *words: str, setting: str, time_limit_s: float) -> bool:
        try:
            await git(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune",
                "--no-recurse-submodules", "--refmap=", *words,
                git_dir=self.path, config=(setting,), time_limit_s=time_limit_s,
            )  # fmt: skip
        except GitError as error:
            if _ABSENT in error.stderr:
                return False
            raise
        return True
