"""What happens to a run between two looks at it: whoever looked first does not act on what is so no more."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import starting
from tests.tmux.tmux_support import PtyRun
from tests.watcher.watcher_support import Fleet


@pytest.fixture
def runner() -> Iterator[list[PtyRun]]:
    made: list[PtyRun] = []
    yield made
    for one in made:
        if one.process is not None:
            os.kill(one.pid, signal.SIGCONT)
        one.clean_up()


async def at_work(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


@pytest.mark.parametrize(("asked", "op"), [("status", "quarantine"), ("status", "halt"), ("thaw", "pause")])
async def test_who_is_held_while_he_is_looked_at_is_not_let_go_again(
    fleet: Fleet, runner: list[PtyRun], monkeypatch: pytest.MonkeyPatch, asked: str, op: str
) -> None:
    run, run_dir = await at_work(fleet), fleet.ctx.paths.run_dir
    runner.append(PtyRun(run_dir(run.id)))
    runner[0].start("sleep", "100")
    await runner[0].up()
    if asked == "thaw":
        await runner_client.freeze(run_dir(run.id))
    ask = getattr(runner_client, asked)

    async def just_after_a_person_acted(where: Path) -> RunnerStatus:
        await fleet.person.answer("kim", op, {"agent": "dev", "reason": "odd"})
        if asked == "status":
            await runner_client.freeze(where)  # as the act does, or the pass that sees it first
        status: RunnerStatus = await ask(where)
        return status

    monkeypatch.setattr(runner_client, asked, just_after_a_person_acted)
    await runs._observe_one(fleet.ctx, run, None, lost=False)
    monkeypatch.undo()
    assert (await runner_client.status(run_dir(run.id))).frozen


@pytest.mark.parametrize("op", ["quarantine", "pause", "halt", "stop", "shutdown"])
async def test_who_is_held_while_his_start_is_made_ready_does_not_begin(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    await fleet.ticket()
    await fleet.settle()
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    prepared, begun = starting._prepared, []

    async def while_a_person_acts(*args: Any) -> Launch:
        launch = await prepared(*args)
        await fleet.person.answer("kim", op, {"agent": "dev", "reason": "odd", "with_agents": True})
        return launch

    async def spawn(_ctx: Context, started: Run) -> None:
        begun.append(started.id)

    monkeypatch.setattr(starting, "_prepared", while_a_person_acts)
    monkeypatch.setattr(starting, "spawn", spawn)
    await starting.start(fleet.ctx, run)
    assert begun == []
    assert fleet.run(run.id).state is RunState.QUEUED
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()
    ends = op in ("stop", "shutdown")
    assert fleet.run(run.id).state is (RunState.STOPPED if ends else RunState.QUEUED)
    assert fleet.alarms("start") == []


async def test_who_is_contained_while_his_pane_is_made_is_not_said_to_run(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await at_work(fleet)
    await fleet.say(RunStateChanged(run.id, RunState.STARTING.value, "watcher"), f"run:{run.id}")

    async def made(*_args: Any, **_options: Any) -> None:
        await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})

    monkeypatch.setattr(fleet.ctx.tmux, "ensure", made)
    monkeypatch.setattr(fleet.ctx.tmux, "spawn", lambda *_args, **_options: asyncio.sleep(0))
    await starting.spawn(fleet.ctx, fleet.run(run.id))
    assert fleet.run(run.id).state is RunState.QUARANTINED
