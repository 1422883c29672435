"""A program that is not there: nothing starts in vain, a person is told once, and the run begins when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.tui.present.wall import wall_tile
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import dispatch, runs
from fleet_tui.watcher.runs import starting
from fleet_tui.watcher.runs.queueing import queued
from fleet_widgets.lines import text_of
from fleet_widgets.palette import LINE_BOX
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

TOOL = "fleet-test-tool"
VENDORS = {"tool": {"argv": [TOOL, "--go"], "prompt": "file"}, "shell": {"argv": ["sh", "-c", "true"]}}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose start was begun; nothing is started."""
    names: list[str] = []

    async def start(_: Context, run: Run) -> None:
        names.append(run.agent)

    monkeypatch.setattr(starting, "start", start)
    return names


@pytest.fixture
def directory(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On PATH, and empty."""
    path = place / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    return path


def _install(directory: Path) -> None:
    (directory / TOOL).write_text("#!/bin/sh\n")
    (directory / TOOL).chmod(0o755)


async def _queue(fleet: Fleet, *names: str) -> None:
    for number, name in enumerate(names):
        await fleet.ctx.record(queued(fleet.ctx.settings.agent(name), key=f"test:{number}", trigger="note"))


async def _pass(fleet: Fleet) -> None:
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()


async def _fleet(make_fleet: MakeFleet) -> Fleet:
    team = [agent("dev", "developer", vendor="tool"), agent("lee", "tech-lead", vendor="tool")]
    return await make_fleet([*team, agent("sam", "developer")], vendors=VENDORS)


async def test_nothing_starts_and_everybody_is_told_why_once(
    make_fleet: MakeFleet, begun: list[str], directory: Path
) -> None:
    fleet = await _fleet(make_fleet)
    await _queue(fleet, "dev", "lee", "sam")
    for _ in range(3):
        await _pass(fleet)
    assert set(begun) == {"sam"}, "its own program is there"
    (alarm,) = fleet.alarms("program")
    assert alarm.title == f"tool agents cannot start: {TOOL} is not on PATH"
    assert alarm.response == "install it, or set vendors.tool.argv to where it is"
    tiles = {tile.name: tile for tile in read_snapshot(fleet.ctx.reader, fleet.clock_ns).tiles}
    for name in ("dev", "lee"):
        assert (tiles[name].doing, tiles[name].cannot_start) == ("ERR", True)
        assert tiles[name].reason == (
            f"cannot start: {TOOL} is not on PATH; install it, or set vendors.tool.argv to where it is"
        )
    for tile in (wall_tile(tiles["dev"], fleet.clock_ns, LINE_BOX), wall_tile(tiles["lee"], fleet.clock_ns, LINE_BOX)):
        assert f"cannot start: {TOOL} is not on PATH" in text_of(tile.rows[0])
        assert [text_of(line) for line in tile.text] == [
            f"cannot start: {TOOL} is not on PATH",
            "install it, or set vendors.tool.argv to where it is",
        ]
    told = [event for event in fleet.events("run_state_changed") if event.payload["reason"]]
    assert len(told) == 2, "once for each run, not in every pass"


async def test_it_begins_at_its_first_attempt_when_the_program_is_there(
    make_fleet: MakeFleet, begun: list[str], directory: Path
) -> None:
    fleet = await _fleet(make_fleet)
    await _queue(fleet, "dev")
    await _pass(fleet)
    assert fleet.alarms("program")
    _install(directory)
    await _pass(fleet)
    assert begun == ["dev"]
    assert fleet.alarms("program") == []
    assert [run.attempt for run in fleet.ctx.reader.runs(agent="dev")] == [1]


async def test_the_reason_goes_with_the_cause_also_where_there_is_no_room_yet(
    make_fleet: MakeFleet, begun: list[str], directory: Path
) -> None:
    fleet = await _fleet(make_fleet)
    await _queue(fleet, "dev")
    await _pass(fleet)
    await fleet.reconfigure(limits={"max_running": 1})
    await fleet.ctx.record(queued(fleet.ctx.settings.agent("sam"), key="first", trigger="note"))
    (sam,) = fleet.ctx.reader.runs(RunState.QUEUED, agent="sam")
    await fleet.begin(sam)
    _install(directory)
    await _pass(fleet)
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED, agent="dev")
    assert (begun, run.state_reason, run.cannot_start) == ([], "", False)
    assert fleet.alarms("program") == []


async def test_a_ticket_goes_to_whoever_can_begin(make_fleet: MakeFleet, begun: list[str], directory: Path) -> None:
    team = [agent("dev", "developer", vendor="tool"), agent("di", "developer", vendor="tool")]
    fleet = await make_fleet([*team, agent("sam", "developer")], vendors=VENDORS)
    await _queue(fleet, "dev")
    await _pass(fleet)
    for title in ("One", "Two"):
        await fleet.ticket(title)
    await fleet.settle(without=frozenset({"observe runs", "start runs", "messages", "assign"}))
    await dispatch.assign(fleet.ctx)
    assert [run.agent for run in fleet.ctx.reader.runs(RunState.QUEUED) if run.ticket] == ["sam"]


async def test_a_program_of_the_repository_is_looked_for_in_the_workspace(make_fleet: MakeFleet, place: Path) -> None:
    """Where that is, is known once the workspace is there: then the start fails, and uses up no restarts either."""
    fleet = await make_fleet(
        [agent("dev", "developer", vendor="own")], vendors={"own": {"argv": ["./tools/agent"], "prompt": "file"}}
    )
    await _queue(fleet, "dev")
    await _pass(fleet)
    (run,) = fleet.ctx.reader.runs(agent="dev")
    assert (run.state, run.started_ns) == (RunState.FAILED, None)
    assert run.state_reason == "no such program: ./tools/agent is not in its workspace"
    assert fleet.alarms("program") == []
    (alarm,) = fleet.alarms("start")
    assert alarm.response == "commit it, or set vendors.own.argv to where the program is"
