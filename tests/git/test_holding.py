"""Held workspaces: closed gates, read-only files, and just what was taken is given back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fleet_tui.git import holding
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.gate_repo import admit
from fleet_tui.git.workspace import Workspaces
from fleet_tui.watcher.confinement.agent_user import give
from tests import agent_user
from tests.git.conftest import Repo, run_git


def modes(tree: Path) -> dict[str, int]:
    return {str(path): stat.S_IMODE(path.lstat().st_mode) for path in (tree, *tree.rglob("*")) if not path.is_symlink()}


def writable(tree: Path) -> list[str]:
    return [path for path, mode in modes(tree).items() if mode & 0o222]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "7"
    (home / "tree" / "src").mkdir(parents=True)
    (home / "tree" / "src" / "a.py").write_text("a")
    (home / "tree" / "run.sh").write_text("b")
    (home / "tree" / "run.sh").chmod(0o755)
    (home / "tree" / "locked").write_text("c")
    (home / "tree" / "locked").chmod(0o444)
    return home


def test_hold_takes_the_right_to_write_and_let_go_gives_it_back(home: Path) -> None:
    before = modes(home / "tree")
    assert holding.hold(home, home / "tree") == 4
    assert holding.is_held(home)
    assert writable(home / "tree") == []
    assert holding.hold(home, home / "tree") == 0, "a repeat changes nothing"
    holding.let_go(home, home / "tree")
    assert modes(home / "tree") == before
    assert not holding.is_held(home)
    holding.let_go(home, home / "tree")


def test_links_and_pipes_are_not_followed(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (home / "tree" / "link").symlink_to(outside)
    os.mkfifo(home / "tree" / "pipe")
    holding.hold(home, home / "tree")
    assert outside.stat().st_mode & 0o200
    holding.let_go(home, home / "tree")


def test_a_forged_record_reaches_nothing_outside(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    outside.chmod(0o600)
    holding.record_of(home).write_text('{"../../outside": 511, "/etc/hosts": 511, "src": "x"}')
    holding.let_go(home, home / "tree")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    holding.record_of(home).write_text("[1]")
    holding.let_go(home, home / "tree")
    os.mkfifo(holding.record_of(home))
    holding.let_go(home, home / "tree")
    assert not holding.is_held(home)


def test_a_closed_gate_does_not_follow_a_planted_link(tmp_path: Path) -> None:
    gate, target = tmp_path / "gate", tmp_path / "target"
    gate.mkdir()
    target.write_text("mine")
    (gate / ".fleet-allowed.new").symlink_to(target)
    (gate / "fleet-allowed").symlink_to(target)
    admit(gate, "agent/1-x")
    assert (gate / "fleet-allowed").read_text() == "refs/heads/agent/1-x\n"
    assert not (gate / "fleet-allowed").is_symlink()
    assert target.read_text() == "mine"


async def test_pushes_are_refused_while_held(workspaces: Workspaces, user: Repo) -> None:
    paths = await workspaces.create(7, "agent/7-x", user.sha())
    agent = Repo(paths.path)
    agent.commit({"a.txt": "a"})
    assert await workspaces.gates.hold(7)
    assert workspaces.gates.held() == {7}
    assert not await workspaces.gates.hold(7)
    assert "nothing is accepted here" in agent.git("push", check=False)
    assert await workspaces.gates.let_go(7)
    assert workspaces.gates.held() == set()
    assert "nothing is accepted" not in agent.git("push")
    assert not await workspaces.gates.let_go(7)


@agent_user.only_root
async def test_what_belongs_to_another_user_is_held_read_backed_up_and_removed(
    workspaces: Workspaces, user: Repo, control: ControlRepository
) -> None:
    other = agent_user.made()
    paths = await workspaces.create(7, "agent/7-x", user.sha())
    agent = Repo(paths.path)
    agent.commit({"a.txt": "a"})
    agent.git("push")
    agent.write({"deep/b.txt": "not committed"})
    (paths.path / "deep").chmod(0o700)
    give([paths.path, paths.gate / "objects", paths.gate / "refs"], other)
    assert {path.lstat().st_uid for path in (paths.path, *paths.path.rglob("*"))} == {other.uid}
    assert await control.fetch_head(paths.gate, paths.branch, "seen") is not None
    assert await workspaces.gates.hold(7)
    assert writable(paths.path) == []
    assert await workspaces.gates.let_go(7)
    assert (paths.path / "deep" / "b.txt").stat().st_mode & 0o200
    ref = await workspaces.remove(7, "over")
    assert not paths.path.exists()
    assert await control.commit_at(ref) is not None
    shown = [run_git("--git-dir", control.path, "show", f"{ref}:{name}") for name in ("a.txt", "deep/b.txt")]
    assert shown == [b"a", b"not committed"]
    assert not list(workspaces.root.glob("kept-*")), "it was kept whole: what is committed there was read too"
