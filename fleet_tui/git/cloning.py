"""Clones that borrow the control repository's objects, each with a gate of its own to push to."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fleet_tui.domain.text import one_line
from fleet_tui.git import refs
from fleet_tui.git.command import git, object_id
from fleet_tui.git.config_text import config_text
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.gate_repo import create_gate
from fleet_tui.git.homes import GATE, TREE, write_record
from fleet_tui.git.trees import remove_tree

_CLONE_LIMIT_S = 300


class Cloning:
    """Makes what is in the directories of workspaces and reviewers, of the repository ``control``."""

    def __init__(self, control: ControlRepository) -> None:
        self._control = control

    async def make(
        self, home: Path, branch: str | None, commit: str, *, agent: str, record: Mapping[str, object]
    ) -> None:
        """A clone and its gate in ``home``, whole or not at all; without ``branch`` detached, and all pushes refused.

        ``agent`` signs the commits; ``record`` is written down with it.
        """
        async with _building(home) as fresh:
            await self.gate(fresh / GATE, branch)
            await self.clone(fresh / TREE, home / GATE, branch, commit, agent=agent)
            write_record(fresh, record)

    async def gate(self, path: Path, branch: str | None) -> None:
        """A gate at ``path``, new; without ``branch`` it admits nothing."""
        git_dir = self._control.path
        object_format = (await git("rev-parse", "--show-object-format", git_dir=git_dir)).text
        await create_gate(path, (git_dir / "objects").absolute(), object_format, branch)

    async def clone(self, tree: Path, gate: Path, branch: str | None, commit: str, *, agent: str) -> None:
        """A clone nobody has touched yet: git may still be used in it."""
        source = str(self._control.path.absolute())
        # Run from above the workspace: what an agent may have left beside its tree is no place for a git of ours.
        await git(
            "clone", "--quiet", "--shared", "--no-checkout", "--no-tags", "--template=", source, str(tree),
            cwd=tree.parent.parent, time_limit_s=_CLONE_LIMIT_S,
        )  # fmt: skip
        with (tree / ".git" / "config").open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(config_text(self._settings(gate.absolute(), branch, agent)))
        start = ("--no-track", "-B", branch) if branch is not None else ("--detach",)
        await git("checkout", "--quiet", *start, object_id(commit), "--", cwd=tree, time_limit_s=_CLONE_LIMIT_S)

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
            settings[f"branch.{branch}.merge"] = refs.head_ref(self._control.target)
        return settings


@asynccontextmanager
async def _building(home: Path) -> AsyncIterator[Path]:
    """A fresh directory that becomes ``home`` when the block ends well, and is deleted otherwise."""
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    await remove_tree(home)  # no record in it: left over from something else
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
    try:
        yield fresh
        fresh.rename(home)
    finally:
        await remove_tree(fresh)
