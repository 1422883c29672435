"""Everything of a working copy that could be lost, kept under one ref: files, branches, stashes."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.git import refs, snapshot
from fleet_tui.git.control import ControlRepository

BACKUP_LIMIT_S = 300.0
"""How long keeping one working copy may take, whatever its agent filled it with."""
_MAX_TIPS = 500
_HINT = "look at what its agent left there; remove what nobody needs"


@dataclass(frozen=True, slots=True)
class Backup:
    """``ref`` is a commit of the working files on HEAD and every other tip; ``missing`` names what is not in it."""

    ref: str
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.missing


async def back_up(control: ControlRepository, tree: Path, name: str, base: str, reason: str) -> Backup:
    """Keep the working copy ``tree`` as ``refs/fleet/backup/<name>-<commit>``; executes nothing in it.

    ``base`` is the parent when the copy's own history cannot be read. The same content gives the same ref.

    Raises:
        GitError: the control repository cannot be written.
        FleetError: it takes longer than ``BACKUP_LIMIT_S`` altogether.
    """
    try:
        async with asyncio.timeout(BACKUP_LIMIT_S):
            return await _back_up(control, tree, name, base, reason)
    except TimeoutError as error:
        raise FleetError("backup took too long", f"{tree} was given up after {BACKUP_LIMIT_S:g} s", _HINT) from error


async def _back_up(control: ControlRepository, tree: Path, name: str, base: str, reason: str) -> Backup:
    temporary = f"{refs.TEMPORARY}/{secrets.token_hex(8)}"
    try:
        parents, missing = await _tips(control, tree, temporary, base)
        commit, omitted = await _files(control, tree, temporary, parents)
        ref = await control.keep(f"{name}-{commit[:12]}", commit, reason)
    finally:
        await control.forget(temporary)
    return Backup(ref, (*missing, *omitted))


async def _tips(control: ControlRepository, tree: Path, temporary: str, base: str) -> tuple[list[str], list[str]]:
    repository = tree / ".git"
    if repository.is_symlink() or not repository.is_dir():
        return [base], [".git"] if tree.is_dir() else []
    try:
        head = await control.fetch_all(tree, f"{temporary}/refs")
    except FleetError:
        return [base], [".git"]
    first = head or base
    others = sorted(await control.tips_beyond(f"{temporary}/refs", {first, await control.target_sha()}))
    return [first, *others[:_MAX_TIPS]], ["branches"] if len(others) > _MAX_TIPS else []


async def _files(control: ControlRepository, tree: Path, temporary: str, parents: list[str]) -> tuple[str, list[str]]:
    if tree.is_symlink() or not tree.is_dir():
        return parents[0], []
    ref = f"{temporary}/files"
    when_s = await control.committed_s(parents[0])
    taken = await snapshot.take(control.path, tree, ref, parents, message="Working files\n", when_s=when_s)
    return await control.commit_at(ref), taken.omitted
