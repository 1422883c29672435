"""The agents' desk: an identity says what its role may say, about what it was started for, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_tui.bus.protocol import MAX_FRAME
from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError
from fleet_tui.domain.events import PAYLOADS, AgentQuarantined
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import PullRequestState, RunState, TicketState, Verdict
from fleet_tui.governance.guard.acts import own_tool
from fleet_tui.watcher.merging.handover import hand_over
from tests.examples import BUSY
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

TEAM = [
    agent("dev", "developer"),
    agent("lee", "tech-lead"),
    agent("rae", "release-manager"),
    agent("eve", "observer", subscribes_to=["note"]),
]


async def author(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    return await fleet.queued("dev")


async def reviewer(fleet: Fleet) -> Run:
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    return await fleet.queued("lee")


async def ask(fleet: Fleet, asking: Run, op: str, request: str = "asked-1", **args: Any) -> dict[str, Any]:
    return await fleet.desk.answer(asking.id, op, args, request)


async def test_kinds_outside_the_role_are_refused_and_counted(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM, limits={"denials_to_quarantine": 1000})
    run = await author(fleet)
    family = fleet.ctx.settings.family("developer")
    forbidden = sorted(set(PAYLOADS) - set(family.publishes))
    before = fleet.kinds()
    for kind in forbidden:
        with pytest.raises(Refused, match="may not publish"):
            await fleet.publish(run, kind)
    assert fleet.kinds()[len(before) :] == ["policy_denied"] * len(forbidden)
    assert fleet.agent("dev").denials == len(forbidden)


async def test_unknown_kind_is_a_mistake_not_an_offence(fleet: Fleet) -> None:
    run = await author(fleet)
    with pytest.raises(UsageError, match="unknown event"):
        await fleet.publish(run, "made\x1b_up")
    assert fleet.agent("dev").denials == 0


async def test_own_kinds_of_the_configuration(make_fleet: MakeFleet) -> None:
    roles = {"author": {"match": ["developer"], "publishes": ["note", "deployed"], "subscribes_to": ["ticket_ready"]}}
    fleet = await make_fleet([agent("dev", "developer")], events=["deployed"], roles=roles)
    run = await author(fleet)
    await fleet.publish(run, "deployed", "to staging")
    assert fleet.events("deployed")[0].payload["summary"] == "to staging"


async def test_what_a_caller_says_of_itself_is_ignored(fleet: Fleet) -> None:
    run = await author(fleet)
    forged = {"agent": "lee", "run": "run-other", "actor": "operator:kim", "ticket": 99, "pr": 7, "role": "tech-lead"}
    args: dict[str, Any] = {"event": "note", "summary": "hi", "payload": forged, **forged}
    await ask(fleet, run, "publish", **args)
    (event,) = fleet.events("note")
    assert event.actor == f"agent:dev/{run.id}"
    assert {name: event.payload[name] for name in ("run", "ticket", "pr")} == {"run": run.id, "ticket": 1, "pr": None}


async def test_same_request_counts_once_and_denials_always(fleet: Fleet) -> None:
    run = await author(fleet)
    for _ in range(3):
        await fleet.publish(run, "note", "hi", request="same")
        with pytest.raises(Refused):
            await fleet.publish(run, "pr_approved", request="same")
    assert len(fleet.events("note")) == 1
    assert fleet.agent("dev").denials == 3
    await fleet.settle()
    assert fleet.agent("dev").quarantined, "three denials are the limit"


async def test_quarantined_and_former_identities_say_nothing(fleet: Fleet) -> None:
    run = await author(fleet)
    await fleet.say(AgentQuarantined("dev", "by hand", "operator", 1), "agent:dev")
    with pytest.raises(Refused, match="quarantined"):
        await fleet.publish(run, "note")
    with pytest.raises(Refused, match="held"):
        await ask(fleet, run, "inbox")
    await fleet.person.answer("kim", "release", {"agent": "dev", "reason": "fine"})
    with pytest.raises(Refused, match="revoked"):
        await fleet.publish(run, "note")
    await fleet.end(run, "stopped")
    with pytest.raises(Refused, match="is not running"):
        await fleet.publish(run, "note")
    with pytest.raises(Refused):
        await fleet.desk.answer("run-unknown", "whoami", {}, "r")


async def pushed_again(fleet: Fleet) -> None:
    """The author's run has ended; a colleague of the same ticket hands a new head over."""
    writer = next(r for r in fleet.ctx.reader.runs(agent="dev"))
    commit(Path(writer.workspace), {"app.py": f"print({fleet.ctx.reader.last_seq()})\n"})
    git(Path(writer.workspace), "push", "--quiet")
    await hand_over(fleet.ctx, writer, title="", body="", key=fleet.pr().head_sha, actor="watcher")


