"""All stop: first everything stands still and no gate takes anything in, then whatever else there is to do."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.tmux import proctable, runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher import evidence
from fleet_tui.watcher.passes import containment
from fleet_tui.watcher.passes import runs as runs_pass
from tests.tmux.tmux_support import PtyRun
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git, until

NAMES = ("ann", "ben", "dev")
TREE = ("sh", "-c", "sleep 100 & sleep 100 & setsid sleep 100")


@pytest.fixture
def runners() -> Iterator[list[PtyRun]]:
    started: list[PtyRun] = []
    yield started
    for runner in started:
        if runner.process is not None:
            os.kill(runner.pid, signal.SIGCONT)
        runner.clean_up()


async def working(make_fleet: MakeFleet) -> tuple[Fleet, list[Run]]:
    """Three developers at work, each on a ticket of its own."""
    fleet = await make_fleet([*(agent(name, "developer") for name in NAMES), agent("lee", "tech-lead")])
    for name in NAMES:
        await fleet.ticket(f"For {name}")
    await fleet.settle()
    return fleet, [await fleet.queued(name) for name in NAMES]


async def started(fleet: Fleet, runs: list[Run], runners: list[PtyRun]) -> list[int]:
    """A real runner with a tree of four for each run; the runners' pids."""
    for run in runs:
        runners.append(PtyRun(fleet.ctx.paths.run_dir(run.id)))
        runners[-1].start(*TREE)
    pids = [(await runner.up()).pid for runner in runners]
    await until(lambda: all(len(below(pid)) == 4 for pid in pids))
    fleet.ctx.panes = {run.id: pid for run, pid in zip(runs, pids, strict=True)}
    return pids


def below(pid: int) -> list[proctable.Process]:
    return proctable.descendants(proctable.look(), [pid])


def all_stand(pids: list[int]) -> bool:
    return all(process.is_halted for pid in pids for process in below(pid))


def refused(run: Run) -> bool:
    """Whether the gate refuses a push of new work."""
    commit(Path(run.workspace), {"app.py": "print('two')\n"})
    said = git(Path(run.workspace), "push", "--porcelain", check=False)
    assert "refs/heads/agent" in said
    return "hook declined" in said


async def test_nothing_else_happens_before_the_last_run_stands_still(
    make_fleet: MakeFleet, runners: list[PtyRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, runs = await working(make_fleet)
    pids = await started(fleet, runs, runners)
    story: list[str] = []
    freeze, record, keep = runner_client.freeze, fleet.ctx.store.record, evidence.keep

    async def freezes(run_dir: Path) -> RunnerStatus:
        story.append("asked")
        status = await freeze(run_dir)
        story.append("stands")
        return status

    async def records(*drafts: Any) -> Any:
        story.append("stop recorded" if drafts[0].kind == "fleet_halted" else "something else")
        return await record(*drafts)

    async def keeps(*args: Any) -> None:
        story.append("something else")
        await keep(*args)

    monkeypatch.setattr(runner_client, "freeze", freezes)
    monkeypatch.setattr(fleet.ctx.store, "record", records)
    monkeypatch.setattr(evidence, "keep", keeps)
    asked = asyncio.create_task(fleet.person.answer("kim", "halt", {"reason": "x"}))
    await fleet.ctx.wake.wait()  # the watcher's loop goes on when the answer is given, not before
    await asked
    assert story == ["stop recorded", *["asked"] * 3, *["stands"] * 3], "one after the other would be slower"
    assert all_stand(pids)
    await fleet.settle()
    assert "something else" in story, "the alarm comes after it"


async def test_a_runner_that_does_not_answer_keeps_nobody_running(
    make_fleet: MakeFleet, runners: list[PtyRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, runs = await working(make_fleet)
    pids = await started(fleet, runs, runners)
    os.kill(pids[0], signal.SIGSTOP)
    monkeypatch.setattr(runner_client, "LIMIT_S", 600.0)
    async with asyncio.timeout(30):
        await containment.freeze_now(fleet.ctx, runs)
    assert all_stand(pids)
    (alarm,) = fleet.alarms("contained-runs")
    assert alarm.about == f"run:{runs[0].id}"


async def test_a_look_at_the_panes_meanwhile_keeps_nobody_running(
    make_fleet: MakeFleet, runners: list[PtyRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tmux server that does not answer names no panes."""
    fleet, runs = await working(make_fleet)
    pids = await started(fleet, runs, runners)
    os.kill(pids[0], signal.SIGSTOP)
    look = runner_client.restless

    def while_the_panes_are_looked_at(asked: list[int]) -> set[int]:
        found = look(asked)
        fleet.ctx.panes = {}
        return found

    monkeypatch.setattr(runner_client, "restless", while_the_panes_are_looked_at)
    async with asyncio.timeout(30):
        await containment.freeze_now(fleet.ctx, runs)
    assert all_stand(pids)


async def test_no_gate_takes_anything_in_until_the_stop_is_lifted(make_fleet: MakeFleet) -> None:
    fleet, runs = await working(make_fleet)
    await fleet.person.answer("kim", "halt", {"reason": "x"})
    assert all(refused(run) for run in runs), "when the answer comes"
    await fleet.person.answer("kim", "resume", {"agent": "ann"})
    await fleet.settle()
    assert [refused(run) for run in runs] == [False, True, True]
    await fleet.person.answer("kim", "quarantine", {"agent": "ben", "reason": "odd"})
    await fleet.settle()
    await fleet.person.answer("kim", "lift", {"reason": "y"})
    await fleet.settle()
    assert not refused(runs[2])
    gate = fleet.ctx.home.workspaces.find(runs[1].ticket or 0)
    assert gate is not None
    assert (gate.gate / "fleet-allowed").read_text() == "\n", "who is in quarantine stays shut"


async def test_what_was_about_to_be_pushed_is_not_refused_after_the_stop(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate opens before its agent goes on."""
    fleet, runs = await working(make_fleet)
    run_dir = fleet.ctx.paths.run_dir(runs[0].id)
    frozen, answers = RunnerStatus("running", 0, True, 1, 1), []

    async def status(_run_dir: Path) -> RunnerStatus:
        return frozen

    async def thaw(_run_dir: Path) -> RunnerStatus:
        answers.append([refused(run) for run in runs])
        return frozen

    monkeypatch.setattr(runner_client, "status", status)
    monkeypatch.setattr(runner_client, "thaw", thaw)
    await fleet.person.answer("kim", "halt", {"reason": "x"})
    await fleet.person.answer("kim", "resume", {"agent": "ann"})
    await runs_pass._alive(fleet.ctx, fleet.run(runs[0].id), run_dir)
    assert answers == [[False, True, True]]
