"""What happens to a run between two looks at it: whoever looked first does not act on what is so no more."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.events import Draft, Event, RunStateChanged, RunStopRequested
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import MessageState, RunState, TicketState
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.proctree import identity
from fleet_tui.tmux.records import ExitRecord, write_exit
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.tmux.server import PaneInfo, TmuxServer
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import budgets, listening, messages, runs
from fleet_tui.watcher.runs import memory, starting, typing_desk
from fleet_tui.watcher.verify import verify_fleet
from tests.tmux.tmux_support import PtyRun
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, commit


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


@pytest.mark.parametrize(
    ("asked", "op"),
    [
        ("status", "quarantine"),
        pytest.param("status", "halt", marks=pytest.mark.slow),
        pytest.param("thaw", "pause", marks=pytest.mark.slow),
    ],
)
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


@pytest.mark.parametrize(
    "op", ["quarantine", *(pytest.param(op, marks=pytest.mark.slow) for op in ("pause", "halt", "stop", "shutdown"))]
)
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


@pytest.mark.slow
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


@pytest.mark.parametrize(("op", "again"), [("stop", 0), pytest.param("restart", 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("now", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_what_a_person_wants_of_a_run_that_is_just_ending_counts(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, op: str, again: int, now: bool
) -> None:
    fleet = await make_fleet(approval={"when": "always", "hold_s": 10})
    run = await at_work(fleet)

    async def while_a_person_acts(_ctx: Context, ended: Run) -> None:
        await fleet.person.answer("kim", op, {"agent": "dev", "run": ended.id, "reason": "wrong track", "now": now})

    monkeypatch.setattr(listening, "finish", while_a_person_acts)
    await runs._conclude(fleet.ctx, run, fleet.ctx.paths.run_dir(run.id))
    await fleet.settle()
    assert fleet.run(run.id).state is RunState.STOPPED
    assert len(fleet.occupying()) == again


@pytest.mark.slow
async def test_what_is_stopped_while_its_good_end_is_recorded_hands_nothing_over(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await at_work(fleet)
    commit(Path(run.workspace), {"app.py": "print('two')\n"})
    run_dir = fleet.ctx.paths.run_dir(run.id)
    write_exit(run_dir, ExitRecord(0, None, 10, "exited", 1))

    async def while_a_person_acts(_ctx: Context, ended: Run) -> None:
        await fleet.person.answer("kim", "stop", {"run": ended.id, "now": True})

    monkeypatch.setattr(listening, "finish", while_a_person_acts)
    await runs._conclude(fleet.ctx, run, run_dir)
    assert fleet.run(run.id).state is RunState.STOPPED
    assert fleet.events("pr_created") == []


@pytest.mark.parametrize(("key", "state"), [("", TicketState.BLOCKED), ("stop-budget:", TicketState.IN_PROGRESS)])
async def test_a_stop_that_comes_with_the_record_of_a_crash_counts(fleet: Fleet, key: str, state: TicketState) -> None:
    run = await at_work(fleet)
    await runs._record_end(fleet.ctx, run, fleet.ctx.paths.run_dir(run.id))
    assert fleet.run(run.id).state is RunState.CRASHED
    stop = RunStopRequested(run.id, "by who saw it live")
    await fleet.say(stop, f"run:{run.id}", key=f"{key}{run.id}" if key else None)
    await fleet.settle()
    assert fleet.events("agent_respawned") == []
    assert fleet.of_ticket().state is state
    assert len(fleet.occupying()) == (state is TicketState.IN_PROGRESS)


# -- contained ---------------------------------------------------------------------------------------------------------


async def contained(fleet: Fleet) -> None:
    await fleet.person.answer("kim", "quarantine", {"agent": "dev", "reason": "odd"})


@pytest.mark.slow
async def test_who_is_contained_while_his_runner_is_told_his_ceiling_is_not_called_limited(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet(limits={"memory_mb": 200})
    run = await at_work(fleet)

    async def limited(_run_dir: Path, memory_mb: int | None) -> RunnerStatus:
        await contained(fleet)
        return RunnerStatus("running", 0, False, 1, 1, full=True, memory_mb=300, memory_limit_mb=memory_mb)

    monkeypatch.setattr(runner_client, "limit_memory", limited)
    fleet.ctx.statuses[run.id] = RunnerStatus("running", 0, False, 1, 1)
    await memory.keep(fleet.ctx)
    assert fleet.run(run.id).state is RunState.QUARANTINED


@pytest.mark.slow
async def test_who_is_contained_while_he_is_charged_is_not_called_limited(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = {"scope": "agent", "name": "dev", "unit": "seconds", "ceiling": 10, "grace_s": 0}
    fleet = await make_fleet(budgets=[rule])
    run = await at_work(fleet)
    record = fleet.ctx.store.record

    async def charges(*drafts: Draft) -> list[Event]:
        events = await record(*drafts)
        if drafts[0].kind == "run_metered":
            await contained(fleet)
        return events

    monkeypatch.setattr(fleet.ctx.store, "record", charges)
    fleet.ctx.statuses[run.id] = RunnerStatus("running", 20_000, False, 1, 1)
    await budgets.meter(fleet.ctx)
    assert fleet.run(run.id).charged_ms == 20_000, "what it ran is paid"
    assert fleet.run(run.id).state is RunState.QUARANTINED


async def test_nothing_is_typed_to_who_is_contained_while_his_screen_is_looked_at(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await at_work(fleet)
    await fleet.ctx.record(starting.message(fleet.ctx, run.id, "message", "go on"))

    async def look(*_args: Any) -> None:
        await contained(fleet)

    monkeypatch.setattr(messages, "pane_of", lambda *_args: asyncio.sleep(0, object()))
    monkeypatch.setattr(typing_desk, "hindrance", look)
    await messages.send(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert fleet.events("effect_attempted") == []
    assert [message.state for message in fleet.ctx.reader.messages(run=run.id)] == [MessageState.QUEUED]


@pytest.mark.slow
async def test_who_is_contained_while_a_hook_of_his_is_heard_is_not_said_to_run(fleet: Fleet) -> None:
    run = await at_work(fleet)
    await fleet.say(RunStateChanged(run.id, RunState.WAITING.value, "hook"), f"run:{run.id}")
    waiting = fleet.run(run.id)
    await contained(fleet)
    await messages.taken_up(fleet.ctx, waiting, "hook")
    assert fleet.run(run.id).state is RunState.QUARANTINED


@pytest.mark.slow
async def test_a_run_that_starts_while_processes_are_verified_is_known_as_live(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.ticket()
    await fleet.settle()

    async def panes(_server: TmuxServer) -> list[PaneInfo]:
        run = await fleet.queued("dev")
        return [PaneInfo(run.session, "%1", run.pane_uuid, 1, False, None, None, 80, 24, False)]

    monkeypatch.setattr(TmuxServer, "panes", panes)
    assert await verify_fleet(fleet.ctx.paths, deep=True) == []


# -- dead or alive -----------------------------------------------------------------------------------------------------


async def test_who_lives_when_his_end_is_to_be_recorded_is_not_ended(
    fleet: Fleet, runner: list[PtyRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await at_work(fleet)
    run_dir, alive = fleet.ctx.paths.run_dir(run.id), runner_client.runner_alive
    runner.append(PtyRun(run_dir))
    runner[0].start("sleep", "100")
    await runner[0].up()
    looks = iter([False])  # the one that was wrong
    monkeypatch.setattr(runner_client, "runner_alive", lambda where: next(looks, None) is None and alive(where))
    await runs._observe_one(fleet.ctx, run, None, lost=False)
    await fleet.ctx.jobs.idle()
    assert alive(run_dir)
    assert fleet.run(run.id).state is RunState.RUNNING


async def test_nobody_is_dead_because_the_watcher_can_open_no_file(fleet: Fleet, runner: list[PtyRun]) -> None:
    run = await at_work(fleet)
    runner.append(PtyRun(fleet.ctx.paths.run_dir(run.id)))
    runner[0].start("sleep", "100")
    record = await runner[0].up()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        for look in (lambda: runner_client.runner_alive(fleet.ctx.paths.run_dir(run.id)), lambda: identity(record.pid)):
            with pytest.raises(OSError, match="Too many open files"):
                look()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
