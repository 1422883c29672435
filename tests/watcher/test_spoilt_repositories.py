"""What an agent makes of its repository, at every level: it reaches nothing, and holds up nobody else."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import PullRequestState, TicketState
from fleet_tui.git import backup, foreign, snapshot
from fleet_tui.git.homes import gate_beside
from fleet_tui.governance.isolation import choose
from fleet_tui.tmux import sandbox
from fleet_tui.watcher.acts import discarding
from fleet_tui.watcher.confinement import agent_user as other_user
from fleet_tui.watcher.cursor import Cursor
from fleet_tui.watcher.loop import passes
from tests import agent_user
from tests.watcher.conftest import MakeFleet
from tests.watcher.test_command_places import at
from tests.watcher.watcher_support import BESIDES_PROCESSES, Fleet, agent, commit, git, until

SECRET = "two secret"
TEAM = [agent("dev", "developer"), agent("zoe", "developer"), agent("lee", "tech-lead")]
only_held_in = pytest.mark.skipif(sandbox.bubblewrap() is None, reason="where there is no bubblewrap all is at L0")
HELD_IN = ["L1", pytest.param("L2", marks=agent_user.only_root)]


@pytest.fixture
def secret(place: Path) -> Path:
    """A repository and a file of the person's that no sandbox shows."""
    path = place / "a-secret"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, {"s.txt": SECRET})
    (path / "file").write_text(f"line one\nline {SECRET}\n")
    (path / "file").chmod(0o600)
    return path


@pytest.fixture
def without_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the look beforehand saw nothing: an agent that is quick enough comes after it."""
    monkeypatch.setattr(foreign, "require_plain", lambda *_: None)


async def at_work(fleet: Fleet, name: str = "dev", number: int = 1) -> Run:
    """An author's run with a commit that it has not pushed."""
    run = await fleet.queued(name)
    commit(Path(run.workspace), {f"{name}.py": "print('mine')\n"})
    if fleet.ctx.level.isolation == "L2":
        user = other_user.find(agent_user.NAME)
        other_user.give((Path(run.workspace), gate_beside(Path(run.workspace)) / "objects"), user)
    return run


def branch_of(run: Run) -> Path:
    return Path(run.workspace, ".git", "refs", "heads", run.branch)


def steal_a_repository(run: Run, secret: Path) -> None:
    branch_of(run).unlink()
    branch_of(run).symlink_to(secret / ".git/refs/heads/main")
    with Path(run.workspace, ".git/objects/info/alternates").open("a") as file:
        file.write(f"{secret}/.git/objects\n")


def steal_by_the_gate(run: Run, secret: Path) -> None:
    gate = gate_beside(Path(run.workspace))
    ref = gate / "refs" / "heads" / run.branch
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.symlink_to(secret / ".git/refs/heads/main")
    branch_of(run).unlink()
    for folder in (secret / ".git/objects").iterdir():
        if len(folder.name) == 2:
            (gate / "objects" / folder.name).symlink_to(folder)


def steal_by_a_gitfile(run: Run, secret: Path) -> None:
    git(secret, "branch", run.branch)
    Path(run.workspace, ".git").rename(Path(run.workspace, "was"))
    Path(run.workspace, ".git").write_text(f"gitdir: {secret}/.git\n")


def steal_by_commondir(run: Run, secret: Path) -> None:
    git(secret, "branch", run.branch)
    branch_of(run).unlink()
    Path(run.workspace, ".git", "commondir").write_text(f"{secret}/.git\n")


def steal_lines_of_a_file(run: Run, secret: Path) -> None:
    branch_of(run).unlink()
    Path(run.workspace, ".git", "packed-refs").unlink(missing_ok=True)
    Path(run.workspace, ".git", "packed-refs").symlink_to(secret / "file")


THEFTS = [steal_a_repository, steal_by_the_gate, steal_by_a_gitfile, steal_by_commondir, steal_lines_of_a_file]


