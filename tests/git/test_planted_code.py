"""T17: whatever an agent plants in its workspace or its gate, nothing of it runs when the watcher works with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet_tui.git.config_text import config_text
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.foreign import Unreadable
from fleet_tui.git.gate_repo import refusals
from fleet_tui.git.queue import Candidate, Landed, MergePlan, land_checked, plan
from fleet_tui.git.user import UserRepository
from fleet_tui.git.values import PublishState
from fleet_tui.git.workspace import Workspaces

from .conftest import WHEN_NS, Repo

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change",
    "post-merge", "post-receive", "post-rewrite", "post-update", "pre-auto-gc", "pre-commit", "pre-merge-commit",
    "pre-push", "pre-rebase", "prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction",
    "sendemail-validate", "update",
)  # fmt: skip
"""Every hook but pre-receive, which is the gate's own."""


def _settings(trap: str, url: str) -> dict[str, str]:
    return {
        "core.fsmonitor": trap,
        "core.sshCommand": trap,
        "core.pager": trap,
        "core.editor": trap,
        "core.askPass": trap,
        "core.gitProxy": trap,
        "core.alternateRefsCommand": trap,
        "diff.external": trap,
        "diff.evil.textconv": trap,
        "diff.evil.command": trap,
        "merge.evil.driver": trap,
        "filter.evil.clean": trap,
        "filter.evil.smudge": trap,
        "filter.evil.process": trap,
        "filter.evil.required": "true",
        "uploadpack.packObjectsHook": trap,
        "credential.helper": f"!{trap}",
        "sequence.editor": trap,
        "gpg.program": trap,
        "commit.gpgSign": "true",
        "log.showSignature": "true",
        "pager.log": trap,
        "alias.status": f"!{trap}",
        "interactive.diffFilter": trap,
        "trailer.x.command": trap,
        "receive.procReceiveRefs": "refs",
        "remote.evil.uploadpack": trap,
        "remote.evil.url": url,
        "remote.evil.promisor": "true",
        "extensions.partialClone": "evil",
        "core.repositoryFormatVersion": "1",
        "protocol.ext.allow": "always",
    }


class Trap:
    """A program that leaves a line in ``canary`` when anybody runs it."""

    def __init__(self, directory: Path) -> None:
        self.canary = directory / "canary"
        self.program = directory / "trap.sh"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >>"{self.canary}"\nexit 0\n')
        self.program.chmod(0o755)

    def plant(self, git_dir: Path, *, url: str = "") -> None:
        hooks = git_dir / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in HOOKS:
            (hooks / name).unlink(missing_ok=True)
            (hooks / name).symlink_to(self.program)
        with (git_dir / "config").open("a") as file:
            file.write(config_text(_settings(str(self.program), url or f"ext::{self.program}")))
        (git_dir / "info").mkdir(exist_ok=True)
        (git_dir / "info" / "attributes").write_text("* filter=evil diff=evil merge=evil\n")

    def sprung(self) -> str:
        return self.canary.read_text() if self.canary.exists() else ""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def test_traps_spring_for_plain_git(user: Repo, trap: Trap) -> None:
    """The control experiment: without precautions the planted code does run."""
    trap.plant(user.path / ".git")
    user.write({"a.txt": "changed\n"})
    user.git("-c", "alias.status=", "diff", check=False)
    assert "trap.sh" in trap.sprung()


