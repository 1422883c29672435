"""A program's sessions: begun, taken up again, interrupted, failed or silent, and what its files say of their state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_tui.domain.events import RunCrashed, RunQueued
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.governance.isolation import Level
from fleet_tui.vendors import registry
from fleet_tui.vendors.claude_code import ClaudeCode
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import accounts, sessions, starting
from fleet_tui.watcher.runs.vendors import vendor_of
from tests.watcher.conftest import MakeFleet
from tests.watcher.vendor_support import SESSION, asks, at_work, call, home, hook, listened
from tests.watcher.watcher_support import agent

pytestmark = pytest.mark.usefixtures("short_waits")


async def test_a_turn_that_failed_is_told(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "StopFailure", error="server_error")
    assert fleet.run(run.id).state_reason == "turn failed: server_error"
    (alarm,) = fleet.alarms("turn-failed")
    assert alarm.title == "dev: its turn failed: server_error"
    await hook(fleet, run, "UserPromptSubmit")
    await hook(fleet, run, "Stop")
    assert fleet.alarms("turn-failed") == []


async def test_only_a_run_that_broke_off_is_taken_up_again(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    vendor = vendor_of(fleet.ctx, run)
    chosen, resumed = sessions.session_for(fleet.ctx, run, vendor)
    assert (sessions.session_for(fleet.ctx, run, vendor), resumed) == ((chosen, False), False)
    await hook(fleet, run, "SessionStart", source="startup")
    await hook(fleet, run, "SessionStart", source="startup")
    assert len(fleet.events("session_started")) == 1
    await fleet.ctx.say(RunCrashed(run.id, None, 9, 1000, "signalled"), f"run:{run.id}")
    await runs.replace_crashed(fleet.ctx)
    fleet.later(60)
    again = await fleet.queued("dev")
    assert sessions.session_for(fleet.ctx, again, vendor) == (SESSION, True)


async def test_one_that_began_no_session_begins_one(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await fleet.ctx.say(RunCrashed(run.id, None, 9, 1000, "signalled"), f"run:{run.id}")
    await runs.replace_crashed(fleet.ctx)
    again = await fleet.queued("dev")
    session, resumed = sessions.session_for(fleet.ctx, again, vendor_of(fleet.ctx, again))
    assert (session != SESSION, resumed) == (True, False)


@pytest.mark.parametrize("forged", ["--dangerously-skip-permissions", "-c", "", "a b", "../../x", 7, None])
async def test_no_session_is_called_like_an_option(make_fleet: MakeFleet, forged: object) -> None:
    """It comes back as an argument of the program that takes it up again."""
    fleet, run = await at_work(make_fleet)
    await call(fleet, run, "hook", kind="SessionStart", data={"session_id": forged, "source": "startup"})
    assert fleet.events("session_started") == []


async def test_escape_in_its_pane_is_seen_in_its_session_file(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    (home(fleet) / "sessions").mkdir()
    kept = home(fleet) / "sessions" / "7.json"

    def says(status: str, after_s: float) -> None:
        at_ms = (fleet.clock_ns + round(after_s * 1e9)) // 1_000_000
        kept.write_text(json.dumps({"sessionId": SESSION, "status": status, "statusUpdatedAt": at_ms}))

    says("idle", -60)
    await listened(fleet)
    assert fleet.run(run.id).state is RunState.RUNNING, "what is older than a hook's word does not count"
    says("idle", 1)
    await listened(fleet)
    now = fleet.run(run.id)
    assert (now.state, now.state_source, now.state_reason) == (RunState.WAITING, "file", "its turn was interrupted")
    says("busy", 3600)
    await listened(fleet)
    assert fleet.run(run.id).state is RunState.WAITING, "nothing comes from the future"
    says("busy", 3)
    await listened(fleet)
    assert fleet.run(run.id).state is RunState.RUNNING


async def test_a_program_whose_hooks_are_silent_is_told(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await listened(fleet)
    assert fleet.alarms("silent-hooks") == [], "it may still be coming up"
    fleet.later(90)
    await listened(fleet)
    (alarm,) = fleet.alarms("silent-hooks")
    assert alarm.title == "dev: no hook of cc was heard: what it does is neither asked about nor counted"
    await hook(fleet, run, "SessionStart", source="startup")
    await listened(fleet)
    assert fleet.alarms("silent-hooks") == []


async def test_an_adapter_that_breaks_is_an_alarm_and_nobody_else_s_problem(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    fleet, run = await at_work(make_fleet)
    monkeypatch.setattr(ClaudeCode, "parse_hook", broken)
    assert await hook(fleet, run, "Stop") == {}
    (alarm,) = fleet.alarms("vendor")
    assert "cc" in alarm.title
    assert "division by zero" in alarm.title
    assert (await asks(fleet, run, "git push origin main", "PreToolUse"))["verdict"] == "deny", "the guard stands"


@pytest.mark.parametrize("module", ["no_such_adapter", "base"])
async def test_an_adapter_that_is_not_even_one_is_told_and_the_others_work_on(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(registry._HOOKED, "codex", (module, "Odd"))
    team = [agent("ada", "developer", vendor="odd"), agent("bob", "developer", vendor="shell")]
    fleet = await make_fleet(team, vendors={"odd": {"kind": "codex"}, "shell": {"kind": "command", "argv": ["true"]}})
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    assert accounts.account_of(fleet.ctx, "ada", "odd") == "odd"
    for title in ("One", "Two"):
        await fleet.ticket(title)
    await fleet.settle()
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert [fleet.run(event.payload["run"]).agent for event in fleet.events("run_started")] == ["bob"]
    (alarm,) = fleet.ctx.reader.alarms()
    assert alarm.title.startswith("ada cannot start: the adapter cannot be used: codex: ")


async def test_a_home_that_the_agent_spoilt_is_told(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    place = fleet.ctx.paths.homes / "dev"
    place.mkdir(parents=True)
    (place / ".claude").symlink_to("/etc")
    await fleet.end(run, "stopped")
    await fleet.ctx.say(RunQueued("run-2", "dev", "developer", "cc", None, "test"), "run:run-2")
    await starting.start(fleet.ctx, fleet.run("run-2"))
    (alarm,) = fleet.alarms("start")
    assert alarm.title.startswith("dev cannot start: its settings cannot be written")


async def test_who_has_handed_over_after_a_long_turn_may_say_its_last_words(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, nobody would know what its last request used."""
    ended = []

    async def stop(run_dir: Path) -> None:
        ended.append(run_dir.name)

    monkeypatch.setattr(runs, "_stop", stop)
    fleet, queued = await at_work(make_fleet)
    run = await fleet.begin(queued)
    fleet.later(600)
    for seconds, stopped in ((0, []), (14, []), (2, [run.id])):
        fleet.later(seconds)
        await runs._let_go(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
        await fleet.ctx.jobs.idle()
        assert ended == stopped
    await hook(fleet, run, "Stop")
    await runs._let_go(fleet.ctx, fleet.run(run.id), fleet.ctx.paths.run_dir(run.id))
    await fleet.ctx.jobs.idle()
    assert len(ended) == 2, "its turn is over"