@pytest.mark.parametrize("verdict", ["pr_approved", "pr_changes_requested"])
async def test_verdict_is_bound_to_the_head_the_run_was_started_for(make_fleet: MakeFleet, verdict: str) -> None:
    fleet = await make_fleet(TEAM)
    run = await reviewer(fleet)
    await pushed_again(fleet)
    with pytest.raises(Conflict, match="moved on"):
        await fleet.publish(run, verdict)
    assert fleet.ctx.reader.reviews(1) == []


async def test_reviewer_is_not_contained_for_being_overtaken(make_fleet: MakeFleet) -> None:
    """An author could else have its reviewers quarantined by pushing while they read."""
    fleet = await make_fleet(TEAM, limits={"denials_to_quarantine": 1})
    run = await reviewer(fleet)
    for _ in range(3):
        await pushed_again(fleet)
        with pytest.raises(Conflict, match="asked again"):
            await fleet.publish(run, "pr_approved")
    await fleet.settle()
    assert fleet.events("policy_denied") == []
    assert not fleet.agent("lee").quarantined


async def test_verdict_names_no_other_pull_request(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await reviewer(fleet)
    await fleet.publish(run, "pr_approved", payload={"pr": 99, "head_sha": "0" * 40, "agent": "rae"})
    (review,) = fleet.ctx.reader.reviews(1)
    assert (review.agent, review.head_sha, review.verdict) == ("lee", fleet.pr().head_sha, Verdict.APPROVED)


@pytest.mark.parametrize("decision", [None, "MERGE", "yes", 1, {"merge": True}])
async def test_release_needs_a_decision(make_fleet: MakeFleet, decision: object) -> None:
    fleet = await make_fleet(TEAM)
    run = await reviewer(fleet)
    await fleet.publish(run, "pr_approved")
    await fleet.end(run)
    await fleet.settle()
    rae = await fleet.queued("rae")
    with pytest.raises(UsageError, match="no decision"):
        await fleet.publish(rae, "release_decided", payload={"decision": decision})
    assert fleet.events("release_decided") == []


async def test_nothing_committed_is_nothing_to_review(fleet: Fleet) -> None:
    run = await author(fleet)
    with pytest.raises(Refused, match="no commits"):
        await fleet.publish(run, "pr_created")
    assert fleet.ctx.reader.pull_requests() == []


async def test_handing_over_twice_makes_one_pull_request(fleet: Fleet) -> None:
    run = await author(fleet)
    commit(Path(run.workspace), {"app.py": "print('two')\n"})
    first = await fleet.publish(run, "pr_created", request="one")
    again = await fleet.publish(run, "pr_created", request="two")
    assert first == again
    commit(Path(run.workspace), {"app.py": "print('three')\n"})
    git(Path(run.workspace), "push", "--quiet")
    await fleet.publish(run, "pr_created", request="three")
    assert len(fleet.events("pr_created")) == 1
    assert len(fleet.events("pr_updated")) == 1
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW


# -- questions, mail, hooks ------------------------------------------------------------------------------------------


async def test_blocker_holds_the_ticket_up_until_it_is_answered(fleet: Fleet) -> None:
    run = await author(fleet)
    await fleet.publish(run, "blocker", "Which colour?")
    assert fleet.of_ticket().state is TicketState.BLOCKED
    assert fleet.run(run.id).state is RunState.WAITING
    (question,) = fleet.ctx.reader.questions()
    await fleet.person.answer("kim", "answer", {"question": question.id, "text": "blue"})
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    (message,) = fleet.ctx.reader.messages(run=run.id)
    assert (message.purpose, message.text) == ("answer", "blue")


async def test_answer_after_the_end_starts_one_new_run(fleet: Fleet) -> None:
    run = await author(fleet)
    await fleet.publish(run, "blocker", "Which colour?")
    await fleet.end(run)
    await fleet.settle()
    assert fleet.occupying() == []
    (question,) = fleet.ctx.reader.questions()
    await fleet.person.answer("kim", "answer", {"question": question.id, "text": "blue"})
    await fleet.settle()
    (again,) = fleet.occupying()
    assert "Which colour?" in again.instructions
    assert "blue" in again.instructions
    assert fleet.of_ticket().state is TicketState.IN_PROGRESS
    with pytest.raises(FleetError, match="already answered"):
        await fleet.person.answer("kim", "answer", {"question": question.id, "text": "red"})


async def test_question_of_a_reviewer_does_not_hold_the_ticket_up(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await reviewer(fleet)
    await fleet.publish(run, "blocker", "Is this in scope?")
    assert fleet.of_ticket().state is TicketState.IN_REVIEW


async def test_mail_is_delivered_and_acknowledged(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await author(fleet)
    await fleet.publish(run, "note", "for you", to=["dev", "lee"])
    (letter,) = (await ask(fleet, run, "inbox"))["messages"]
    assert (letter["kind"], letter["summary"]) == ("note", "for you")
    await ask(fleet, run, "ack", seq=10_000)
    assert (await ask(fleet, run, "inbox"))["messages"] == []
    assert len((await ask(fleet, run, "inbox", all=True))["messages"]) == 1
    assert fleet.agent("dev").acked_seq == letter["seq"]


@pytest.mark.parametrize("to", [5, "dev", {"dev": 1}, [5, None], True, None])
async def test_strange_recipients_are_nobody(fleet: Fleet, to: object) -> None:
    run = await author(fleet)
    await fleet.publish(run, "note", "hi", to=to)
    assert fleet.events("note")[0].payload["to"] == []


async def test_unknown_recipient_is_named(fleet: Fleet) -> None:
    run = await author(fleet)
    with pytest.raises(UsageError, match="no such agent"):
        await fleet.publish(run, "note", "hi", to=["dev", "nobody\x1b[31m"])


async def test_hooks_move_the_state_between_working_and_waiting(fleet: Fleet) -> None:
    run = await author(fleet)
    await ask(fleet, run, "hook", "a", kind="turn_ended")
    assert fleet.run(run.id).state is RunState.WAITING
    await ask(fleet, run, "hook", "b", kind="prompt_submitted")
    assert fleet.run(run.id).state is RunState.RUNNING
    before = fleet.ctx.reader.last_seq()
    assert await ask(fleet, run, "hook", "c", kind="something_else") == {}
    assert fleet.ctx.reader.last_seq() == before


async def test_who_and_what(fleet: Fleet) -> None:
    run = await author(fleet)
    me = await ask(fleet, run, "whoami")
    assert (me["agent"], me["run"], me["ticket"], me["isolation"]) == ("dev", run.id, 1, "L0")
    assert "pr_created" in me["may_publish"]
    assert "Print two." in (await ask(fleet, run, "ticket"))["text"]
    with pytest.raises(UsageError, match="unknown request"):
        await ask(fleet, run, "approve")


async def test_spool_is_taken_in_order_each_once(fleet: Fleet) -> None:
    run = await author(fleet)
    new = fleet.ctx.paths.run_dir(run.id) / "spool" / "new"
    new.mkdir(parents=True)
    for number in range(12):
        args: dict[str, Any] = {"event": "note" if number != 5 else "pr_merged", "summary": str(number)}
        body = {"v": 1, "id": f"request-{number}", "op": "publish", "args": args, "token": None}
        (new / f"{number:012d}-note{number}.json").write_text(json.dumps(body))
    await fleet.desk.drain(run.id)
    await fleet.desk.drain(run.id)
    assert [event.payload["summary"] for event in fleet.events("note")] == [str(n) for n in range(12) if n != 5]
    assert len(fleet.events("policy_denied")) == 1
    assert list(new.iterdir()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[*BUSY, HealthCheck.function_scoped_fixture])
@given(payload=JSON, summary=JSON, title=JSON)
async def test_any_words_of_an_agent_are_recorded_or_refused(
    talking: tuple[Fleet, Run], payload: Any, summary: Any, title: Any
) -> None:
    fleet, run = talking
    try:
        await fleet.desk.answer(
            run.id,
            "publish",
            {"event": "note", "summary": summary, "payload": payload, "title": title},
            str(id(payload)),
        )
    except FleetError:
        return
    event = fleet.events("note")[-1]
    assert "\x1b" not in json.dumps(event.payload, ensure_ascii=False)


@pytest.fixture
async def talking(fleet: Fleet) -> tuple[Fleet, Run]:
    return fleet, await author(fleet)


@pytest.mark.parametrize("body", ["short", "🚀" * 50_000 + "end"], ids=["short", "long"])
async def test_an_agent_reads_the_whole_ticket_in_parts_that_fit(fleet: Fleet, body: str) -> None:
    await fleet.ticket("Long", body)
    await fleet.settle()
    run = await fleet.queued("dev")
    after: int | None = 0
    text = ""
    while after is not None:
        answer = await fleet.desk.answer(run.id, "ticket", {"after": after}, f"ticket-{after}")
        assert len(json.dumps(answer)) < MAX_FRAME - 1000
        text, after = text + answer["text"], answer["next"]
    assert text == f"#1 Long\n\n{body}"


async def test_a_run_asks_five_things_at_once_and_the_report_that_a_ceiling_wants(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    for number in range(5):
        await fleet.publish(run, "blocker", f"question {number}")
    with pytest.raises(Refused, match="5 of yours wait for a person already"):
        await fleet.publish(run, "blocker", "one more")
    assert len(fleet.ctx.reader.questions(open_only=True)) == 5
    await fleet.reconfigure(budgets=[{"scope": "agent", "unit": "turns", "ceiling": 1, "grace_s": 5}])
    answer = await fleet.desk.answer(run.id, "usage", {"turn": 1}, "u1")
    assert "is used up" in answer["refused"]
    await fleet.publish(run, "blocker", "Done: this. Left: that.")
    with pytest.raises(Refused, match="6 of yours"):
        await fleet.publish(run, "blocker", "and another")


async def test_there_is_nothing_to_read_before_the_handover(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    with pytest.raises(Refused, match="no pull request"):
        await ask(fleet, await fleet.queued(), "pr")


async def test_an_agent_reads_the_pull_request_that_it_is_at(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    read = await ask(fleet, await reviewer(fleet), "pr")
    found = fleet.ctx.reader.pull_request(1)
    assert found is not None
    assert (read["pr"], read["ticket"], read["head"], read["state"]) == (1, 1, found.head_sha, found.state.value)
    assert read["reviews"] == []


@pytest.mark.parametrize("tool", ["mcp__fleet__blocker", "mcp_fleet_blocker", "fleet_blocker", "fleet-blocker"])
def test_the_fleet_s_own_tools_are_known_by_name(tool: str) -> None:
    assert own_tool(tool) == "blocker"
    assert not own_tool(tool.replace("fleet", "fleets"))
    assert not own_tool(f"x{tool}")
    assert not own_tool(tool.replace("blocker", "shell"))


async def test_letters_that_do_not_fit_into_one_answer_come_one_after_the_other(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    run = await author(fleet)
    for number in range(5):
        await ask(
            fleet, run, "publish", f"note-{number}", event="note", summary=f"{number}", to=["dev"],
            payload={str(name): "x" * 2_000 for name in range(30)},
        )  # fmt: skip
    seen: list[str] = []
    more = True
    while more:
        answer = await ask(fleet, run, "inbox", f"inbox-{len(seen)}")
        assert len(json.dumps(answer)) < MAX_FRAME
        seen += [letter["summary"] for letter in answer["messages"]]
        more = answer["more"]
        await ask(fleet, run, "ack", f"ack-{len(seen)}", seq=answer["messages"][-1]["seq"])
    assert seen == ["0", "1", "2", "3", "4"]
