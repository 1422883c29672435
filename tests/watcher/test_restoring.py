"""Many runs lost at once wait for a person: a plan, then all, some or none of them, whoever watches meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import RunStateChanged, SessionStarted
from fleet_tui.domain.model import TO_BE_RESTORED, Run
from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.governance.lifecycle import LOST
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.settings.load import load_settings
from fleet_tui.tmux import proctree, records
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import restoring, starting
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit

TEAM = [agent("ada", "developer"), agent("bo", "developer"), agent("cy", "developer"), agent("lee", "tech-lead")]


@pytest.fixture
async def began(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The agents whose run was let begin; nothing is really started."""
    begun: list[str] = []

    async def start(_ctx: Any, run: Run) -> None:
        begun.append(run.agent)

    monkeypatch.setattr(starting, "start", start)
    return begun


async def _lose_all(fleet: Fleet) -> None:
    """There is no tmux server, and no runner lives: what a watcher finds after a restart of the host."""
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    await fleet.settle()


async def _three_at_work(fleet: Fleet) -> list[Run]:
    """Pull request 1 waits for lee, who is at it; bo and cy are at tickets."""
    for title in ("One", "Two", "Three"):
        await fleet.ticket(title)
    await fleet.settle()
    await fleet.author(name="ada")
    await fleet.settle()
    return [await fleet.queued(name) for name in ("bo", "cy", "lee")]


@pytest.fixture
async def lost(make_fleet: MakeFleet) -> Fleet:
    fleet = await make_fleet(TEAM)
    await _three_at_work(fleet)
    await _lose_all(fleet)
    return fleet


def _held(fleet: Fleet) -> list[str]:
    return sorted(run.agent for run in fleet.ctx.reader.runs(RunState.QUEUED) if run.held)


async def _start(fleet: Fleet) -> None:
    fleet.later(60)
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()


async def test_nothing_that_was_lost_starts_before_a_person_has_seen_the_plan(lost: Fleet, began: list[str]) -> None:
    assert [(len(e.payload["runs"]), e.payload["cause"], e.payload["asks"]) for e in lost.events("tmux_lost")] == [
        (3, "host", True)
    ]
    await _start(lost)
    await lost.settle()
    await _start(lost)
    assert began == []
    assert _held(lost) == ["bo", "cy", "lee"]
    assert {run.state_reason for run in lost.ctx.reader.runs(RunState.QUEUED)} == {TO_BE_RESTORED}
    (alarm,) = lost.alarms("restore")
    assert alarm.title.startswith("3 runs were lost when the host was restarted")
    needs = [item for item in read_snapshot(lost.ctx.store.reader, lost.clock_ns).needs if item.rule == "restore"]
    assert [(item.title, item.priority) for item in needs] == [(alarm.title, 2)]


async def test_restored_they_begin_verdicts_first_and_the_alarm_goes(lost: Fleet, began: list[str]) -> None:
    await lost.reconfigure(limits={"memory_reserve_mb": 0})
    answer = await lost.person.answer("kim", "restore", {})
    assert answer["message"].endswith("lee (PR 1), bo (ticket #2), cy (ticket #3)")
    await _start(lost)
    assert began == ["lee", "bo", "cy"]
    await lost.settle()
    assert lost.alarms("restore") == []
    assert [event.actor for event in lost.events("run_restored")] == ["operator:kim"] * 3
    again = await lost.person.answer("kim", "restore", {})
    assert again["message"] == "nothing of that waits to be restored"
    assert len(lost.events("run_restored")) == 3


async def test_one_is_restored_the_others_wait_on(lost: Fleet, began: list[str]) -> None:
    await lost.person.answer("kim", "restore", {"names": ["cy"]})
    await lost.settle()
    await _start(lost)
    assert began == ["cy"]
    assert _held(lost) == ["bo", "lee"]
    assert len(lost.alarms("restore")) == 1
    with pytest.raises(UsageError, match="nobody"):
        await lost.person.answer("kim", "restore", {"names": ["nobody"]})


async def test_what_a_person_did_not_see_is_not_restored(lost: Fleet) -> None:
    plan = await lost.person.answer("kim", "restore_plan", {})
    shown = [run["run"] for run in plan["runs"]][:1]
    await lost.person.answer("kim", "restore", {"runs": shown})
    assert _held(lost) == ["bo", "cy"]


async def test_the_ticket_of_what_is_skipped_goes_back(lost: Fleet, began: list[str]) -> None:
    await lost.person.answer("kim", "skip_restore", {"names": ["bo"], "reason": "not worth it"})
    await lost.person.answer("kim", "pause", {"agent": "ada"})
    await lost.person.answer("kim", "pause", {"agent": "bo"})
    await _start(lost)
    await lost.settle()
    assert began == []
    assert _held(lost) == ["cy", "lee"]
    assert lost.of_ticket(2).state is TicketState.READY
    assert lost.events("run_finished")[-1].payload["outcome"] == "stopped"
    with pytest.raises(UsageError, match="name"):
        await lost.person.answer("kim", "skip_restore", {})


async def test_another_watcher_finds_the_same(lost: Fleet, began: list[str]) -> None:
    await lost.person.answer("kim", "restore", {"names": ["bo"]})
    repository = lost.ctx.paths.repository
    await lost.close()
    second = await Fleet.open(repository)
    try:
        await second.settle()
        await _start(second)
        assert began == ["bo"]
        assert _held(second) == ["cy", "lee"]
        assert len(second.alarms("restore")) == 1
        assert len(second.events("tmux_lost")) == 1
        await second.person.answer("kim", "restore", {})
        assert _held(second) == []
    finally:
        await second.close()