async def test_nothing_planted_runs(
    control: ControlRepository, workspaces: Workspaces, person: UserRepository, user: Repo, trap: Trap, tmp_path: Path
) -> None:
    base = await control.target_sha()
    paths = await workspaces.create(1, "agent/1-evil", base)
    agent = Repo(paths.path)
    attributes = "* filter=evil diff=evil merge=evil export-subst ident\n"
    head = agent.commit(
        {".gitattributes": attributes, "a.txt": "one\n2\nthree\n", "$Id$": "$Id$ $Format:%H$\n"}, "work"
    )
    agent.git("push", "--quiet")
    agent.git("push", "--quiet", "origin", "HEAD:refs/heads/other", check=False)
    agent.write({"a.txt": "uncommitted\n", "sub/file": "x"})
    agent.git("init", "--quiet", "sub/nested")
    for git_dir in (paths.path / ".git", paths.path / "sub" / "nested" / ".git", paths.gate):
        trap.plant(git_dir)
    trap.canary.unlink(missing_ok=True)

    assert await control.fetch_head(paths.gate, paths.branch, "pr-1") == head
    assert await control.fetch_head(paths.path / ".git", paths.branch, "direct") == head
    await control.summary(base, head)
    await control.diff(base, head, max_bytes=100_000)
    await control.authors(base, head)
    await control.read_file(head, "a.txt")
    await control.checkout(head, tmp_path / "out")
    assert (tmp_path / "out" / "$Id$").read_text() == "$Id$ $Format:%H$\n"
    assert len(refusals(paths.gate)[0]) == 1
    await workspaces.disk_usage()
    await workspaces.review_checkout("rev-1", head)
    assert await workspaces.create(1, "agent/1-evil", base) == paths
    await workspaces.snapshot(1)
    ready = await plan(control, Candidate(1, head, "merge", WHEN_NS))
    assert isinstance(ready, MergePlan)
    assert isinstance(await land_checked(control, ready), Landed)
    await control.sync_target()
    assert (await person.publish(control, ready.commit, base)).state is PublishState.PUBLISHED
    await workspaces.remove(1, "done")
    assert trap.sprung() == ""


@pytest.mark.parametrize("url", ["ext::{program}", "{directory}"])
async def test_missing_objects_are_not_fetched_by_a_planted_program(
    control: ControlRepository, workspaces: Workspaces, trap: Trap, tmp_path: Path, url: str
) -> None:
    """A gate that claims to be a partial clone would have upload-pack fetch what is missing from anywhere."""
    base = await control.target_sha()
    paths = await workspaces.create(1, "agent/1-x", base)
    agent = Repo(paths.path)
    agent.commit({"big": "content\n"})
    agent.git("push", "--quiet")
    blob = agent.sha("HEAD:big")
    (paths.gate / "objects" / blob[:2] / blob[2:]).unlink()
    trap.plant(paths.gate, url=url.format(program=trap.program, directory=tmp_path))
    with pytest.raises(Unreadable):
        await control.fetch_head(paths.gate, paths.branch, "pr-1")
    assert trap.sprung() == ""
    assert await control.resolve("refs/fleet/pins/pr-1") is None


async def test_users_hooks_stay_off_but_filters_work(
    control: ControlRepository, person: UserRepository, user: Repo, trap: Trap
) -> None:
    """The person's own filter (as LFS has) must see published files; hooks and fsmonitor must not."""
    base = await control.target_sha()
    user.git("switch", "--quiet", "-c", "feature")
    head = user.commit({".gitattributes": "*.up filter=up\n", "x.up": "hello\n"})
    user.git("switch", "--quiet", "main")
    user.git("config", "filter.up.smudge", "tr a-z A-Z")
    user.git("config", "filter.up.clean", "tr A-Z a-z")
    hooks = user.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(trap.program)
    user_config = user.path / ".git" / "config"
    user_config.write_text(user_config.read_text() + f'[core]\n\tfsmonitor = "{trap.program}"\n')
    pinned = await control.fetch_head(user.path, "feature", "pr-1")
    assert pinned == head
    assert await control.land(head, base)
    published = await person.publish(control, head, base)
    assert published.state is PublishState.PUBLISHED
    assert (user.path / "x.up").read_text() == "HELLO\n"
    assert trap.sprung() == ""


async def test_environment_of_the_caller_does_not_leak(
    control: ControlRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trap: Trap
) -> None:
    for name, value in {
        "GIT_DIR": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_EXTERNAL_DIFF": str(trap.program),
        "GIT_SSH_COMMAND": str(trap.program),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(trap.program),
        "GIT_OBJECT_DIRECTORY": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    sha = await control.target_sha()
    assert await control.summary(sha, sha)
    assert trap.sprung() == ""
    assert os.environ["GIT_DIR"] == "/nowhere"
