"""A working tree against a commit: right after every change, and nothing planted in it runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from fleet_tui.git.control import ControlRepository
from fleet_tui.git.values import FileDiff, WorkspacePaths
from fleet_tui.git.workspace import Workspaces
from fleet_tui.git.worktree import MAX_SHOWN_BYTES, Worktree

from .conftest import Repo
from .test_planted_code import Trap


@pytest.fixture
async def paths(workspaces: Workspaces, control: ControlRepository) -> WorkspacePaths:
    return await workspaces.create(1, "agent/1-x", await control.target_sha())


@pytest.fixture
def tree(control: ControlRepository, paths: WorkspacePaths, tmp_path: Path) -> Worktree:
    return Worktree(control.path, paths.path, paths.base, tmp_path / "scratch")


def told(diffs: list[FileDiff]) -> dict[str, tuple[str, int, int]]:
    return {diff.change.path: (diff.change.status, diff.change.added, diff.change.deleted) for diff in diffs}


def lines(diffs: list[FileDiff], path: str, kind: str = "+") -> list[str]:
    hunks = next(diff.hunks for diff in diffs if diff.change.path == path)
    return [line.text for hunk in hunks for line in hunk.lines if line.kind == kind]


async def test_an_untouched_tree_differs_in_nothing(tree: Worktree) -> None:
    assert await tree.look()
    assert await tree.diff() == []
    assert not await tree.look()


async def test_every_kind_of_change_is_seen(tree: Worktree, paths: WorkspacePaths) -> None:
    agent = Repo(paths.path)
    (first, *_) = [name for name in agent.git("ls-files").splitlines() if not name.startswith(".")]
    before = (paths.path / first).read_text()
    agent.write({first: f"{before}more\n", "new/deep/a.py": "one\ntwo\n", "bin": "\0\1", ".gitignore": "out/\n"})
    agent.write({"out/ignored.py": "AKIA\n"})
    (paths.path / "link").symlink_to("/etc/passwd")
    os.mkfifo(paths.path / "pipe")
    (paths.path / "big.txt").write_text("x\n" * MAX_SHOWN_BYTES)
    await tree.look()
    diffs = await tree.diff()
    assert told(diffs) == {
        first: ("M", 1, 0),
        "new/deep/a.py": ("A", 2, 0),
        "bin": ("A", 0, 0),
        ".gitignore": ("A", 1, 0),
        "link": ("A", 1, 0),
        "big.txt": ("A", 0, 0),
    }
    assert lines(diffs, first) == ["more"]
    assert lines(diffs, "link") == ["/etc/passwd"]
    assert {diff.change.path for diff in diffs if diff.change.binary} == {"bin", "big.txt"}


async def test_what_was_committed_there_is_seen_as_well(tree: Worktree, paths: WorkspacePaths) -> None:
    Repo(paths.path).commit({"a-new-file.py": "x\n"}, "work")
    await tree.look()
    assert told(await tree.diff()) == {"a-new-file.py": ("A", 1, 0)}


async def test_a_file_becomes_a_directory_and_back(tree: Worktree, paths: WorkspacePaths) -> None:
    agent = Repo(paths.path)
    first = agent.git("ls-files").splitlines()[0]
    content = (paths.path / first).read_bytes()
    (paths.path / first).unlink()
    agent.write({f"{first}/inner.py": "x\n"})
    await tree.look()
    assert {(path, status) for path, (status, *_) in told(await tree.diff()).items()} == {
        (first, "D"),
        (f"{first}/inner.py", "A"),
    }
    (paths.path / first / "inner.py").unlink()
    (paths.path / first).rmdir()
    (paths.path / first).write_bytes(content)
    await tree.look()
    assert await tree.diff() == []


async def test_small_looks_see_what_a_look_at_everything_sees(
    tree: Worktree, paths: WorkspacePaths, control: ControlRepository, tmp_path: Path
) -> None:
    chance = Random(4)
    names = [f"{folder}{name}.py" for folder in ("", "one/", "one/two/", "three/") for name in "abc"]
    await tree.look()
    for turn in range(25):
        path = paths.path / chance.choice(names)
        if path.exists() and chance.random() < 0.4:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{chance.random()}\n" for _ in range(3)))
        await tree.look([str(path), str(path.parent)] if chance.random() < 0.5 else [str(path)])
        fresh = Worktree(control.path, paths.path, paths.base, tmp_path / f"fresh-{turn}")
        await fresh.look()
        assert told(await tree.diff()) == told(await fresh.diff()), turn


async def test_nothing_planted_runs_and_nothing_is_left_in_the_control_repository(
    tree: Worktree, paths: WorkspacePaths, control: ControlRepository, tmp_path: Path
) -> None:
    trap = Trap(tmp_path)
    agent = Repo(paths.path)
    agent.commit({".gitattributes": "* filter=evil diff=evil merge=evil\n", "a.txt": "changed\n"}, "work")
    agent.write({"sub/file": "x"})
    agent.git("init", "--quiet", "sub/nested")
    for git_dir in (paths.path / ".git", paths.path / "sub" / "nested" / ".git"):
        trap.plant(git_dir)
    (paths.path / ".gitignore").symlink_to("/dev/zero")
    trap.canary.unlink(missing_ok=True)
    objects = {path for path in control.path.rglob("*") if path.is_file()}
    await tree.look()
    assert {"a.txt", "sub/file", ".gitattributes"} <= set(told(await tree.diff()))
    assert trap.sprung() == ""
    assert {path for path in control.path.rglob("*") if path.is_file()} == objects
    tree.forget()


async def test_links_lead_nowhere(tree: Worktree, paths: WorkspacePaths, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("AKIA\n")
    (paths.path / "way-out").symlink_to(outside)
    await tree.look()
    assert set(told(await tree.diff())) == {"way-out"}
    assert all(not str(place).startswith(str(paths.path / "way-out")) for place in tree.directories)


async def test_a_folder_that_becomes_a_link_between_two_looks_leads_nowhere(
    tree: Worktree, paths: WorkspacePaths, tmp_path: Path
) -> None:
    """The changed path is known; the folder above it is another by the time it is read."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "s.txt").write_text("AKIA\n")
    folder = paths.path / "sub"
    folder.mkdir()
    (folder / "s.txt").write_text("mine\n")
    await tree.look()
    folder.rename(tmp_path / "was")
    folder.symlink_to(outside)
    await tree.look([str(folder / "s.txt")])
    assert "AKIA" not in str(await tree.diff())
    assert "sub/s.txt" not in told(await tree.diff())


