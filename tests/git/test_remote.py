"""The repository at a forge: fetched, pushed to with a lease, and never past what somebody else did there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.git.control import ControlRepository
from fleet_tui.git.remote import RemoteRepository

from .conftest import Repo, run_git


@pytest.fixture
def there(tmp_path: Path, user: Repo) -> Path:
    """A bare repository with what the person has."""
    path = tmp_path / "there.git"
    run_git("clone", "--quiet", "--bare", str(user.path), str(path))
    return path


@pytest.fixture
async def remote(there: Path, control: ControlRepository) -> RemoteRepository:
    await control.ensure()
    return RemoteRepository(control, str(there), {})


def at(there: Path, branch: str) -> str:
    return run_git("-C", there, "rev-parse", f"refs/heads/{branch}").decode().strip()


async def test_it_fetches_a_branch_and_knows_where_it_was(remote: RemoteRepository, user: Repo, there: Path) -> None:
    sha = user.commit({"new.txt": "new\n"})
    user.git("push", "--quiet", str(there), "main")
    assert await remote.fetch("main") == sha == await remote.seen("main")
    assert await remote.fetch("none") is None
    run_git("-C", there, "update-ref", "-d", "refs/heads/main")
    assert await remote.fetch("main") is None
    assert await remote.seen("main") is None


async def test_it_pushes_only_from_where_it_was(remote: RemoteRepository, user: Repo, there: Path) -> None:
    first, second = user.sha(), user.commit({"new.txt": "new\n"})
    user.git("push", "--quiet", str(there), f"{second}:refs/heads/side")
    await remote.fetch("side")
    await remote.push(first, "agent/1-x", None)
    await remote.push(first, "agent/1-x", None)  # said again: it is there already
    await remote.push(second, "agent/1-x", first)
    assert at(there, "agent/1-x") == second
    await remote.push(first, "agent/1-x", second)  # rewritten by its author
    assert at(there, "agent/1-x") == first


async def test_what_somebody_else_put_there_stays(remote: RemoteRepository, user: Repo, there: Path) -> None:
    first = user.sha()
    await remote.push(first, "agent/1-x", None)
    theirs = user.commit({"theirs.txt": "theirs\n"})
    user.git("push", "--quiet", str(there), f"{theirs}:refs/heads/agent/1-x")
    with pytest.raises(Conflict):
        await remote.push(first, "agent/1-x", first)
    assert at(there, "agent/1-x") == theirs
    run_git("-C", there, "update-ref", "-d", "refs/heads/agent/1-x")
    with pytest.raises(Conflict):
        await remote.push(first, "agent/1-x", first)


async def test_out_of_reach_is_told_with_the_address(control: ControlRepository, tmp_path: Path) -> None:
    await control.ensure()
    gone = RemoteRepository(control, str(tmp_path / "gone.git"), {})
    for act in (gone.fetch("main"), gone.push(await control.target_sha(), "a", None)):
        with pytest.raises(FleetError, match=r"gone\.git") as told:
            await act
        assert not isinstance(told.value, Conflict)
