"""The end of a run whose work cannot be collected: told with its cause, and no obstacle to the ends of the others."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.git.homes import gate_beside
from fleet_tui.tmux.records import ExitRecord, write_exit
from fleet_tui.watcher.passes import runs
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit

TEAM = [agent("bad", "developer"), agent("good", "developer")]


def gate_is_a_file(workspace: Path) -> None:
    gate = gate_beside(workspace)
    shutil.rmtree(gate)
    gate.write_text("no repository")


def gate_is_empty(workspace: Path) -> None:
    gate = gate_beside(workspace)
    shutil.rmtree(gate)
    gate.mkdir()


def branch_is_broken(workspace: Path) -> None:
    branch = (workspace / ".git" / "HEAD").read_text().split()[1]
    (workspace / ".git" / branch).write_text("no commit\n")


def objects_are_gone(workspace: Path) -> None:
    shutil.rmtree(workspace / ".git" / "objects")


def head_is_a_directory(workspace: Path) -> None:
    (workspace / ".git" / "HEAD").unlink()
    (workspace / ".git" / "HEAD").mkdir()


@pytest.fixture
async def two(make_fleet: MakeFleet) -> tuple[Fleet, Run, Run]:
    """Runs of two programs that know nothing of the fleet: each has committed and ended well."""
    fleet = await make_fleet(TEAM)
    minutes = itertools.count(step=60)  # a job that failed has rested by the next look
    fleet.ctx.jobs._clock = lambda: float(next(minutes))
    for _ in TEAM:
        await fleet.ticket()
    await fleet.settle()
    bad, good = await fleet.queued("bad"), await fleet.queued("good")
    for run in (bad, good):
        commit(Path(run.workspace), {"app.py": f"print({run.agent!r})\n"})
        write_exit(fleet.ctx.paths.run_dir(run.id), ExitRecord(0, None, 1000, "exited", 1))
        (fleet.ctx.paths.run_dir(run.id) / "runner.json").touch()
    return fleet, bad, good


@pytest.mark.parametrize(
    "damage", [gate_is_a_file, gate_is_empty, branch_is_broken, objects_are_gone, head_is_a_directory]
)
async def test_one_that_cannot_be_collected_is_told_and_the_other_is_handed_over(
    two: tuple[Fleet, Run, Run], damage: Callable[[Path], None]
) -> None:
    fleet, bad, good = two
    damage(Path(bad.workspace))
    for _ in range(5):
        await runs.observe(fleet.ctx)
        await fleet.ctx.jobs.idle()
    assert fleet.run(good.id).state is RunState.FINISHED
    assert [pull_request.run for pull_request in fleet.ctx.reader.pull_requests()] == [good.id]
    assert fleet.run(bad.id).state is RunState.CRASHED
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("collect", f"ticket:{bad.ticket}")
    assert alarm.title.startswith("the work of bad could not be collected: ")
    assert fleet.ctx.jobs.failing(1) == {}


async def test_alarm_goes_when_the_work_is_handed_over_after_all(two: tuple[Fleet, Run, Run]) -> None:
    fleet, bad, _ = two
    gate = gate_beside(Path(bad.workspace))
    kept = gate.rename(gate.with_name("kept"))
    gate.write_text("no repository")
    for _ in range(5):
        await runs.observe(fleet.ctx)
        await fleet.ctx.jobs.idle()
    assert len(fleet.alarms("collect")) == 1
    gate.unlink()
    kept.rename(gate)
    fleet.later(60)
    await fleet.settle()
    successor = await fleet.queued("bad")
    assert successor.previous == bad.id
    await fleet.publish(successor, "pr_created")
    assert fleet.alarms("collect") == []
    assert len(fleet.ctx.reader.pull_requests()) == 2