async def test_a_pipe_as_gitignore_hides_and_stalls_nothing(tree: Worktree, paths: WorkspacePaths) -> None:
    os.mkfifo(paths.path / ".gitignore")
    (paths.path / "sub").mkdir()
    (paths.path / "sub" / ".gitignore").write_text("*.o\n")
    (paths.path / "sub" / "x.o").touch()
    (paths.path / "sub" / "y.txt").write_text("mine\n")
    async with asyncio.timeout(18):
        await tree.look()
        assert set(told(await tree.diff())) == {"sub/.gitignore", "sub/y.txt"}
        (paths.path / "sub" / ".gitignore").write_text("*.txt\n")  # what counts is what it says now
        await tree.look([str(paths.path / "sub" / ".gitignore")])
        assert set(told(await tree.diff())) == {"sub/.gitignore", "sub/x.o"}


async def test_a_file_that_changed_since_the_look_counts_as_it_is_now(tree: Worktree, paths: WorkspacePaths) -> None:
    log = paths.path / "out.txt"
    log.write_text("one\n")
    await tree.look()
    log.write_text("one\ntwo\n")
    (found,) = [diff for diff in await tree.diff() if diff.change.path == "out.txt"]
    assert (found.truncated, found.change.binary, found.change.added) == (False, False, 2)
    log.unlink()
    (found,) = [diff for diff in await tree.diff() if diff.change.path == "out.txt"]
    assert not found.truncated


async def test_a_file_that_was_too_large_once_is_read_when_it_is_not(tree: Worktree, paths: WorkspacePaths) -> None:
    log = paths.path / "out.txt"
    log.write_text("one\n")
    await tree.look()
    log.write_text("x" * 1_100_000)
    (found,) = [diff for diff in await tree.diff() if diff.change.path == "out.txt"]
    assert found.truncated
    log.write_text("one\n")
    await tree.look()
    (found,) = [diff for diff in await tree.diff() if diff.change.path == "out.txt"]
    assert [line.text for hunk in found.hunks for line in hunk.lines] == ["one"]