@only_held_in
@pytest.mark.parametrize("level", HELD_IN)
@pytest.mark.parametrize("steal", THEFTS)
async def test_the_sandbox_alone_keeps_a_spoilt_repository_from_leading_out(
    make_fleet: MakeFleet, secret: Path, level: str, steal: Callable[[Run, Path], None], without_the_look: None
) -> None:
    fleet = await make_fleet(TEAM)
    await at(fleet, level)
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    steal(run, secret)
    with pytest.raises(FleetError) as refused:
        await fleet.publish(run, "pr_created")
    assert SECRET not in str(refused.value)
    assert fleet.ctx.reader.pull_requests() == []
    stolen = git(secret, "rev-parse", "main")
    assert git(fleet.ctx.paths.control, "cat-file", "-t", stolen, check=False) == ""


@pytest.mark.parametrize("level", ["L0", *HELD_IN])
@pytest.mark.parametrize("steal", THEFTS)
async def test_a_spoilt_repository_is_refused_with_a_reason_that_tells_nothing(
    make_fleet: MakeFleet, secret: Path, level: str, steal: Callable[[Run, Path], None]
) -> None:
    fleet = await make_fleet(TEAM)
    await at(fleet, level)
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    steal(run, secret)
    with pytest.raises(FleetError, match="not a plain repository") as refused:
        await fleet.publish(run, "pr_created")
    assert SECRET not in str(refused.value)
    (event,) = fleet.events("hand_over_refused")
    assert SECRET not in json.dumps(event.payload)
    (alarm,) = fleet.alarms("repository")
    assert alarm.about == "ticket:1"
    assert fleet.ctx.reader.pull_requests() == []


async def test_what_git_says_is_told_to_a_person_and_not_to_the_agent(
    make_fleet: MakeFleet, secret: Path, without_the_look: None
) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    steal_lines_of_a_file(run, secret)
    with pytest.raises(FleetError, match="repository cannot be read") as refused:
        await fleet.publish(run, "pr_created")
    assert SECRET not in json.dumps(refused.value.as_dict())
    (event,) = fleet.events("hand_over_refused")
    assert SECRET not in json.dumps(event.payload)
    (alarm,) = fleet.alarms("repository")
    assert SECRET in alarm.title  # at L0 git reads what it is led to; the person sees by what


@pytest.mark.parametrize("level", ["L0", *HELD_IN])
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "committed"])
async def test_honest_work_is_taken_in_at_every_level(make_fleet: MakeFleet, level: str, pushed: bool) -> None:
    fleet = await make_fleet(TEAM)
    await at(fleet, level)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    head = commit(Path(run.workspace), {"dev.py": "print('mine')\n"})
    if pushed:
        git(Path(run.workspace), "push", "--quiet")
    if level == "L2":
        user, gate = other_user.find(agent_user.NAME), gate_beside(Path(run.workspace))
        other_user.give((Path(run.workspace), gate / "objects", gate / "refs"), user)
    await fleet.publish(run, "pr_created")
    assert (fleet.pr().head_sha, fleet.pr().state) == (head, PullRequestState.NEEDS_REVIEW)
    assert fleet.alarms("repository") == []


