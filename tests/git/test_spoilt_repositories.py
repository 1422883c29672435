"""Whatever an agent makes of its repository: nothing outside is fetched, nothing is waited for, nothing is told."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.workspace import Workspaces

from .conftest import Repo, run_git

BRANCH = "fleet/7"
SECRET = "two secret"
Spoil = Callable[[Path, Path], None]


def _fifo(name: str) -> Spoil:
    def spoil(repository: Path, _secret: Path) -> None:
        path = repository / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)

    return spoil


def _link(name: str, to: str = "") -> Spoil:
    """Put a link to the same place of another repository (or to ``to``) where git reads."""

    def spoil(repository: Path, secret: Path) -> None:
        path = repository / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(secret / (to or name))

    return spoil


def _both(*steps: Spoil) -> Spoil:
    def spoil(repository: Path, secret: Path) -> None:
        for step in steps:
            step(repository, secret)

    return spoil


def _borrow(repository: Path, secret: Path) -> None:
    with (repository / "objects" / "info" / "alternates").open("a") as file:
        file.write(f"{secret / 'objects'}\n")


def _commondir(repository: Path, secret: Path) -> None:
    (repository / "commondir").write_text(f"{secret}\n")


def _gitfile(repository: Path, secret: Path) -> None:
    shutil.rmtree(repository)
    repository.write_text(f"gitdir: {secret}\n")


def _linked(repository: Path, secret: Path) -> None:
    shutil.rmtree(repository)
    repository.symlink_to(secret)


def _read_file(repository: Path, secret: Path) -> None:
    (repository / f"refs/heads/{BRANCH}").unlink()
    (repository / "packed-refs").unlink(missing_ok=True)
    (repository / "packed-refs").symlink_to(secret / "a-secret-file")


REF = f"refs/heads/{BRANCH}"
VARIANTS: dict[str, Spoil] = {
    "ref is a link, foreign alternates": _both(_link(REF, "refs/heads/main"), _borrow),
    "ref and objects are links": _both(_link(REF, "refs/heads/main"), _link("objects")),
    "refs is a link": _both(_link("refs"), _borrow),
    "heads is a link": _both(_link("refs/heads"), _borrow),
    "alternates is a link": _link("objects/info/alternates", "a-secret-file"),
    "objects/info is a link": _link("objects/info"),
    "foreign alternates": _borrow,
    "packed-refs is a link": _read_file,
    "HEAD is a link": _link("HEAD"),
    "config is a link": _link("config"),
    "commondir": _commondir,
    "a gitfile": _gitfile,
    "the repository is a link": _linked,
    "FIFO packed-refs": _fifo("packed-refs"),
    "FIFO HEAD": _fifo("HEAD"),
    "FIFO config": _fifo("config"),
    "FIFO ref": _fifo("refs/heads/x"),
    "FIFO alternates": _fifo("objects/info/alternates"),
    "FIFO shallow": _fifo("shallow"),
    "FIFO grafts": _fifo("info/grafts"),
    "FIFO loose object": _fifo("objects/ab/" + "c" * 38),
}


@pytest.fixture
def secret(tmp_path: Path) -> Repo:
    """Another repository of the same user, whose target branch also has the name of the agent's."""
    path = tmp_path / "a-secret"
    path.mkdir()
    repo = Repo(path)
    repo.git("init", "--quiet")
    repo.commit({"s.txt": SECRET})
    repo.git("branch", BRANCH)
    (path / ".git" / "a-secret-file").write_text(f"line one\nline {SECRET}\n")
    return repo


@pytest.mark.parametrize("place", ["workspace", "gate"])
@pytest.mark.parametrize("variant", VARIANTS)
async def test_nothing_but_a_plain_repository_is_fetched_from(
    control: ControlRepository, workspaces: Workspaces, secret: Repo, variant: str, place: str
) -> None:
    paths = await workspaces.create(7, BRANCH, await control.target_sha())
    agent = Repo(paths.path)
    agent.commit({"new.txt": "mine"})
    agent.git("push", "--quiet")
    repository = paths.path / ".git" if place == "workspace" else paths.gate
    VARIANTS[variant](repository, secret.path / ".git")
    with pytest.raises(FleetError) as caught:
        async with asyncio.timeout(18):
            await control.fetch_head(paths.path if place == "workspace" else paths.gate, BRANCH, "7")
    assert SECRET not in str(caught.value)
    assert await control.pinned("7") is None
    assert not await _has(control, secret.sha())


async def _has(control: ControlRepository, commit: str) -> bool:
    try:
        run_git(f"--git-dir={control.path}", "cat-file", "-e", commit)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_backup_leaves_out_what_cannot_be_read(
    control: ControlRepository, workspaces: Workspaces, secret: Repo, variant: str
) -> None:
    paths = await workspaces.create(7, BRANCH, await control.target_sha())
    Repo(paths.path).commit({"new.txt": "mine"})
    VARIANTS[variant](paths.path / ".git", secret.path / ".git")
    async with asyncio.timeout(18):
        ref = await workspaces.remove(7, "shipped")
    assert "new.txt" in run_git(f"--git-dir={control.path}", "ls-tree", "--name-only", ref).decode()
    assert not await _has(control, secret.sha())
    assert [path.name for path in workspaces.root.glob("kept-7-*")]  # what is not in the backup is not thrown away


async def test_a_spoilt_gitignore_is_not_waited_for(
    control: ControlRepository, workspaces: Workspaces, tmp_path: Path
) -> None:
    paths = await workspaces.create(7, BRANCH, await control.target_sha())
    agent = Repo(paths.path)
    agent.write({"a/.gitignore": "*.o\n", "a/x.o": "", "a/b/c/deep.txt": "mine", "out/x.txt": "", "b.log": ""})
    (tmp_path / "elsewhere").write_text("deep.txt\n*.log\n")
    os.mkfifo(paths.path / ".gitignore")
    (paths.path / "a/b/.gitignore").symlink_to(tmp_path / "elsewhere")
    (paths.path / "out/.gitignore").write_text("*\n")
    async with asyncio.timeout(18):
        ref = await workspaces.snapshot(7)
    names = run_git(f"--git-dir={control.path}", "ls-tree", "-r", "--name-only", ref).decode().split()
    assert {"a/b/c/deep.txt", "a/.gitignore", "b.log"} <= set(names)
    assert not {"a/x.o", "out/x.txt"} & set(names)


async def test_a_folder_that_becomes_a_link_leads_nowhere(
    control: ControlRepository, workspaces: Workspaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a folder and the reading of its files the agent exchanges it."""
    from fleet_tui.git import snapshot

    paths = await workspaces.create(7, BRANCH, await control.target_sha())
    Repo(paths.path).write({"sub/s.txt": "mine"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "s.txt").write_text(SECRET)
    listed = snapshot.list_level

    def exchanged(*args: object) -> object:
        found = listed(*args)  # type: ignore[arg-type]
        if any(path == b"sub/s.txt" for path, _ in found) and not (paths.path / "sub").is_symlink():
            (paths.path / "sub").rename(paths.path / "was")
            (paths.path / "sub").symlink_to(outside)
        return found

    monkeypatch.setattr(snapshot, "list_level", exchanged)
    ref = await workspaces.snapshot(7)
    assert (paths.path / "sub").is_symlink()
    everything = run_git(f"--git-dir={control.path}", "ls-tree", "-r", "--name-only", ref).decode().split()
    assert "sub/s.txt" not in everything
