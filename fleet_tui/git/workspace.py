"""Workspaces: for each ticket a clone of its own that borrows the control repository's objects, and a gate to push to.

Linked worktrees would share settings, hooks and refs among agents and with the user; a clone shares objects only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.domain.text import clean, one_line
from fleet_tui.domain.untrusted import read_regular
from fleet_tui.git import holding, refs
from fleet_tui.git.backup import Backup, back_up
from fleet_tui.git.command import git, object_id
from fleet_tui.git.config_text import config_text
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.gate_repo import admit, create_gate
from fleet_tui.git.locks import clear_stale_locks
from fleet_tui.git.trees import directory_bytes, remove_tree
from fleet_tui.git.values import WorkspacePaths

_RECORD = "workspace.json"
_SHUT = ".gates-shut"
_MOST_RECORD_BYTES = 64 * 1024
_TREE = "tree"
_GATE = "gate.git"


def gate_beside(tree: Path) -> Path:
    """The gate repository that belongs to the working tree of a workspace or of a reviewer."""
    return tree.parent / _GATE


class Workspaces:
    """All workspaces under ``root``: ``<ticket>/tree`` and ``<ticket>/gate.git``, ``review-<name>/`` likewise.

    ``git fetch`` in a clone reads the control repository's target branch, ``git push`` goes to the gate. A sandbox must
    let the agent read ``borrowed``.
    """

    def __init__(self, control: ControlRepository, root: Path) -> None:
        self.control = control
        self.root = root

    @property
    def borrowed(self) -> Path:
        """What a workspace needs to read besides its own directory."""
        return self.control.path

    async def create(self, ticket: int, branch: str, base: str, *, agent: str = "fleet-agent") -> WorkspacePaths:
        """The workspace of ``ticket`` with ``branch`` checked out at ``base``; made when it does not exist yet.

        A branch that the user or another ticket already has gets the suffix ``-2`` (``-3`` …). Repeating the call
        returns the first result, whatever branch and base are given, and removes locks that a killed git left; a tree
        that was deleted by hand is made again, at the last commit that was pushed. ``agent`` signs the commits.

        Raises:
            FleetError: no valid branch name, unknown base.
        """
        await refs.valid_branch(branch)
        home = self._home(ticket)
        existing = self._read(home)
        if existing is not None:
            return await self._repair(ticket, existing, agent)
        free = await self._free_branch(ticket, branch)
        async with self._building(home) as fresh:
            await create_gate(fresh / _GATE, self._objects, await self._object_format(), free)
            await self._clone(fresh / _TREE, home / _GATE, free, base, agent)
            _write_record(fresh, {"ticket": ticket, "branch": free, "base": base})
        return WorkspacePaths(home / _TREE, home / _GATE, free, base)

    def find(self, ticket: int) -> WorkspacePaths | None:
        """The paths of a ticket's workspace, if there is one."""
        return self._read(self._home(ticket))

    async def review_checkout(self, name: str, commit: str) -> Path:
        """A clone for one reviewer, detached at ``commit``, all its pushes refused; replaced when at another commit.

        Raises:
            FleetError: ``name`` is no safe id, unknown commit.
        """
        object_id(commit)
        home = self._review_home(name)
        existing = self._read(home)
        if existing is not None and existing.base == commit and existing.path.is_dir():
            return existing.path
        await remove_tree(home)
        async with self._building(home) as fresh:
            await create_gate(fresh / _GATE, self._objects, await self._object_format(), None)
            await self._clone(fresh / _TREE, home / _GATE, None, commit, name)
            _write_record(fresh, {"branch": "", "base": commit})
        return home / _TREE

    async def remove_review(self, name: str) -> None:
        """Delete a reviewer's clone; nothing in it is kept."""
        await remove_tree(self._review_home(name))

    def shut(self, ticket: int) -> bool:
        """Close the gate of a workspace, again each time, for it may lie where an agent can write; whether its files
        are still to be made read-only (:meth:`hold`)."""
        paths = self.find(ticket)
        if paths is None:
            return False
        admit(paths.gate, None)
        return not holding.is_held(self._home(ticket))

    async def hold(self, ticket: int) -> bool:
        """Close the gate of a workspace and make its files read-only; whether anything had to be done.

        The second takes as long as there are files.
        """
        paths = self.find(ticket)
        if paths is None or not self.shut(ticket):
            return False
        await asyncio.to_thread(holding.hold, self._home(ticket), paths.path)
        return True

    def held(self) -> set[int]:
        """Tickets whose workspaces are held."""
        return holding.held(self.root) if self.root.is_dir() else set()

    async def let_go(self, ticket: int) -> bool:
        """Undo :meth:`hold`; whether anything had to be done."""
        paths = self.find(ticket)
        if paths is None:
            holding.record_of(self._home(ticket)).unlink(missing_ok=True)
            return False
        if not holding.is_held(self._home(ticket)):
            return False
        await asyncio.to_thread(holding.let_go, self._home(ticket), paths.path)
        if not self._are_shut:
            admit(paths.gate, paths.branch)
        return True

    def shut_gates(self, but: Collection[int]) -> None:
        """Until :meth:`open_gates` no gate takes anything in, except those of the tickets in ``but``. Idempotent."""
        if self.root.is_dir():
            (self.root / _SHUT).touch()
            for ticket, paths in self._numbered():
                self._admit(ticket, paths, ticket in but)

    def open_gates(self) -> None:
        """Undo :meth:`shut_gates`; the gates of held workspaces stay closed."""
        if self._are_shut:
            for ticket, paths in self._numbered():
                self._admit(ticket, paths, True)
            (self.root / _SHUT).unlink(missing_ok=True)

    def open_gate(self, ticket: int) -> None:
        """Like :meth:`open_gates` for one, until the next :meth:`shut_gates`."""
        paths = self.find(ticket) if self._are_shut else None
        if paths is not None:
            self._admit(ticket, paths, True)

    def _admit(self, ticket: int, paths: WorkspacePaths, wanted: bool) -> None:
        # A gate that its agent spoilt, in whose directory nothing can be written, keeps no other one open.
        with contextlib.suppress(OSError):
            admit(paths.gate, paths.branch if wanted and not holding.is_held(self._home(ticket)) else None)

    @property
    def _are_shut(self) -> bool:
        return (self.root / _SHUT).exists()

    async def snapshot(self, ticket: int, reason: str = "snapshot") -> str:
        """Keep the working files and every local branch of a workspace in the control repository; the backup ref.

        Nothing is executed in the workspace. The same content gives the same ref.

        Raises:
            FleetError: there is no such workspace.
        """
        return (await self._back_up(ticket, reason)).ref

    async def remove(self, ticket: int, reason: str) -> str:
        """Delete a workspace after keeping its content; the backup ref.

        What could not be kept whole (huge files, nested repositories, damaged objects) is not deleted but set aside as
        ``kept-<ticket>-…`` under the root. Repeating the call returns the last backup.

        Raises:
            FleetError: there is no workspace and no backup of one.
        """
        home = self._home(ticket)
        if self._read(home) is None:
            await remove_tree(home)
            backups = await self.control.backups(_backup_name(ticket))
            if not backups:
                raise _no_workspace(ticket)
            return backups[-1]
        backup = await self._back_up(ticket, reason)
        if backup.complete:
            await remove_tree(home)
        else:
            home.rename(self.root / f"kept-{ticket}-{secrets.token_hex(4)}")
        return backup.ref

    async def tidy(self) -> None:
        """Delete what a killed process left half made or half deleted; nobody else may be at work here."""
        for pattern in (".new-*", ".trash-*"):
            for leftover in self.root.glob(pattern):
                await remove_tree(leftover)

    async def disk_usage(self) -> dict[int, int]:
        """Bytes on disk by ticket, without the borrowed objects."""
        if not self.root.is_dir():
            return {}
        homes = [path for path in self.root.iterdir() if path.name.isdecimal()]
        return {int(home.name): await directory_bytes(home) for home in homes}

    # -- building ----------------------------------------------------------------------------------------------------

    @property
    def _objects(self) -> Path:
        return (self.control.path / "objects").absolute()

    async def _object_format(self) -> str:
        return (await git("rev-parse", "--show-object-format", git_dir=self.control.path)).text

    @asynccontextmanager
    async def _building(self, home: Path) -> AsyncIterator[Path]:
        """A fresh directory that becomes ``home`` when the block ends well, and is deleted otherwise."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        await remove_tree(home)  # no record in it: left over from something else
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
        try:
            yield fresh
            fresh.rename(home)
        finally:
            await remove_tree(fresh)

    async def _clone(self, tree: Path, gate: Path, branch: str | None, commit: str, agent: str) -> None:
        """A clone nobody has touched yet: git may still be used in it."""
        source = str(self.control.path.absolute())
        await git(
            "clone", "--quiet", "--shared", "--no-checkout", "--no-tags", "--template=", source, str(tree),
            cwd=self.root, time_limit_s=300,
        )  # fmt: skip
        with (tree / ".git" / "config").open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(config_text(self._settings(gate.absolute(), branch, agent)))
        start = ("--no-track", "-B", branch) if branch is not None else ("--detach",)
        await git("checkout", "--quiet", *start, object_id(commit), "--", cwd=tree, time_limit_s=300)

    def _settings(self, gate: Path, branch: str | None, agent: str) -> dict[str, str]:
        name = one_line(agent, 60) or "fleet-agent"
        settings = {
            "user.name": name,
            "user.email": f"{''.join(c for c in name.lower() if c.isalnum() or c in '-_') or 'agent'}@fleet.invalid",
            "remote.origin.pushurl": str(gate),
            "push.default": "current",
            "core.alternateRefsPrefixes": "refs/heads/",
            # An agent has no key: a setting of the person's must not stop its commits with a passphrase dialogue.
            "commit.gpgSign": "false",
            "tag.gpgSign": "false",
            "gc.auto": "0",
        }
        if branch is not None:
            # `git status` and `git pull` speak of the target, a bare `git push` of the branch itself.
            settings[f"branch.{branch}.remote"] = "origin"
            settings[f"branch.{branch}.merge"] = refs.head_ref(self.control.target)
        return settings

    async def _free_branch(self, ticket: int, branch: str) -> str:
        taken = {paths.branch for paths in self._all() if paths.path != self._home(ticket) / _TREE}
        number = 1
        while True:
            name = branch if number == 1 else f"{branch}-{number}"
            if name not in taken and name != self.control.target and not await self._user_has(name):
                return name
            number += 1

    async def _user_has(self, branch: str) -> bool:
        ref = refs.head_ref(branch)
        found = await git(
            "show-ref", "--verify", "--quiet", ref, cwd=self.control.user_repository, ok=(0, 1), user_config=True
        )
        return found.code == 0

    async def _repair(self, ticket: int, paths: WorkspacePaths, agent: str) -> WorkspacePaths:
        home = self._home(ticket)
        if paths.path.is_dir() and paths.gate.is_dir():
            # A git that was killed with its agent would keep the next one from every commit and push.
            for repository in (paths.path / ".git", paths.gate):
                await asyncio.to_thread(clear_stale_locks, repository, home=home)
            return paths
        if not paths.gate.is_dir():
            await create_gate(paths.gate, self._objects, await self._object_format(), paths.branch)
        pin = f"workspace-{ticket}"
        pushed = await self.control.fetch_head(paths.gate, paths.branch, pin) or await self.control.pinned(pin)
        if not paths.path.is_dir():
            await remove_tree(paths.path)
            await self._clone(paths.path, home / _GATE, paths.branch, pushed or paths.base, agent)
        return paths

    async def _back_up(self, ticket: int, reason: str) -> Backup:
        paths = self._read(self._home(ticket))
        if paths is None:
            raise _no_workspace(ticket)
        return await back_up(self.control, paths.path, _backup_name(ticket), paths.base, reason)

    # -- records -----------------------------------------------------------------------------------------------------

    def _home(self, ticket: int) -> Path:
        return self.root.absolute() / str(int(ticket))

    def _review_home(self, name: str) -> Path:
        if not is_safe_id(name):
            raise FleetError("unsafe name", clean(repr(name), 100), "use a generated id")
        return self.root.absolute() / f"review-{name}"

    def _all(self) -> list[WorkspacePaths]:
        return [paths for _, paths in self._numbered()]

    def _numbered(self) -> list[tuple[int, WorkspacePaths]]:
        homes = [home for home in self.root.iterdir() if home.name.isdecimal()] if self.root.is_dir() else []
        return [(int(home.name), paths) for home in homes if (paths := self._read(home.absolute())) is not None]

    def _read(self, home: Path) -> WorkspacePaths | None:
        try:
            record = json.loads(read_regular(home / _RECORD, _MOST_RECORD_BYTES))
            return WorkspacePaths(home / _TREE, home / _GATE, record["branch"], object_id(record["base"]))
        except (OSError, ValueError, KeyError, TypeError, FleetError):
            return None


def _backup_name(ticket: int) -> str:
    return f"ticket-{ticket}"


def _no_workspace(ticket: int) -> FleetError:
    return FleetError(
        "no workspace", f"ticket {ticket} has none", "it may have been removed already: see `fleet ticket show`"
    )


def _write_record(home: Path, record: dict[str, object]) -> None:
    with (home / _RECORD).open("w", encoding="utf-8") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
