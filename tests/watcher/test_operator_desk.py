"""The operator's desk: every command with what it should do, with an unknown subject, and with a stale one."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError
from fleet_tui.domain.events import AlarmCleared, AlarmRaised
from fleet_tui.domain.states import AlarmState, RunState, TicketState
from fleet_tui.watcher.passes import tickets
from tests.watcher.test_agents_desk import ask
from tests.watcher.watcher_support import Fleet


async def do(fleet: Fleet, op: str, **args: Any) -> dict[str, Any]:
    return await fleet.person.answer("kim", op, args)


async def working(fleet: Fleet) -> str:
    await fleet.ticket()
    await fleet.settle()
    return (await fleet.queued("dev")).id


ABOUT_AGENTS = ("quarantine", "release", "pause", "resume", "stop", "restart", "message", "extend_budget")
ABOUT_APPROVALS = ("approve", "undo", "reject", "request_changes")


@pytest.mark.parametrize(
    "op", [*ABOUT_AGENTS, *ABOUT_APPROVALS, "answer", "acknowledge", "unblock", "diff", "gate_log", "ticket"]
)
@pytest.mark.parametrize("subject", [{}, "unknown", "wrong type"])
async def test_unknown_subjects_are_refused_and_nothing_is_recorded(
    fleet: Fleet, op: str, subject: dict[str, Any] | str
) -> None:
    names = ("agent", "approval", "question", "alarm", "gate")
    args: dict[str, Any] = {"text": "hi", "reason": "why", "seconds": 5, "head": "0" * 40}
    if subject == "unknown":
        args |= dict.fromkeys(names, "nobody\x1b[31m") | {"ticket": 99, "pr": 99, "number": 99}
    elif subject == "wrong type":
        args |= dict.fromkeys(names, 7) | {"ticket": "one", "pr": "one", "number": None}
    before = fleet.ctx.reader.last_seq()
    with pytest.raises(FleetError) as refused:
        await do(fleet, op, **args)
    assert isinstance(refused.value, UsageError | Conflict)
    assert refused.value.title
    assert fleet.ctx.reader.last_seq() == before


async def test_unknown_command(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="unknown command") as refused:
        await do(fleet, "drop_tables\x1b[2J")
    assert "\x1b" not in str(refused.value)


async def test_status_tells_how_things_are(fleet: Fleet) -> None:
    await working(fleet)
    status = await do(fleet, "status")
    assert status["live_runs"] == 1
    assert status["events"] == fleet.ctx.reader.last_seq()
    assert (status["isolation"], status["stopping"], status["epoch"]) == ("L0", False, 1)


async def test_poll_looks_at_everything_again(fleet: Fleet) -> None:
    await fleet.settle()
    fleet.ctx.look_at_tickets = False
    await do(fleet, "poll")
    assert fleet.ctx.look_at_tickets
    assert fleet.ctx.wake.is_set()


async def test_pause_and_resume(fleet: Fleet) -> None:
    await do(fleet, "pause", agent="dev", reason="lunch")
    assert fleet.agent().paused
    with pytest.raises(Conflict):
        await do(fleet, "pause", agent="dev")
    await do(fleet, "resume", agent="dev")
    assert not fleet.agent().paused
    with pytest.raises(Conflict):
        await do(fleet, "resume", agent="dev")
    assert {event.actor for event in fleet.events("agent_paused", "agent_resumed")} == {"operator:kim"}


async def test_stop_by_run_and_by_agent(fleet: Fleet) -> None:
    run = await working(fleet)
    await do(fleet, "stop", run=run)
    assert fleet.run(run).stop_requested
    await fleet.end(fleet.run(run), "stopped")
    for args in ({"run": run}, {"agent": "dev"}, {"run": "run-none"}):
        with pytest.raises(Conflict, match="nothing is running"):
            await do(fleet, "stop", **args)
    await fleet.settle()
    assert fleet.of_ticket().state is TicketState.BLOCKED
    await do(fleet, "unblock", ticket=1)
    await fleet.settle()
    (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
    await do(fleet, "stop", agent="dev")
    assert fleet.run(again.id).stop_requested


async def test_message_is_queued_for_the_agent(fleet: Fleet) -> None:
    run = await working(fleet)
    await do(fleet, "message", agent="dev", text="use \x1b[31mtabs\u202e")
    await do(fleet, "message", agent="dev", text="x" * 50_000)
    short, long = fleet.ctx.reader.messages(run=run)
    assert (short.text, short.sender, short.text_sha) == ("use tabs", "operator:kim", None)
    assert long.text_sha is not None
    assert fleet.ctx.store.blob(long.text_sha) == "x" * 50_000


@pytest.mark.parametrize("text", ["", "   ", "\x00\u200b", None, 5])
async def test_message_of_nothing_is_refused(fleet: Fleet, text: object) -> None:
    await working(fleet)
    with pytest.raises(UsageError, match="text"):
        await do(fleet, "message", agent="dev", text=text)
    assert fleet.ctx.reader.messages() == []


async def test_message_needs_a_living_run(fleet: Fleet) -> None:
    with pytest.raises(Conflict, match="nothing is running"):
        await do(fleet, "message", agent="dev", text="hello")
    await fleet.ticket()
    await fleet.settle()
    with pytest.raises(Conflict, match="needs a running agent"):
        await do(fleet, "message", agent="dev", text="hello")


async def test_message_to_somebody_who_asked_is_the_answer(fleet: Fleet) -> None:
    run = fleet.run(await working(fleet))
    await fleet.publish(run, "blocker", "Which?")
    await do(fleet, "message", agent="dev", text="that one")
    assert fleet.ctx.reader.questions() == []
    assert [m.purpose for m in fleet.ctx.reader.messages()] == ["answer"]


async def test_a_message_for_many_is_the_answer_to_no_question(fleet: Fleet) -> None:
    run = fleet.run(await working(fleet))
    await do(fleet, "message", agent="dev", text="to all of you", answers=False)
    await fleet.publish(run, "blocker", "Which?")
    with pytest.raises(Conflict, match="asked a question"):
        await do(fleet, "message", agent="dev", text="to all of you", answers=False)
    assert [question.answer for question in fleet.ctx.reader.questions()] == [None]
    assert [m.purpose for m in fleet.ctx.reader.messages()] == ["message"]


async def test_acknowledge_counts_once(fleet: Fleet) -> None:
    await fleet.say(AlarmRaised("alarm-1", "rule", 2, "t", "r", "fleet"), "fleet")
    for _ in range(3):
        await do(fleet, "acknowledge", alarm="alarm-1")
    (alarm,) = fleet.alarms()
    assert (alarm.state, alarm.acknowledged_by) == (AlarmState.ACKNOWLEDGED, "operator:kim")
    assert len(fleet.events("alarm_acknowledged")) == 1


async def test_unblock_only_what_is_blocked(fleet: Fleet) -> None:
    await fleet.ticket(ready=False)
    await fleet.settle()
    with pytest.raises(Conflict, match="not blocked"):
        await do(fleet, "unblock", ticket=1)
    await tickets.block(fleet.ctx, 1, "thin")
    await do(fleet, "unblock", ticket=1)
    assert fleet.of_ticket().state is TicketState.READY


async def test_a_ticket_is_held_back_and_made_ready_by_its_label(fleet: Fleet) -> None:
    await fleet.ticket(ready=False)
    await fleet.settle()
    with pytest.raises(Conflict, match="is draft now"):
        await do(fleet, "hold", ticket=1)
    await do(fleet, "ready", ticket=1)
    await tickets.observe(fleet.ctx)
    assert fleet.of_ticket().state is TicketState.READY
    with pytest.raises(Conflict, match="is ready now"):
        await do(fleet, "ready", ticket=1)
    await do(fleet, "hold", ticket=1)
    await tickets.observe(fleet.ctx)
    assert fleet.of_ticket().state is TicketState.DRAFT
    assert [event.actor for event in fleet.events("operator_acted")] == ["operator:kim"] * 2


async def test_evidence(fleet: Fleet) -> None:
    await fleet.to_approval({"app.py": "print('two')\n", "b\u202ed.py": "x\n"})
    diff = await do(fleet, "diff", pr=1)
    assert [file["path"] for file in diff["files"]] == ["app.py", "b<U+202E>d.py"]
    assert (diff["head"], diff["base"]) == (fleet.pr().head_sha, fleet.pr().base_sha)
    (one,) = (await do(fleet, "diff", pr=1, path="app.py"))["files"]
    kinds = [line[0] for line in one["hunks"][0]["lines"]]
    assert (one["added"], one["deleted"], len(kinds)) == (1, 1, 2)
    assert "Print two." in (await do(fleet, "ticket", number=1))["text"]


@pytest.mark.parametrize("end", ["--output=/tmp/x", "HEAD; id", "../..", "refs/heads/none"])
async def test_diff_of_strange_commits_is_refused(fleet: Fleet, end: str) -> None:
    await fleet.to_approval()
    with pytest.raises(FleetError):
        await do(fleet, "diff", pr=1, head=end)


async def test_shutdown_says_how(fleet: Fleet) -> None:
    run = await working(fleet)
    await do(fleet, "shutdown")
    assert not fleet.run(run).stop_requested
    await do(fleet, "shutdown", with_agents=True)
    assert fleet.run(run).stop_requested
    assert fleet.stops == ["operator", "with-agents"]


async def test_user_names_are_made_harmless(fleet: Fleet) -> None:
    await fleet.person.answer("kim\x1b[31m\nagent:dev", "pause", {"agent": "dev"})
    (event,) = fleet.events("agent_paused")
    assert event.actor == "operator:kim agent:dev"


async def test_a_group_is_acknowledged_from_the_alarm_that_came_first(fleet: Fleet) -> None:
    for name, first in (("one", None), ("two", "one"), ("three", "one"), ("other", None)):
        await fleet.say(AlarmRaised(name, "rule", 2, "t", "r", "fleet", first), "fleet")
    await do(fleet, "acknowledge", alarm="two", group=True)
    await do(fleet, "acknowledge", alarm="one", group=True)
    seen = [event.payload["alarm"] for event in fleet.events("alarm_acknowledged")]
    assert seen == ["two", "one", "three"]


async def test_an_alarm_that_went_unseen_is_acknowledged_once(fleet: Fleet) -> None:
    await fleet.say(AlarmRaised("alarm-1", "rule", 2, "t", "r", "fleet"), "fleet")
    await fleet.say(AlarmCleared("alarm-1", "over"), "fleet")
    for _ in range(2):
        await do(fleet, "acknowledge", alarm="alarm-1")
    (alarm,) = fleet.ctx.reader.alarms()
    assert (alarm.state, alarm.acknowledged_by) == (AlarmState.CLEARED, "operator:kim")
    assert len(fleet.events("alarm_acknowledged")) == 1


async def test_what_an_assistant_does_is_told_apart_and_it_decides_nothing(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    known = set(fleet.person._ops)
    for op in sorted(known - {"message", "pause"}):
        before = fleet.kinds()
        with contextlib.suppress(FleetError):
            await fleet.person.answer("kim", op, {"via": "mcp"})
        assert fleet.kinds() == before, f"{op} changed something"
    for op in ("approve", "reject", "answer", "release", "resume", "extend_budget", "quarantine", "lift", "stop"):
        with pytest.raises((Refused, UsageError)):
            await fleet.person.answer("kim", op, {"via": "mcp", "agent": "dev"})
    await fleet.person.answer("kim", "pause", {"via": "mcp", "agent": "dev", "reason": "asked to"})
    assert fleet.events("agent_paused")[-1].actor == "operator:kim/mcp"
    await fleet.person.answer("kim", "resume", {"agent": "dev"})
    await ask(fleet, run, "publish", event="blocker", summary="Which?", payload={"question": True})
    with pytest.raises(Conflict, match="waits for an answer"):
        await fleet.person.answer("kim", "message", {"via": "mcp", "agent": "dev", "text": "this one"})
    assert fleet.ctx.reader.questions()[0].answer is None


@pytest.mark.parametrize("op", ["message", "stop", "restart", "release"])
async def test_who_cannot_do_it_is_told_where_to_look(fleet: Fleet, op: str) -> None:
    with pytest.raises(FleetError) as refused:
        await do(fleet, op, agent="lee", text="hi", reason="why")
    assert refused.value.hint.startswith("fleet ")
    assert "lee" in refused.value.message
