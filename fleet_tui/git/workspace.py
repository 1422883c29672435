"""Workspaces: for each ticket a clone of its own that borrows the control repository's objects, and a gate to push to.

Linked worktrees would share settings, hooks and refs among agents and with the user; a clone shares objects only.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.git import refs
from fleet_tui.git.backup import Backup, back_up
from fleet_tui.git.cloning import Cloning
from fleet_tui.git.command import git, object_id
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.homes import GATE, TREE, Homes, read_home
from fleet_tui.git.locks import clear_stale_locks
from fleet_tui.git.trees import directory_bytes, remove_tree
from fleet_tui.git.values import WorkspacePaths
from fleet_tui.git.workspace_gates import WorkspaceGates


class Workspaces:
    """All workspaces under ``root``: ``<ticket>/tree`` and ``<ticket>/gate.git``, ``review-<name>/`` likewise.

    ``git fetch`` in a clone reads the control repository's target branch, ``git push`` goes to the gate. A sandbox must
    let the agent read ``borrowed``.
    """

    def __init__(self, control: ControlRepository, root: Path) -> None:
        self.control = control
        self.root = root
        self._homes = Homes(root)
        self._cloning = Cloning(control)
        self.gates = WorkspaceGates(self._homes)
        """Which of them take something in."""

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
        existing = self.find(ticket)
        if existing is not None:
            return await self._repair(ticket, existing, agent)
        home, free = self._homes.of(ticket), await self._free_branch(ticket, branch)
        record = {"ticket": ticket, "branch": free, "base": base}
        await self._cloning.make(home, free, base, agent=agent, record=record)
        return WorkspacePaths(home / TREE, home / GATE, free, base)

    def find(self, ticket: int) -> WorkspacePaths | None:
        """The paths of a ticket's workspace, if there is one."""
        return self._homes.find(ticket)

    async def review_checkout(self, name: str, commit: str) -> Path:
        """A clone for one reviewer, detached at ``commit``, all its pushes refused; replaced when at another commit.

        Raises:
            FleetError: ``name`` is no safe id, unknown commit.
        """
        object_id(commit)
        home = self._homes.of_review(name)
        existing = read_home(home)
        if existing is not None and existing.base == commit and existing.path.is_dir():
            return existing.path
        await remove_tree(home)
        await self._cloning.make(home, None, commit, agent=name, record={"branch": "", "base": commit})
        return home / TREE

    async def remove_review(self, name: str) -> None:
        """Delete a reviewer's clone; nothing in it is kept."""
        await remove_tree(self._homes.of_review(name))

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
        home = self._homes.of(ticket)
        if self.find(ticket) is None:
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
        return {ticket: await directory_bytes(self._homes.of(ticket)) for ticket in self._homes.tickets()}

    async def _free_branch(self, ticket: int, branch: str) -> str:
        taken = {paths.branch for other, paths in self._homes.all() if other != ticket}
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
        home = self._homes.of(ticket)
        if paths.path.is_dir() and paths.gate.is_dir():
            # A git that was killed with its agent would keep the next one from every commit and push.
            for repository in (paths.path / ".git", paths.gate):
                await asyncio.to_thread(clear_stale_locks, repository, home=home)
            return paths
        if not paths.gate.is_dir():
            await self._cloning.gate(paths.gate, paths.branch)
        pin = f"workspace-{ticket}"
        pushed = await self.control.fetch_head(paths.gate, paths.branch, pin) or await self.control.pinned(pin)
        if not paths.path.is_dir():
            await remove_tree(paths.path)
            await self._cloning.clone(paths.path, home / GATE, paths.branch, pushed or paths.base, agent=agent)
        return paths

    async def _back_up(self, ticket: int, reason: str) -> Backup:
        paths = self.find(ticket)
        if paths is None:
            raise _no_workspace(ticket)
        return await back_up(self.control, paths.path, _backup_name(ticket), paths.base, reason)


def _backup_name(ticket: int) -> str:
    return f"ticket-{ticket}"


def _no_workspace(ticket: int) -> FleetError:
    return FleetError(
        "no workspace", f"ticket #{ticket} has none", "it may have been removed already: see `fleet ticket show`"
    )
