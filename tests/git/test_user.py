"""Publishing into the person's repository: clean, dirty, elsewhere, gone, busy, diverged. Nothing of theirs is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.user import UserRepository
from fleet_tui.git.values import PublishState, SyncState

from .conftest import Repo, run_git


@pytest.fixture
async def landed(control: ControlRepository, user: Repo) -> tuple[str, str]:
    """(landed commit, the target before): one change to a.txt has landed and is not published."""
    base = user.sha()
    user.git("switch", "--quiet", "-c", "feature")
    head = user.commit({"a.txt": "landed\n", "new.txt": "new\n"})
    user.git("switch", "--quiet", "main")
    assert await control.fetch_head(user.path, "feature", "feature") == head
    assert await control.land(head, base)
    return head, base


async def test_inspect(person: UserRepository, user: Repo, tmp_path: Path) -> None:
    user.git("remote", "add", "upstream", "/nowhere")
    user.git("worktree", "add", "--quiet", "-b", "second", str(tmp_path / "second"))
    user.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "third"))
    user.write({"a.txt": "changed\n", "untracked": "x"})
    state = await person.inspect()
    assert (state.empty, state.branch, state.head, state.dirty, state.remotes) == (
        False, "main", user.sha(), ("a.txt",), ("upstream",),
    )  # fmt: skip
    assert [(place.path, place.branch) for place in state.checkouts] == [
        (user.path, "main"), (tmp_path / "second", "second"), (tmp_path / "third", None),
    ]  # fmt: skip
    user.git("checkout", "--quiet", "--detach")
    assert (await person.inspect()).branch is None


async def test_inspect_an_empty_and_an_absent_repository(tmp_path: Path) -> None:
    run_git("init", "--quiet", str(tmp_path / "empty"))
    state = await UserRepository(tmp_path / "empty").inspect()
    assert (state.empty, state.branch, state.head, state.dirty) == (True, "main", None, ())
    with pytest.raises(FleetError, match="not a git repository"):
        await UserRepository(tmp_path / "absent").inspect()


async def test_tickets_do_not_make_it_dirty(person: UserRepository, user: Repo) -> None:
    user.commit({".fleet/tickets/0001-x.md": "1\n"})
    user.write({".fleet/tickets/0001-x.md": "2\n"})
    assert (await person.inspect()).dirty == ()


async def test_clean_checkout_follows(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    head, base = landed
    user.write({"untracked": "stays"})
    first = await person.publish(control, head, base)
    assert (first.state, first.sha, first.where) == (PublishState.PUBLISHED, head, user.path)
    assert (user.path / "new.txt").read_text() == "new\n"
    assert (user.path / "untracked").read_text() == "stays"
    assert user.git("status", "--porcelain", "--untracked-files=no") == ""
    assert user.sha("refs/fleet/main") == head
    assert (await control.sync_target()).state is SyncState.SAME
    again = await person.publish(control, head, base)
    assert (again.state, again.sha) == (PublishState.PUBLISHED, head)


async def test_dirty_checkout_waits(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    head, base = landed
    user.write({"src/b.py": "mine\n"})
    waiting = await person.publish(control, head, base)
    assert (waiting.state, waiting.where) == (PublishState.WAITING, user.path)
    assert "src/b.py" in waiting.reason
    assert (user.sha(), (user.path / "src/b.py").read_text()) == (base, "mine\n")
    assert user.sha("refs/fleet/main") == head
    user.git("checkout", "--quiet", "src/b.py")
    assert (await person.publish(control, head, base)).state is PublishState.PUBLISHED


async def test_untracked_file_in_the_way_waits(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    head, base = landed
    user.write({"new.txt": "mine\n"})
    waiting = await person.publish(control, head, base)
    assert waiting.state is PublishState.WAITING
    assert "new.txt" in waiting.reason
    assert (user.sha(), (user.path / "new.txt").read_text()) == (base, "mine\n")


@pytest.mark.parametrize("how", ["detached", "other"])
async def test_target_checked_out_nowhere_moves_alone(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str], how: str
) -> None:
    head, base = landed
    user.git("checkout", "--quiet", *(["--detach"] if how == "detached" else ["-b", "other"]))
    user.write({"a.txt": "in the middle of something\n"})
    done = await person.publish(control, head, base)
    assert (done.state, done.where) == (PublishState.PUBLISHED, None)
    assert (user.sha("main"), user.sha("HEAD")) == (head, base)
    assert (user.path / "a.txt").read_text() == "in the middle of something\n"


async def test_target_in_a_linked_worktree(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str], tmp_path: Path
) -> None:
    head, base = landed
    user.git("switch", "--quiet", "-c", "other")
    user.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "main")
    linked = Repo(tmp_path / "linked")
    linked.write({"a.txt": "mine\n"})
    waiting = await person.publish(control, head, base)
    assert (waiting.state, waiting.where) == (PublishState.WAITING, linked.path)
    linked.git("checkout", "--quiet", "a.txt")
    done = await person.publish(control, head, base)
    assert (done.state, done.where) == (PublishState.PUBLISHED, linked.path)
    assert (linked.path / "new.txt").exists()
    assert not (user.path / "new.txt").exists()


async def test_a_vanished_worktree_does_not_block(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str], tmp_path: Path
) -> None:
    head, base = landed
    user.git("switch", "--quiet", "-c", "other")
    user.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "main")
    (tmp_path / "linked").rename(tmp_path / "moved")
    assert (await person.publish(control, head, base)).state is PublishState.PUBLISHED
    assert user.sha("main") == head


async def test_two_checkouts_of_the_target_wait(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str], tmp_path: Path
) -> None:
    user.git("worktree", "add", "--quiet", "--force", str(tmp_path / "linked"), "main")
    waiting = await person.publish(control, *landed)
    assert waiting.state is PublishState.WAITING
    assert "several" in waiting.reason


async def test_branch_deleted_meanwhile(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    user.git("checkout", "--quiet", "--detach")
    user.git("branch", "--quiet", "-D", "main")
    assert (await person.publish(control, *landed)).state is PublishState.MISSING
    assert "main" not in user.git("branch", "--format=%(refname:short)").split()


async def test_user_commit_meanwhile_diverges(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    head, base = landed
    theirs = user.commit({"mine.txt": "mine\n"})
    for expected in (base, theirs):
        diverged = await person.publish(control, head, expected)
        assert (diverged.state, diverged.sha) == (PublishState.DIVERGED, theirs)
    assert user.sha() == theirs
    # The way out that the person is told: merge what the fleet has.
    user.git("merge", "--quiet", "--no-edit", "refs/fleet/main")
    assert (await control.sync_target()).state is SyncState.USER_AHEAD
    assert (await person.publish(control, head, base)).state is PublishState.PUBLISHED


async def test_target_moved_back_is_not_overrun(control: ControlRepository, person: UserRepository, user: Repo) -> None:
    first = user.commit({"1": "1"})
    await control.sync_target()
    user.git("switch", "--quiet", "-c", "feature")
    head = user.commit({"2": "2"})
    user.git("switch", "--quiet", "main")
    await control.fetch_head(user.path, "feature", "feature")
    assert await control.land(head, first)
    user.git("reset", "--quiet", "--hard", "HEAD~1")
    moved = await person.publish(control, head, first)
    assert (moved.state, moved.sha) == (PublishState.MOVED, user.sha())
    assert (await person.publish(control, head, user.sha())).state is PublishState.PUBLISHED


async def test_rebase_in_progress_waits(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    head, base = landed
    user.git("switch", "--quiet", "-c", "side", "main~0")
    user.commit({"a.txt": "side\n"})
    user.git("switch", "--quiet", "main")
    user.commit({"a.txt": "main\n"})
    user.git("rebase", "side", check=False)
    state = await person.inspect()
    assert state.branch is None
    assert [(place.branch, place.busy) for place in state.checkouts] == [("main", "rebase")]
    # Without the new commit the target would be a fast-forward, so only the rebase stands in the way.
    user.git("update-ref", "refs/heads/main", base)
    waiting = await person.publish(control, head, base)
    assert waiting.state is PublishState.WAITING
    assert "rebase" in waiting.reason
    assert user.sha("main") == base


async def test_locks_of_another_git_wait_and_are_left_alone(
    control: ControlRepository, person: UserRepository, user: Repo, landed: tuple[str, str]
) -> None:
    lock = user.path / ".git" / "index.lock"
    lock.write_text("")
    waiting = await person.publish(control, *landed)
    assert waiting.state is PublishState.WAITING
    assert "lock" in waiting.reason
    assert lock.exists()


async def test_ticket_edits_survive_publication(control: ControlRepository, person: UserRepository, user: Repo) -> None:
    base = user.commit({".fleet/tickets/0001-x.md": "1\n"})
    await control.sync_target()
    user.git("switch", "--quiet", "-c", "feature")
    head = user.commit({"c": "c"})
    user.git("switch", "--quiet", "main")
    user.write({".fleet/tickets/0001-x.md": "edited\n"})
    await control.fetch_head(user.path, "feature", "feature")
    assert await control.land(head, base)
    assert (await person.publish(control, head, base)).state is PublishState.PUBLISHED
    assert (user.path / ".fleet/tickets/0001-x.md").read_text() == "edited\n"