async def test_a_watcher_that_died_between_the_loss_and_the_ends_asks_all_the_same(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await _three_at_work(fleet)
    await restoring.notice(fleet.ctx, fleet.ctx.reader.runs(RunState.RUNNING), {})
    assert len(fleet.events("tmux_lost")) == 1
    assert fleet.events("run_crashed") == []
    await _lose_all(fleet)
    assert _held(fleet) == ["bo", "cy", "lee"]
    assert len(fleet.events("tmux_lost")) == 1


async def test_whose_runner_was_killed_with_the_server_was_lost_and_not_crashed(make_fleet: MakeFleet) -> None:
    """Nothing was left to write down how they ended; one was not up yet, and is not begun before a person says so."""
    fleet = await make_fleet(TEAM)
    lost = await _three_at_work(fleet)
    await fleet.say(RunStateChanged(lost[0].id, RunState.STARTING, "watcher"), f"run:{lost[0].id}")
    gone = {"pid": 1, "create_time": 0.0, "child_pid": None, "started_ns": 0, "identity": f"{proctree.boot_id()}:-1"}
    for run in lost:
        run_dir = fleet.ctx.paths.run_dir(run.id)
        records.write_spec(run_dir, records.RunSpec(run.id, ("true",), str(run_dir), {}))
        if run is not lost[0]:
            records.write_json(run_dir / records.RUNNER, gone)
    await _lose_all(fleet)
    (told,) = fleet.events("tmux_lost")
    assert (sorted(told.payload["runs"]), told.payload["cause"]) == (sorted(run.id for run in lost), "tmux")
    assert {event.payload["reason"] for event in fleet.events("run_crashed")} == {
        f"{LOST}its tmux server and its runner were killed",
        f"{LOST}its tmux server ended before it began",
    }
    assert _held(fleet) == ["bo", "cy", "lee"]
    assert {run.attempt for run in fleet.ctx.reader.runs(RunState.QUEUED)} == {1}


@pytest.mark.parametrize("limits", [{"restore": "auto"}, {"restore_unasked": 3}])
async def test_who_wants_no_question_gets_everything_back_in_the_same_order(
    make_fleet: MakeFleet, began: list[str], limits: dict[str, Any]
) -> None:
    fleet = await make_fleet(TEAM, limits={"memory_reserve_mb": 0, **limits})
    await _three_at_work(fleet)
    await _lose_all(fleet)
    assert fleet.alarms("restore") == []
    await _start(fleet)
    assert began == ["lee", "bo", "cy"]


async def test_the_plan_tells_what_each_would_start_with(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(
        [*TEAM[:2], agent("cy", "developer", vendor="claude-code", model="opus", budget_seconds=600), TEAM[3]],
        limits={"memory_reserve_mb": 0, "max_running": 2},
    )
    bo, cy, _lee = await _three_at_work(fleet)
    await fleet.say(SessionStarted(cy.id, "cy", "claude-code", "session-0123"), f"run:{cy.id}")
    commit(Path(cy.workspace), {"new.txt": "begun\n"})
    (Path(cy.workspace) / "app.py").write_text("print('half done')\n")
    await _lose_all(fleet)
    await fleet.person.answer("kim", "pause", {"agent": "bo"})
    seen = fleet.ctx.reader.last_seq()
    plan = await fleet.person.answer("kim", "restore_plan", {})
    assert fleet.ctx.reader.last_seq() == seen, "a look changes nothing"
    assert (plan["lost"], plan["causes"], plan["not_restored"]) == (3, ["host"], [])
    first, second, third = plan["runs"]
    assert [run["agent"] for run in plan["runs"]] == ["lee", "bo", "cy"]
    assert first["workspace"]["state"] == "new"
    assert first["why"] == "reviews PR 1, whose work is done"
    assert (second["replaces"], second["workspace"]["state"]) == (bo.id, "clean")
    why = "starts afresh: shell cannot take up a session again"
    assert second["session"] == {"id": None, "resumes": False, "why": why}
    assert second["waits_for"] == ["bo is paused: fleet agent resume bo"]
    assert second["budget"] is None
    assert (third["vendor"], third["model"], third["ticket"]) == ("claude-code", "opus", 3)
    assert third["session"]["id"] == "session-0123"
    assert third["session"]["resumes"]
    assert (third["workspace"]["state"], third["workspace"]["changed"]) == ("dirty", 2)
    assert third["budget"]["told"] == "10m00 of 10m00 left (agent cy)"
    assert plan["host"]["room_for"] == 2, "two places, memory is not looked at"
    assert plan["host"]["available_mb"] > 0


async def test_the_plan_tells_what_is_not_restored_and_why(lost: Fleet) -> None:
    await lost.person.answer("kim", "restore", {"names": ["bo"]})
    await lost.person.answer("kim", "skip_restore", {"names": ["cy"]})
    plan = await lost.person.answer("kim", "restore_plan", {})
    assert [run["agent"] for run in plan["runs"]] == ["lee"]
    assert {run["agent"]: run["why"] for run in plan["not_restored"]} == {
        "bo": "restored: queued",
        "cy": "not restored, as a person wanted",
    }


async def test_a_loss_while_others_wait_waits_too(lost: Fleet) -> None:
    await lost.ticket("Four")
    await lost.settle()
    await lost.queued("ada")
    await _lose_all(lost)
    assert _held(lost) == ["ada", "bo", "cy", "lee"]
    (alarm,) = lost.alarms("restore")
    assert alarm.title.startswith("4 runs were lost")


def test_the_shipped_configuration_asks_who_loses_more_than_two(tmp_path: Path) -> None:
    limits = load_settings(tmp_path, project_required=False, environ={}).require().limits
    assert (limits.restore, limits.restore_unasked) == ("ask", 2)
