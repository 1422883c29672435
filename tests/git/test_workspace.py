"""Workspaces: made once, isolated, repaired, never removed without a copy."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.git import snapshot
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.gate_repo import refusals
from fleet_tui.git.workspace import Workspaces

from .conftest import Repo, names, run_git

HOSTILE_BRANCHES = (
    "agent/$(touch${IFS}x)",
    "agent/`id`",
    "agent/a;id",
    "agent/#(id)",
    "agent/a|b&c",
    "agent/\u202egnp",
    "a'\"b=c]",
)


async def _make(control: ControlRepository, workspaces: Workspaces, ticket: int = 1) -> tuple[Repo, Path]:
    paths = await workspaces.create(ticket, f"agent/{ticket}-work", await control.target_sha())
    return Repo(paths.path), paths.gate


# -- creation --------------------------------------------------------------------------------------------------------


async def test_create_is_idempotent(control: ControlRepository, workspaces: Workspaces) -> None:
    base = await control.target_sha()
    first = await workspaces.create(7, "agent/7-search", base, agent="Ada Dev\n[core]")
    assert (first.branch, first.base) == ("agent/7-search", base)
    assert await workspaces.create(7, "agent/7-other", base) == first == workspaces.find(7)
    tree = Repo(first.path)
    assert tree.git("branch", "--show-current").strip() == "agent/7-search"
    assert tree.git("status", "--porcelain") == ""
    assert tree.git("config", "user.name").strip() == "Ada Dev [core]"
    assert tree.git("config", "user.email").strip() == "adadevcore@fleet.invalid"
    assert workspaces.find(8) is None


async def test_a_killed_git_keeps_the_next_run_from_nothing(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    left = [tree.path / ".git" / "index.lock", gate / "refs" / "heads" / "agent" / "1-work.lock"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert "Unable to create" in tree.git("commit", "--allow-empty", "-m", "blocked", check=False)
    await _make(control, workspaces)
    assert not [path for path in left if path.exists()]
    tree.commit({"a.txt": "1"})
    tree.git("push", "--quiet", "origin", "HEAD")


async def test_a_git_that_is_at_work_keeps_its_locks(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, _gate = await _make(control, workspaces)
    lock = tree.path / ".git" / "index.lock"
    lock.touch()
    somebody = await asyncio.create_subprocess_exec("cat", cwd=tree.path, stdin=subprocess.PIPE)
    try:
        await _make(control, workspaces)
        assert lock.exists()
    finally:
        await somebody.communicate(b"")
    await _make(control, workspaces)
    assert not lock.exists()


async def test_a_linked_git_directory_is_not_cleared(
    control: ControlRepository, workspaces: Workspaces, user: Repo
) -> None:
    tree, _gate = await _make(control, workspaces)
    theirs = user.path / "poetry.lock"
    theirs.touch()
    shutil.rmtree(tree.path / ".git")
    (tree.path / ".git").symlink_to(user.path)
    await _make(control, workspaces)
    assert theirs.exists()


async def test_objects_are_borrowed_not_linked(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    borrowed = str(control.path / "objects")
    for git_dir in (tree.path / ".git", gate):
        assert (git_dir / "objects" / "info" / "alternates").read_text().strip() == borrowed
        assert not [path for path in (git_dir / "objects").rglob("*") if path.is_file() and path.name != "alternates"]


async def test_agents_daily_git(control: ControlRepository, workspaces: Workspaces, user: Repo) -> None:
    """What agents type without being told: a bare push, a fetch of the target, a force push after a rebase."""
    tree, gate = await _make(control, workspaces)
    tree.commit({"c.txt": "c\n"})
    tree.git("push")
    user.commit({"d.txt": "d\n"})
    await control.sync_target()
    tree.git("fetch", "origin", "main")
    assert "behind 1" in tree.git("status", "-sb")
    tree.git("pull", "--quiet", "--rebase", "origin", "main")
    tree.git("push", "--force-with-lease", "origin", "HEAD")
    tree.git("push", "-u", "origin", "agent/1-work")
    assert await control.fetch_head(gate, "agent/1-work", "pr-1") == tree.sha()
    assert refusals(gate) == ((), 0)


async def test_fleet_refs_are_not_served_to_agents(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    tree.commit({"secret": "s"})
    tree.git("push", "--quiet")
    await control.fetch_head(gate, "agent/1-work", "pr-1")
    other, _ = await _make(control, workspaces, 2)
    assert other.git("ls-remote", "origin").split()[1::2] == ["HEAD", "refs/heads/main"]


@pytest.mark.parametrize("name", HOSTILE_BRANCHES)
async def test_hostile_branch_names_are_only_names(
    control: ControlRepository, workspaces: Workspaces, name: str, tmp_path: Path
) -> None:
    paths = await workspaces.create(3, name, await control.target_sha())
    tree = Repo(paths.path)
    assert paths.branch == name == tree.git("branch", "--show-current").rstrip("\n")
    head = tree.commit({"c": "c"})
    tree.git("push")
    refused = tree.git("push", "origin", f"HEAD:refs/heads/{name}2", check=False)
    assert "only refs/heads/" in refused
    assert await control.fetch_head(paths.gate, name, "pr-1") == head
    assert await workspaces.remove(3, "done")
    assert not [path for path in tmp_path.rglob("x") if path.name == "x"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        "a b",
        "a..b",
        "a~1",
        "a:b",
        "a\\b",
        "a\x1b[31m",
        "@{-1}",
        "HEAD",
        "a.lock",
        "/a",
        "a/",
        "a\0b",
        "x" * 300,
    ],
)
async def test_names_that_are_no_branch_are_refused(
    control: ControlRepository, workspaces: Workspaces, name: str
) -> None:
    with pytest.raises(FleetError, match="not a branch name"):
        await workspaces.create(3, name, await control.target_sha())
    assert workspaces.find(3) is None


async def test_taken_branches_get_a_number(control: ControlRepository, workspaces: Workspaces, user: Repo) -> None:
    base = await control.target_sha()
    user.git("branch", "agent/1-work")
    assert (await workspaces.create(1, "agent/1-work", base)).branch == "agent/1-work-2"
    assert (await workspaces.create(2, "agent/1-work", base)).branch == "agent/1-work-3"
    assert (await workspaces.create(3, "main", base)).branch == "main-2"


async def test_failed_creation_leaves_nothing(control: ControlRepository, workspaces: Workspaces) -> None:
    with pytest.raises(FleetError):
        await workspaces.create(1, "agent/1-x", "1" * 40)
    assert names(workspaces.root) == []


async def test_deleted_tree_and_gate_are_made_again(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    pushed = tree.commit({"c": "pushed"})
    tree.git("push", "--quiet")
    base = await control.target_sha()
    shutil.rmtree(tree.path)
    again = await workspaces.create(1, "agent/1-work", base)
    assert Repo(again.path).sha() == pushed
    shutil.rmtree(gate)
    await workspaces.create(1, "agent/1-work", base)
    assert Repo(again.path).git("push")
    assert await control.fetch_head(gate, "agent/1-work", "pr-1") == pushed
    shutil.rmtree(gate)
    shutil.rmtree(tree.path)
    await workspaces.create(1, "agent/1-work", base)
    assert Repo(again.path).sha() == pushed, "the last head that was fetched is not forgotten"


async def test_a_tree_replaced_by_a_file_is_made_again(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, _ = await _make(control, workspaces)
    shutil.rmtree(tree.path)
    tree.path.write_text("not a directory")
    await _make(control, workspaces)
    assert (tree.path / "a.txt").exists()


# -- the gate --------------------------------------------------------------------------------------------------------


async def test_gate_admits_one_branch(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    old = tree.sha()
    head = tree.commit({"c": "c"})
    tree.git("tag", "v1")
    zero = "0" * 40
    attempts = {
        "HEAD:refs/heads/main": "refs/heads/main",
        "v1": "refs/tags/v1",
        "HEAD:refs/fleet/pins/pr-1": "refs/fleet/pins/pr-1",
        "HEAD:refs/heads/agent/1-work2": "refs/heads/agent/1-work2",
        "HEAD:refs/heads/Agent/1-work": "refs/heads/Agent/1-work",
    }
    for refspec in attempts:
        assert "rejected" in tree.git("push", "origin", refspec, check=False), refspec
    assert Repo(gate).git("for-each-ref") == ""
    seen, position = refusals(gate)
    assert [(refusal.old, refusal.new, str(refusal.ref)) for refusal in seen] == [
        (zero, head, ref) for ref in attempts.values()
    ]
    tree.git("push", "--quiet")
    assert "branches are not deleted" in tree.git("push", "origin", ":agent/1-work", check=False)
    later, end = refusals(gate, position)
    assert [(refusal.old, refusal.new) for refusal in later] == [(head, zero)]
    assert refusals(gate, end) == ((), end)
    assert old != head


async def test_mixed_push_is_refused_whole(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    tree.commit({"c": "c"})
    tree.git("push", "origin", "HEAD:refs/heads/agent/1-work", "HEAD:refs/heads/main", check=False)
    assert Repo(gate).git("for-each-ref") == ""


async def test_forced_push_keeps_the_old_head(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    first = tree.commit({"c": "1"})
    tree.git("push", "--quiet")
    await control.fetch_head(gate, "agent/1-work", "pr-1")
    tree.git("commit", "--quiet", "--amend", "-m", "again")
    assert "rejected" in tree.git("push", check=False)
    tree.git("push", "--force")
    second = await control.fetch_head(gate, "agent/1-work", "pr-1")
    assert second == tree.sha() != first
    assert await control.resolve(f"refs/fleet/heads/pr-1/{first}") == first


async def test_gate_refuses_too_much_at_once(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, gate = await _make(control, workspaces)
    Repo(gate).git("config", "receive.maxInputSize", "10000")
    tree.commit({"big": os.urandom(50_000)})
    assert "exceeds maximum" in tree.git("push", check=False)
    assert await control.fetch_head(gate, "agent/1-work", "pr-1") is None


async def test_refusals_survive_a_hostile_log(
    control: ControlRepository, workspaces: Workspaces, tmp_path: Path
) -> None:
    _, gate = await _make(control, workspaces)
    log = gate / "refused.log"
    zero = "0" * 40
    log.write_bytes(
        b"garbage\n\xff\xfe\n" + f"{zero} {zero} refs/heads/\u202eevil\x1b[2J\n{zero} {zero} unfinished".encode()
    )
    seen, position = refusals(gate)
    assert [str(refusal.ref) for refusal in seen] == ["refs/heads/evil"]
    with log.open("ab") as file:
        file.write(b"\n")
    assert [str(refusal.ref) for refusal in refusals(gate, position)[0]] == ["unfinished"]
    log.write_text(f"{zero} {zero} shorter\n")
    assert [str(refusal.ref) for refusal in refusals(gate, 10_000)[0]] == ["shorter"]
    log.unlink()
    log.symlink_to("/etc/passwd")
    assert refusals(gate) == ((), 0)
    log.unlink()
    os.mkfifo(log)
    assert refusals(gate) == ((), 0)


# -- reviews ---------------------------------------------------------------------------------------------------------


async def test_review_checkout(control: ControlRepository, workspaces: Workspaces, user: Repo) -> None:
    tree, gate = await _make(control, workspaces)
    first = tree.commit({"c": "1"})
    tree.git("push", "--quiet")
    await control.fetch_head(gate, "agent/1-work", "pr-1")
    path = await workspaces.review_checkout("run-1", first)
    reviewer = Repo(path)
    assert reviewer.sha() == first
    assert reviewer.git("branch", "--show-current") == ""
    assert reviewer.git("diff", "--name-only", "origin/main...HEAD").split() == ["c"]
    assert "nothing is accepted here" in reviewer.git("push", "origin", "HEAD:refs/heads/agent/1-work", check=False)
    reviewer.write({"notes": "kept"})
    assert await workspaces.review_checkout("run-1", first) == path
    assert (path / "notes").exists()
    second = user.commit({"z": "z"})
    await control.sync_target()
    await workspaces.review_checkout("run-1", second)
    assert reviewer.sha() == second
    assert not (path / "notes").exists()
    await workspaces.remove_review("run-1")
    assert not path.exists()
    for name in ("../x", "", "A", "a/b", "x" * 80):
        with pytest.raises(FleetError, match="unsafe name"):
            await workspaces.review_checkout(name, first)


# -- snapshots and removal -------------------------------------------------------------------------------------------


def _kept(control: ControlRepository, ref: str) -> dict[str, str]:
    listed = run_git("--git-dir", control.path, "ls-tree", "-r", "-z", ref).decode("utf-8", "surrogateescape")
    entries = (entry.split("\t", 1) for entry in listed.split("\0") if entry)
    return {path: meta.split()[0] for meta, path in entries}


async def test_snapshot_keeps_everything_that_counts(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, _ = await _make(control, workspaces)
    tree.git("switch", "--quiet", "-c", "experiment")
    experiment = tree.commit({"e": "experiment"})
    tree.git("switch", "--quiet", "agent/1-work")
    tree.write({"stashed": "s"})
    tree.git("stash", "--quiet", "--include-untracked")
    stash = tree.sha("refs/stash")
    tracked = tree.commit({".gitignore": "*.o\n/build/\n", "kept.o": "tracked although ignored"})
    tree.write({"a.txt": "uncommitted\n", "x.o": "ignored", "build/y": "ignored", "new/deep/file": "n"})
    tree.write({'q"\\\n\xff': "odd", ":(top)z": "z"})
    (tree.path / "src" / "b.py").unlink()
    (tree.path / "dangling").symlink_to("/nowhere")
    (tree.path / "loop").symlink_to(".")
    (tree.path / "run").write_text("x")
    (tree.path / "run").chmod(0o755)
    (tree.path.joinpath(os.fsdecode(b"\xff\xfe"))).write_text("not utf-8")
    os.mkfifo(tree.path / "fifo")
    ref = await workspaces.snapshot(1)
    assert ref == await workspaces.snapshot(1)
    kept = _kept(control, ref)
    plain = {".gitignore", "a.txt", "kept.o", "new/deep/file", 'q"\\\n\xff', ":(top)z", "\udcff\udcfe"}
    assert kept == dict.fromkeys(plain, "100644") | {"dangling": "120000", "loop": "120000", "run": "100755"}
    commit = await control.resolve(ref)
    assert commit
    assert await control.read_file(commit, "a.txt") == "uncommitted\n"
    for reachable in (experiment, stash, tracked):
        assert await control.is_ancestor(reachable, commit)
    assert Repo(control.path).git("for-each-ref", "refs/fleet/tmp") == ""


async def test_a_hostile_gitignore_hides_nothing(
    control: ControlRepository, workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, _ = await _make(control, workspaces)
    tree.write({"work": "w"})
    os.mkfifo(tree.path / ".gitignore")
    monkeypatch.setattr(snapshot, "IGNORE_LIMIT_S", 0.5)
    assert "work" in _kept(control, await workspaces.snapshot(1))


async def test_remove_keeps_a_copy_and_is_repeatable(
    control: ControlRepository, workspaces: Workspaces, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep")
    tree, _ = await _make(control, workspaces)
    unpushed = tree.commit({"c": "committed, never pushed"})
    tree.write({"dirty": "d"})
    (tree.path / "outside").symlink_to(precious)
    locked = tree.path / "locked" / "deeper"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.parent.chmod(0o555)
    ref = await workspaces.remove(1, "merged")
    assert await workspaces.remove(1, "merged") == ref
    assert names(workspaces.root) == []
    assert (precious / "file").read_text() == "keep"
    commit = await control.resolve(ref)
    assert commit
    assert await control.is_ancestor(unpushed, commit)
    assert {"dirty", "outside", "locked/deeper/file"} <= set(_kept(control, ref))
    with pytest.raises(FleetError, match="no workspace"):
        await workspaces.remove(2, "never was")


@pytest.mark.parametrize("what", ["nested", "broken", "replaced", "huge"])
async def test_what_cannot_be_kept_whole_is_set_aside(
    control: ControlRepository, workspaces: Workspaces, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, _ = await _make(control, workspaces)
    tree.commit({"c": "c"})
    tree.write({"dirty": "d", "vendor/x": "x"})
    if what == "nested":
        tree.git("init", "--quiet", "vendor")
    elif what == "broken":
        (tree.path / ".git" / "refs" / "heads" / "agent" / "1-work").write_text("1" * 40 + "\n")
    elif what == "replaced":
        shutil.rmtree(tree.path / ".git")
        (tree.path / ".git").symlink_to("/")
    else:
        monkeypatch.setattr(snapshot, "MAX_FILE_BYTES", 5)
        tree.write({"huge": "123456"})
    ref = await workspaces.remove(1, "closed")
    assert {"dirty", "vendor/x"} <= set(_kept(control, ref))
    (aside,) = names(workspaces.root)
    assert aside.startswith("kept-1-")
    assert (workspaces.root / aside / "tree" / "dirty").exists()
    assert await workspaces.remove(1, "closed") == ref


async def test_remove_after_the_tree_was_deleted_by_hand(control: ControlRepository, workspaces: Workspaces) -> None:
    tree, _ = await _make(control, workspaces)
    shutil.rmtree(tree.path)
    ref = await workspaces.remove(1, "gone")
    assert await control.resolve(ref) == await control.target_sha()


async def test_tidy(control: ControlRepository, workspaces: Workspaces) -> None:
    await _make(control, workspaces)
    for name in (".new-x", ".trash-y"):
        (workspaces.root / name / "deep").mkdir(parents=True)
    await workspaces.tidy()
    assert names(workspaces.root) == ["1"]


async def test_disk_usage(control: ControlRepository, workspaces: Workspaces) -> None:
    assert await workspaces.disk_usage() == {}
    tree, _ = await _make(control, workspaces, 4)
    before = (await workspaces.disk_usage())[4]
    tree.write({"big": os.urandom(300_000)})
    os.link(tree.path / "big", tree.path / "same")
    (tree.path / "up").symlink_to("/usr")
    after = (await workspaces.disk_usage())[4]
    assert 300_000 <= after - before < 330_000
