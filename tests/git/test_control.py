"""The control repository: creation, following the user, fetching, merging, landing."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.git import control as control_module
from fleet_tui.git import foreign
from fleet_tui.git.command import GitError
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.foreign import Unreadable
from fleet_tui.git.values import SyncState, UnrelatedHistories

from .conftest import WHEN_NS, Repo, names, run_git


def _side(user: Repo, name: str, files: dict[str, str | bytes | None], start: str = "main") -> str:
    user.git("switch", "--quiet", "-c", name, start)
    sha = user.commit(files, name)
    user.git("switch", "--quiet", "main")
    return sha


async def _fetched(
    control: ControlRepository, user: Repo, name: str, files: dict[str, str | bytes | None], start: str = "main"
) -> str:
    expected = _side(user, name, files, start)
    assert await control.fetch_head(user.path, name, name) == expected
    return expected


# -- ensure ----------------------------------------------------------------------------------------------------------


async def test_ensure_is_idempotent(control: ControlRepository, user: Repo) -> None:
    assert await control.ensure() == user.sha() == await control.ensure() == await control.target_sha()
    assert not list(control.path.parent.glob(".new-*"))


async def test_ensure_explains_what_is_wrong(tmp_path: Path, user: Repo) -> None:
    plain, empty, bare, shallow = (tmp_path / name for name in ("plain", "empty", "bare", "shallow"))
    plain.mkdir()
    run_git("init", "--quiet", str(empty))
    run_git("init", "--quiet", "--bare", str(bare))
    user.commit({"a.txt": "more\n"})
    run_git("clone", "--quiet", "--depth=1", f"file://{user.path}", str(shallow))
    cases = {
        plain: ("main", "not a git repository"),
        tmp_path / "absent": ("main", "not a git repository"),
        empty: ("main", "empty repository"),
        bare: ("main", "bare repository"),
        shallow: ("main", "shallow repository"),
        user.path / "src": ("main", "not the top of the repository"),
        user.path: ("trunk", "target branch missing"),
    }
    for path, (target, title) in cases.items():
        with pytest.raises(FleetError) as raised:
            await ControlRepository(tmp_path / "state" / "c.git", path, target).ensure()
        assert raised.value.title == title, path
        assert raised.value.hint, path
    assert not (tmp_path / "state" / "c.git").exists()


async def test_detached_head_is_fine_when_the_target_exists(tmp_path: Path, user: Repo) -> None:
    user.git("checkout", "--quiet", "--detach")
    assert await ControlRepository(tmp_path / "c.git", user.path, "main").ensure() == user.sha()


async def test_sha256_repository(tmp_path: Path) -> None:
    path = tmp_path / "long"
    run_git("init", "--quiet", "--object-format=sha256", str(path))
    sha = Repo(path).commit({"a": "1\n"})
    control = ControlRepository(tmp_path / "c.git", path, "main")
    assert await control.ensure() == sha
    assert len(sha) == 64
    head = await _fetched(control, Repo(path), "feature", {"b": "2\n"})
    result = await control.merge_result(sha, head, method="merge", message="m", when_ns=WHEN_NS)
    assert result.clean
    assert await control.land(result.commit, sha)


async def test_ensure_clears_what_a_killed_process_left(control: ControlRepository, user: Repo) -> None:
    base = await control.target_sha()
    stale, young, held = (control.path / "refs" / "heads" / f"{name}.lock" for name in ("main", "young", "held"))
    for lock in (stale, young, held):
        lock.write_text("")
    for lock in (stale, held):
        os.utime(lock, (time.time() - 60, time.time() - 60))
    await control._update_ref("refs/fleet/tmp/left", base, None, "x")
    with held.open():
        assert await control.ensure() == base
    assert [lock.exists() for lock in (stale, young, held)] == [False, True, True]
    assert await control.resolve("refs/fleet/tmp/left") is None
    head = await _fetched(control, user, "one", {"1": "1"})
    assert await control.land(head, base)


# -- following the user ----------------------------------------------------------------------------------------------


async def test_sync_target(control: ControlRepository, user: Repo) -> None:
    start = await control.target_sha()
    assert (await control.sync_target()).state is SyncState.SAME

    newer = user.commit({"a.txt": "user\n"})
    sync = await control.sync_target()
    assert (sync.state, sync.before, sync.ours, sync.theirs) == (SyncState.USER_AHEAD, start, newer, newer)

    head = await _fetched(control, user, "feature", {"c.txt": "c\n"})
    assert await control.land(head, newer)
    assert (await control.sync_target()).state is SyncState.WE_AHEAD

    theirs = user.commit({"d.txt": "d\n"})
    sync = await control.sync_target()
    assert (sync.state, sync.ours, sync.theirs) == (SyncState.DIVERGED, head, theirs)

    user.git("checkout", "--quiet", "--detach")
    user.git("branch", "-D", "main")
    sync = await control.sync_target()
    assert (sync.state, sync.ours, sync.theirs) == (SyncState.MISSING, head, None)


async def test_a_forced_user_branch_is_seen(control: ControlRepository, user: Repo) -> None:
    user.commit({"a.txt": "first\n"})
    await control.sync_target()
    user.git("reset", "--quiet", "--hard", "HEAD~1")
    assert (await control.sync_target()).state is SyncState.WE_AHEAD
    user.commit({"a.txt": "second\n"})
    assert (await control.sync_target()).state is SyncState.DIVERGED


# -- fetching --------------------------------------------------------------------------------------------------------


async def test_fetch_pins_every_head(control: ControlRepository, user: Repo) -> None:
    first = await _fetched(control, user, "feature", {"c": "1\n"})
    user.git("branch", "--quiet", "-D", "feature")
    second = _side(user, "feature", {"c": "2\n"})
    assert await control.fetch_head(user.path, "feature", "feature") == second
    assert await control.resolve("refs/fleet/pins/feature") == second
    assert await control.resolve(f"refs/fleet/heads/feature/{first}") == first
    assert await control.fetch_head(user.path, "absent", "feature") is None


async def test_fetch_refuses_damaged_objects(control: ControlRepository, user: Repo) -> None:
    tree = user.sha("HEAD^{tree}")
    broken = f"tree {tree}\nparent {user.sha()}\nauthor nobody\ncommitter nobody <a> 1 +0000\n\nx\n"
    words = ("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
    made = run_git("--git-dir", user.path / ".git", *words, given=broken.encode())
    (user.path / ".git" / "refs" / "heads" / "broken").write_bytes(made)
    with pytest.raises(Unreadable):
        await control.fetch_head(user.path, "broken", "broken")
    assert await control.resolve("refs/fleet/pins/broken") is None


async def test_fetch_refuses_what_is_no_gate(control: ControlRepository, user: Repo, tmp_path: Path) -> None:
    link = tmp_path / "link.git"
    link.symlink_to(user.path)
    for gate in (link, tmp_path / "absent"):
        with pytest.raises(FleetError, match="gate missing"):
            await control.fetch_head(gate, "main", "x")


async def test_fetch_refuses_a_flood(control: ControlRepository, user: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_GATE_BYTES", 1000)
    with pytest.raises(FleetError, match="push too large"):
        await control.fetch_head(user.path, "main", "x")


@pytest.mark.parametrize("pin", ["", "../x", "a b", "a//b", "-x", "a/../b", "x.lock", "x" * 300, "a\n"])
async def test_unsafe_pins(control: ControlRepository, user: Repo, pin: str) -> None:
    with pytest.raises(FleetError, match="unsafe ref name"):
        await control.fetch_head(user.path, "main", pin)


@pytest.mark.parametrize("sha", ["", "main", "HEAD", "--help", "abc123", "z" * 40, "a" * 41])
async def test_only_full_ids_are_commits(control: ControlRepository, sha: str) -> None:
    with pytest.raises(FleetError, match="not a commit id"):
        await control.tree_of(sha)


# -- questions -------------------------------------------------------------------------------------------------------


async def test_authors_name_everybody(control: ControlRepository, user: Repo) -> None:
    base = user.sha()
    user.git("switch", "--quiet", "-c", "feature")
    user.commit({"c": "1"}, "work\n\nCo-authored-by: Robin <robin@example.org>\nco-authored-by: Kim <kim@example.org>")
    user.git(
        "-c", "user.name=Alex\x1b[31m", "commit", "--amend", "--quiet", "--no-edit", "--author", "Sam <sam@example.org>"
    )
    head = await control.fetch_head(user.path, "feature", "feature")
    assert head
    assert await control.authors(base, head) == (
        "Alex <pat@example.org>", "Kim <kim@example.org>", "Robin <robin@example.org>", "Sam <sam@example.org>",
    )  # fmt: skip
    assert await control.authors(head, head) == ()


async def test_read_file(control: ControlRepository, user: Repo) -> None:
    (user.path / "link").symlink_to("/etc/passwd")
    files: dict[str, str | bytes | None] = {":(top)odd*": "odd\n", "bad": b"\xff\n", "dir/x": "x\n"}
    user.commit(files)
    user.git("add", "link")
    user.git("commit", "--quiet", "-m", "link")
    head = (await control.sync_target()).ours
    assert await control.read_file(head, ":(top)odd*") == "odd\n"
    assert await control.read_file(head, "bad") == "\\xff\n"
    for absent in ("link", "dir", "dir/", "absent", "", "../a.txt", "/a.txt", "*"):
        assert await control.read_file(head, absent) is None, absent
    with pytest.raises(FleetError, match="too large"):
        await control.read_file(head, "a.txt", max_bytes=3)


# -- merging and landing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
async def test_merge_result_is_deterministic(control: ControlRepository, user: Repo, method: str) -> None:
    base = user.commit({"z": "z\n"})
    await control.sync_target()
    head = await _fetched(control, user, "feature", {"c.txt": "c\n"}, "main~1")
    first = await control.merge_result(base, head, method=method, message="Land #1\n\nbody", when_ns=WHEN_NS)
    again = await control.merge_result(base, head, method=method, message="Land #1\n\nbody", when_ns=WHEN_NS)
    later = await control.merge_result(base, head, method=method, message="Land #1\n\nbody", when_ns=WHEN_NS + 10**9)
    assert first == again
    assert later.tree == first.tree
    assert later.commit != first.commit
    assert await control.tree_of(first.commit) == first.tree
    assert await control.is_ancestor(base, first.commit)
    assert await control.is_ancestor(head, first.commit) is (method == "merge")
    assert {change.path for change in (await control.summary(base, first.commit)).files} == {"c.txt"}


async def test_conflicts_name_paths(control: ControlRepository, user: Repo) -> None:
    head = await _fetched(control, user, "feature", {"a.txt": "theirs\n", "odd\nname": "theirs"})
    base = user.commit({"a.txt": "ours\n", "odd\nname": "ours"})
    await control.sync_target()
    result = await control.merge_result(base, head, method="merge", message="m", when_ns=WHEN_NS)
    assert result.conflicts == ("a.txt", "odd\nname")
    assert not result.clean
    assert not result.commit


async def test_conflicts_beyond_all_measure_are_conflicts(
    control: ControlRepository, user: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, str | bytes | None] = {f"file-{nth:03}": "theirs\n" for nth in range(200)}
    head = await _fetched(control, user, "feature", files)
    base = user.commit(dict.fromkeys(files, "ours\n"))
    await control.sync_target()
    monkeypatch.setattr(control_module, "MAX_LISTING_BYTES", 1000)
    result = await control.merge_result(base, head, method="merge", message="m", when_ns=WHEN_NS)
    assert not result.clean
    assert result.conflicts[0] == "file-000"


async def test_merge_of_what_is_in_already(control: ControlRepository, user: Repo) -> None:
    old = user.sha()
    base = user.commit({"c": "c"})
    await control.sync_target()
    result = await control.merge_result(base, old, method="merge", message="m", when_ns=WHEN_NS)
    assert result.already
    assert result.commit == base
    assert result.tree == await control.tree_of(base)


async def test_unrelated_histories_do_not_merge(control: ControlRepository, user: Repo) -> None:
    user.git("checkout", "--quiet", "--orphan", "island")
    head = user.commit({"only": "1\n"})
    assert await control.fetch_head(user.path, "island", "island") == head
    base = await control.target_sha()
    for method in ("merge", "squash"):
        with pytest.raises(UnrelatedHistories, match="no common history"):
            await control.merge_result(base, head, method=method, message="m", when_ns=WHEN_NS)
    assert {change.status for change in (await control.summary(base, head)).files} == {"A"}


async def test_merge_attributes_of_the_branch_have_no_say(control: ControlRepository, user: Repo) -> None:
    """`merge=union` would turn a conflict into both texts."""
    user.commit({".gitattributes": "* merge=union\n"})
    head = await _fetched(control, user, "feature", {"a.txt": "theirs\n"})
    base = user.commit({"a.txt": "ours\n"})
    await control.sync_target()
    assert (await control.merge_result(base, head, method="merge", message="m", when_ns=WHEN_NS)).conflicts == (
        "a.txt",
    )


async def test_land_is_compare_and_swap(control: ControlRepository, user: Repo) -> None:
    base = await control.target_sha()
    one = await _fetched(control, user, "one", {"1": "1"})
    two = await _fetched(control, user, "two", {"2": "2"})
    results = await asyncio.gather(control.land(one, base), control.land(two, base))
    assert sorted(results) == [False, True]
    assert await control.target_sha() == (one if results[0] else two)
    with pytest.raises(FleetError, match="not a fast-forward"):
        await control.land(two if results[0] else one, await control.target_sha())


async def test_land_that_cannot_write_is_an_error(control: ControlRepository, user: Repo) -> None:
    base = await control.target_sha()
    one = await _fetched(control, user, "one", {"1": "1"})
    heads = control.path / "refs" / "heads"
    (heads / "main.lock").write_text("")
    with pytest.raises(GitError, match="lock"):
        await control.land(one, base)
    assert await control.target_sha() == base


async def test_keep(control: ControlRepository, user: Repo) -> None:
    base = await control.target_sha()
    one = await _fetched(control, user, "one", {"1": "1"})
    assert await control.keep("ticket-1", base) == "refs/fleet/backup/ticket-1" == await control.keep("ticket-1", base)
    other = await control.keep("ticket-1", one)
    assert other == f"refs/fleet/backup/ticket-1-{one[:12]}"
    assert await control.resolve("refs/fleet/backup/ticket-1") == base
    assert set(await control.backups("ticket-1")) == {"refs/fleet/backup/ticket-1", other}


# -- checkouts -------------------------------------------------------------------------------------------------------


async def test_checkout_writes_the_commit_and_nothing_else(
    control: ControlRepository, user: Repo, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (user.path / "link").symlink_to("../outside")
    user.write(
        {"run.sh": "#!/bin/sh\n", ".gitattributes": "secret export-ignore\n*.crlf text eol=crlf\n", "secret": "s\n"}
    )
    (user.path / "run.sh").chmod(0o755)
    user.git("add", ".")
    user.git("update-index", "--add", "--cacheinfo", f"160000,{user.sha()},module")
    user.git("commit", "--quiet", "-m", "files")
    head = (await control.sync_target()).ours
    destination = tmp_path / "gates" / "one"
    destination.mkdir(parents=True)
    (destination / "stale").write_text("old")
    await control.checkout(head, destination)
    assert names(destination) == [".gitattributes", "a.txt", "link", "module", "run.sh", "secret", "src"]
    assert (destination / "link").readlink() == Path("../outside")
    assert (destination / "run.sh").stat().st_mode & stat.S_IXUSR
    assert list((destination / "module").iterdir()) == []
    assert names(destination.parent) == ["one"]
    assert list(outside.iterdir()) == []


async def test_checkout_replaces_a_link_without_following_it(control: ControlRepository, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep")
    (tmp_path / "out").symlink_to(precious)
    await control.checkout(await control.target_sha(), tmp_path / "out")
    assert not (tmp_path / "out").is_symlink()
    assert (precious / "file").read_text() == "keep"


async def test_checkout_of_an_unknown_commit_leaves_the_old_one(control: ControlRepository, tmp_path: Path) -> None:
    await control.checkout(await control.target_sha(), tmp_path / "out" / "x")
    with pytest.raises(GitError):
        await control.checkout("1" * 40, tmp_path / "out" / "x")
    assert (tmp_path / "out" / "x" / "a.txt").exists()
    assert names(tmp_path / "out") == ["x"]