async def test_without_the_level_that_is_demanded_nothing_is_read(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    fleet.ctx.level = choose("L1", "bubblewrap (bwrap) is not installed")
    with pytest.raises(FleetError, match="isolation L1 is demanded"):
        await fleet.publish(run, "pr_created")
    assert fleet.ctx.reader.pull_requests() == []


async def test_the_alarm_goes_when_the_repository_is_mended(make_fleet: MakeFleet, secret: Path) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    Path(run.workspace, ".git", "commondir").write_text(f"{secret}/.git\n")
    with pytest.raises(FleetError, match="commondir"):
        await fleet.publish(run, "pr_created")
    assert len(fleet.alarms("repository")) == 1
    Path(run.workspace, ".git", "commondir").unlink()
    await fleet.publish(run, "pr_created")
    assert fleet.alarms("repository") == []


# -- holding up others -------------------------------------------------------------------------------------------------


def stall(run: Run) -> None:
    branch_of(run).unlink()
    packed = Path(run.workspace, ".git", "packed-refs")
    packed.unlink(missing_ok=True)
    os.mkfifo(packed)


async def two_at_work(fleet: Fleet) -> tuple[Run, Run]:
    for _ in range(2):
        await fleet.ticket()
    await fleet.settle()
    return await at_work(fleet), await at_work(fleet, "zoe", 2)


@pytest.mark.parametrize("level", ["L0", *HELD_IN])
async def test_who_stalls_git_holds_up_nobody_and_ends_in_time(
    make_fleet: MakeFleet, level: str, without_the_look: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "FETCH_LIMIT_S", 600.0)
    fleet = await make_fleet(TEAM)
    await at(fleet, level)
    run, other = await two_at_work(fleet)
    stall(run)
    stalled = asyncio.create_task(fleet.publish(run, "pr_created"))
    reading = f"{run.workspace}"
    await until(lambda: _is_served(reading))
    async with asyncio.timeout(60):
        await fleet.publish(other, "pr_created")
    assert not stalled.done()
    assert fleet.pr().run == other.id
    stalled.cancel()
    await asyncio.gather(stalled, return_exceptions=True)
    await until(lambda: not _is_served(reading))

    monkeypatch.setattr(foreign, "FETCH_LIMIT_S", 1.0)
    async with asyncio.timeout(60):
        with pytest.raises(FleetError, match="cannot be read"):
            await fleet.publish(run, "pr_created")
    await until(lambda: not _is_served(reading))  # nothing is left of it
    assert [alarm.about for alarm in fleet.alarms("repository")] == [f"ticket:{run.ticket}"]


def _is_served(workspace: str) -> bool:
    """Whether an upload-pack works in the workspace."""
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes() if process.name.isdecimal() else b""
        except OSError:
            continue
        last = words.rstrip(b"\0").split(b"\0")[-2:]
        if last == [b"upload-pack", os.fsencode(workspace)] or (b"upload-pack" in words and words.startswith(b"git")):
            return os.fsencode(workspace) in words
    return False


async def test_who_stalls_a_spool_holds_up_no_other_spool(
    make_fleet: MakeFleet, without_the_look: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "FETCH_LIMIT_S", 600.0)
    fleet = await make_fleet(TEAM)
    run, other = await two_at_work(fleet)
    stall(run)
    for one, event in ((run, "pr_created"), (other, "note")):
        new = fleet.ctx.paths.run_dir(one.id) / "spool" / "new"
        new.mkdir(parents=True, exist_ok=True)
        body = {"v": 1, "id": "r1", "op": "publish", "args": {"event": event, "summary": "x"}, "token": None}
        (new / "000000000001-r1.json").write_text(json.dumps(body))
    stalled = asyncio.create_task(fleet.desk.drain(run.id))
    await until(lambda: _is_served(run.workspace))
    async with asyncio.timeout(60):
        await fleet.desk.drain(other.id)
    assert [event.payload["run"] for event in fleet.events("note")] == [other.id]
    assert not stalled.done()
    stalled.cancel()
    await asyncio.gather(stalled, return_exceptions=True)


# -- nothing of it in a pass -------------------------------------------------------------------------------------------


def hung(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> asyncio.Event:
    """Have a step wait for the event that is returned, as it would for something that an agent left."""
    go, real = asyncio.Event(), getattr(owner, name)

    async def waits(*args: object, **words: object) -> object:
        await go.wait()
        return await real(*args, **words)

    monkeypatch.setattr(owner, name, waits)
    return go


async def one_round(fleet: Fleet) -> None:
    """All passes once; the jobs that they start go on."""
    async with asyncio.timeout(60):
        for name, step in passes(Cursor(fleet.ctx.paths.state / "subscriptions.cursor")):
            if name not in BESIDES_PROCESSES:
                await step(fleet.ctx)


async def shipped(fleet: Fleet) -> None:
    await fleet.approve(await fleet.to_approval())


async def test_a_workspace_left_behind_stalls_no_pass(
    make_fleet: MakeFleet, without_the_look: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet()
    await shipped(fleet)
    tree = Path(fleet.ctx.reader.workspaces()[0].path)
    (tree / ".git" / "packed-refs").unlink(missing_ok=True)
    os.mkfifo(tree / ".git" / "packed-refs")
    monkeypatch.setattr(foreign, "FETCH_LIMIT_S", 600.0)
    for _ in range(3):
        await one_round(fleet)
    assert fleet.of_ticket().state is TicketState.SHIPPED
    assert fleet.ctx.jobs.running("reclaim:") == ["reclaim:1"]
    await fleet.ctx.jobs.cancel("reclaim:1")
    monkeypatch.setattr(foreign, "FETCH_LIMIT_S", 1.0)
    await fleet.settle()
    (kept,) = fleet.ctx.home.workspaces.root.glob("kept-1-*")  # its history is not in the backup
    assert (kept / "tree" / ".git").is_dir()
    assert fleet.ctx.reader.workspaces() == []


async def test_a_workspace_that_cannot_be_removed_is_told_and_tried_again(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet()
    now_s = 0.0
    monkeypatch.setattr(fleet.ctx.jobs, "_clock", lambda: now_s)
    await shipped(fleet)
    monkeypatch.setattr(backup, "BACKUP_LIMIT_S", 0.2)
    go = hung(monkeypatch, snapshot, "take")
    await fleet.settle()
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("reclaim", "ticket:1")
    assert "backup took too long" in alarm.title
    assert Path(fleet.ctx.reader.workspaces()[0].path).is_dir()
    go.set()
    monkeypatch.setattr(backup, "BACKUP_LIMIT_S", 60.0)
    now_s = 100.0
    await fleet.settle()
    assert fleet.alarms() == []
    assert fleet.ctx.reader.workspaces() == []


async def test_write_protection_of_many_files_stalls_no_pass_and_the_gate_shuts_at_once(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet()
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    go = hung(monkeypatch, fleet.ctx.home.workspaces.gates, "hold")
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
    await one_round(fleet)
    assert (gate_beside(Path(run.workspace)) / "fleet-allowed").read_text() == "\n"
    assert fleet.ctx.jobs.running("hold:") == ["hold:1"]
    go.set()
    await fleet.settle()
    assert fleet.ctx.home.workspaces.gates.held() == {1}


async def test_discarding_keeps_nobody_waiting_and_tells_how_it_ended(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet()
    await fleet.ticket()
    await fleet.settle()
    run = await at_work(fleet)
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})
    await fleet.settle()
    monkeypatch.setattr(discarding, "ANSWER_S", 0.1)
    now_s = 0.0
    monkeypatch.setattr(fleet.ctx.jobs, "_clock", lambda: now_s)
    go = hung(monkeypatch, snapshot, "take")
    monkeypatch.setattr(backup, "BACKUP_LIMIT_S", 0.5)
    asked = {"agent": "dev", "reason": "wrong thing"}
    answer = await fleet.person.answer("kim", "discard", asked)
    assert "being kept" in answer["message"]
    with pytest.raises(FleetError, match="being kept"):
        await fleet.person.answer("kim", "discard", asked)
    await fleet.ctx.jobs.idle()
    assert [alarm.about for alarm in fleet.alarms("discard")] == ["agent:dev"]
    assert fleet.events("work_discarded") == []
    go.set()
    now_s = 100.0
    monkeypatch.setattr(discarding, "ANSWER_S", 20.0)
    monkeypatch.setattr(backup, "BACKUP_LIMIT_S", 60.0)
    answer = await fleet.person.answer("kim", "discard", asked)
    (event,) = fleet.events("work_discarded")
    assert event.payload["run"] == run.id
    assert answer["kept"] == [event.payload["backup_ref"]]
    assert fleet.alarms("discard") == []
