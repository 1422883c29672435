"""Usage limits of accounts: all who use one are parked, keep what they have, and go on one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.events import Draft, Event, RunCrashed
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import Isolation, MessageState, RunState, TicketState
from fleet_tui.governance.isolation import Level
from fleet_tui.watcher.passes import runs, walls
from fleet_tui.watcher.runs import accounts
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

SESSION = "0b6f7f7c-6a0e-5b0e-9f53-0c6d3b1b7e11"
KEY = {"ANTHROPIC_API_KEY": "one"}
LIMITS = {"account_gap_s": 10, "account_proof_s": 120, "account_backoff_s": [300, 900, 86_400]}
DOUBTS = {**LIMITS, "account_backoff_s": [300, 900]}


@pytest.fixture(autouse=True)
def log_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Fleet]]:
    """The log writes down the time of the fleet that is looked at, as it does outside of tests."""

    def now_ns() -> int:
        return FLEETS[-1].clock_ns if FLEETS else time.time_ns()

    stands_still = SimpleNamespace(time_ns=now_ns, monotonic_ns=time.monotonic_ns)
    monkeypatch.setattr("fleet_tui.store.append.time", stands_still)
    yield FLEETS
    FLEETS.clear()


FLEETS: list[Fleet] = []


async def at_work(make_fleet: MakeFleet, *names: str, tickets: int = 2, **sections: Any) -> tuple[Fleet, list[Run]]:
    """Agents on the same key, each on a ticket."""
    team = [agent(name, "developer", vendor="cc") for name in names or ("ada", "bob")]
    vendors = {"cc": {"kind": "claude-code", "argv": ["claude"], "env": KEY}}
    fleet = await make_fleet(team, **{"vendors": vendors, "limits": LIMITS} | sections)
    FLEETS.append(fleet)
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    for number in range(tickets):
        await fleet.ticket(f"Say {number}")
    await fleet.settle()
    return fleet, [await fleet.begin(run) for run in fleet.ctx.reader.runs(RunState.QUEUED)][::-1]


async def fails(fleet: Fleet, run: Run, text: str = "", error: str = "rate_limit") -> None:
    data = {"session_id": SESSION, "error": error, "last_assistant_message": text}
    request = f"request-{len(fleet.kinds())}"
    await fleet.desk.answer(run.id, "hook", {"kind": "StopFailure", "data": data}, request)
    await walls.keep(fleet.ctx)


async def after(fleet: Fleet, seconds: float) -> list[str]:
    """The agents that went on within ``seconds``."""
    before = len(fleet.events("account_run_released"))
    fleet.later(seconds)
    await walls.keep(fleet.ctx)
    return [event.payload["agent"] for event in fleet.events("account_run_released")[before:]]


def in_minutes(minutes: int) -> str:
    return f"You've hit your limit, try again in {minutes} minutes"


async def test_all_of_the_account_are_parked_and_go_on_one_after_the_other(make_fleet: MakeFleet) -> None:
    fleet, (first, second) = await at_work(make_fleet)
    await fails(fleet, second, in_minutes(60))
    (account,) = fleet.ctx.reader.accounts()
    assert account.id.startswith("claude-code:")
    assert "one" not in account.id, "a digest, not the key"
    for run in (first, second):
        now = fleet.run(run.id)
        assert (now.state, now.state_source) == (RunState.LIMITED, "account")
        assert now.state_reason.startswith("parked until ")
        assert now.state_reason.endswith(f" UTC: usage limit of {account.id}")
    (alarm,) = fleet.alarms("usage-limit")
    assert "its agents are parked until" in alarm.title
    assert fleet.alarms("turn-failed") == []
    assert [ticket.state for ticket in fleet.ctx.reader.tickets()] == [TicketState.IN_PROGRESS] * 2
    assert await after(fleet, 59 * 60) == []
    assert len(await after(fleet, 11 * 60)) == 1, "one first"
    assert await after(fleet, 60) == [], "until it has shown that the account works"
    assert len(await after(fleet, 60)) == 1
    went_on = {event.payload["run"] for event in fleet.events("account_run_released")}
    assert went_on == {first.id, second.id}
    assert fleet.run(first.id).state is RunState.RUNNING, "it was frozen in the middle of its turn"
    assert fleet.run(second.id).state is RunState.WAITING
    (message,) = fleet.ctx.reader.messages()
    assert (message.run, message.purpose) == (second.id, "go-on"), "its turn was cut off"
    assert fleet.alarms("usage-limit") != [], "the last one may meet it again"
    await after(fleet, 10)
    await walls.keep(fleet.ctx)  # the loop goes round as long as anything changes
    assert fleet.alarms("usage-limit") == []
    assert not fleet.ctx.reader.accounts()[0].limited
    assert fleet.events("run_crashed") == []


async def test_an_answer_from_the_vendor_lets_the_others_go_on_earlier(make_fleet: MakeFleet) -> None:
    fleet, (first, _second) = await at_work(make_fleet)
    await fails(fleet, first, in_minutes(60))
    assert len(await after(fleet, 71 * 60)) == 1
    run = fleet.run(fleet.events("account_run_released")[0].payload["run"])
    await fleet.desk.answer(run.id, "usage", {"output_tokens": 5, "model": "m"}, "used")
    assert await after(fleet, 9) == [], "but never two at once"
    assert len(await after(fleet, 1)) == 1


async def test_who_meets_it_again_parks_all_once_more_and_waits_longer(make_fleet: MakeFleet) -> None:
    fleet, both = await at_work(make_fleet)
    await fails(fleet, both[0])
    assert "next try" in fleet.run(both[0].id).state_reason, "nobody said when it is over"
    assert await after(fleet, 299) == []
    (name,) = await after(fleet, 1)
    (again,) = [run for run in both if run.agent == name]
    await fails(fleet, again)
    assert [fleet.run(run.id).state for run in both] == [RunState.LIMITED] * 2
    assert await after(fleet, 899) == []
    assert len(await after(fleet, 1)) == 1
    assert len(await after(fleet, 120)) == 1
    cut_off = {message.run for message in fleet.ctx.reader.messages() if message.purpose == "go-on"}
    assert both[0].id in cut_off
    assert len(fleet.alarms("usage-limit")) == 1, "one alarm for the account, all along"


async def test_a_person_lets_them_go_on_earlier_still_one_by_one(make_fleet: MakeFleet) -> None:
    fleet, both = await at_work(make_fleet)
    await fails(fleet, both[0], in_minutes(300))
    (account,) = fleet.ctx.reader.accounts()
    with pytest.raises(Conflict, match="nobody waits for it"):
        await fleet.person.answer("kim", "resume_account", {"account": "codex:1"})
    await fleet.person.answer("kim", "resume_account", {"account": account.id, "reason": "bought more"})
    assert len(await after(fleet, 1)) == 1
    assert await after(fleet, 1) == []
    assert len(await after(fleet, 120)) == 1


async def test_other_accounts_work_on_and_are_given_the_tickets(make_fleet: MakeFleet) -> None:
    team = [
        agent("ada", "developer", vendor="cc"),
        agent("bob", "developer", vendor="cc", env={"ANTHROPIC_AUTH_TOKEN": "bob's own"}),
    ]
    fleet = await make_fleet(
        team, vendors={"cc": {"kind": "claude-code", "argv": ["claude"], "env": KEY}}, limits=LIMITS
    )
    fleet.ctx.level = Level(Isolation.L1, "for the test")
    assert accounts.account_of(fleet.ctx, "ada", "cc") != accounts.account_of(fleet.ctx, "bob", "cc")
    await fleet.ticket("Say one")
    await fleet.settle()
    run = await fleet.begin(await fleet.queued("ada"))
    await fails(fleet, run, in_minutes(60))
    await fleet.end(run, "stopped")
    for title in ("Say two", "Say three"):
        await fleet.ticket(title)
    await fleet.settle()
    assert {one.agent for one in fleet.ctx.reader.runs(RunState.QUEUED)} == {"bob"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("claude-code", "ANTHROPIC_API_KEY"),
        ("codex", "OPENAI_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
        ("opencode", "OPENROUTER_API_KEY"),
        ("copilot", "COPILOT_PROVIDER_API_KEY"),
        ("aider", "DEEPSEEK_API_KEY"),
    ],
)
async def test_whoever_has_a_key_of_its_own_has_an_account_of_its_own(
    make_fleet: MakeFleet, kind: str, name: str
) -> None:
    team = [agent("ada", "developer", vendor="it"), agent("bob", "developer", vendor="it", env={name: "bob's own"})]
    fleet = await make_fleet(team, vendors={"it": {"kind": kind, "argv": ["x"]}})
    assert accounts.account_of(fleet.ctx, "ada", "it") == "it"
    assert accounts.account_of(fleet.ctx, "bob", "it").startswith(f"{kind}:")


async def test_a_program_that_ends_at_the_limit_has_used_no_attempt(make_fleet: MakeFleet) -> None:
    fleet, (run, _other) = await at_work(make_fleet)
    await fails(fleet, run, in_minutes(60))
    await fleet.ctx.say(RunCrashed(run.id, 1, None, 10, "exit code 1"), f"run:{run.id}")
    await runs.replace_crashed(fleet.ctx)
    (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert (again.previous, again.attempt) == (run.id, run.attempt)
    ticket = fleet.ctx.reader.ticket(run.ticket or 0)
    assert ticket is not None
    assert (ticket.state, ticket.run) == (TicketState.IN_PROGRESS, again.id)
    await runs.start_queued(fleet.ctx)
    assert not fleet.ctx.jobs.running(f"start:{again.id}"), "it begins in its turn"
    assert accounts.held_by(fleet.ctx, again) is not None


@pytest.mark.parametrize(("answered", "more"), [(False, 0), (True, 1)])
async def test_who_ends_as_soon_as_it_was_let_go_on_has_used_no_attempt(
    make_fleet: MakeFleet, answered: bool, more: int
) -> None:
    """A program that gives up at a limit may be frozen just before its end."""
    fleet, (run,) = await at_work(make_fleet, "ada", tickets=1)
    await fails(fleet, run, in_minutes(1))
    assert len(await after(fleet, 62)) == 1
    if answered:
        await fleet.desk.answer(run.id, "usage", {"output_tokens": 5, "model": "m"}, "used")
    await fleet.ctx.say(RunCrashed(run.id, 0, None, 10, "it ended without handing its work over"), f"run:{run.id}")
    await runs.replace_crashed(fleet.ctx)
    (again,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert (again.previous, again.attempt) == (run.id, run.attempt + more)


async def test_texts_wait_with_who_they_are_for(make_fleet: MakeFleet) -> None:
    fleet, (first, second) = await at_work(make_fleet)
    await fleet.desk.answer(second.id, "hook", {"kind": "Stop", "data": {"session_id": SESSION}}, "stop")
    await fails(fleet, first, in_minutes(60))
    assert fleet.run(second.id).state is RunState.WAITING, "it waits for a person, and asks the account for nothing"
    await fleet.person.answer("kim", "message", {"agent": second.agent, "text": "go on"})
    await fleet.settle(without=frozenset({"observe runs", "start runs"}))
    (message,) = fleet.ctx.reader.messages()
    assert message.state is MessageState.QUEUED
    assert not fleet.ctx.jobs.running(f"message:{message.id}")


async def test_another_key_frees_who_was_parked(make_fleet: MakeFleet) -> None:
    fleet, (first, second) = await at_work(make_fleet)
    await fails(fleet, first, in_minutes(60))
    await fleet.reconfigure(
        vendors={"cc": {"kind": "claude-code", "argv": ["claude"], "env": {"ANTHROPIC_API_KEY": "two"}}}
    )
    await walls.keep(fleet.ctx)
    assert fleet.run(second.id).state is RunState.RUNNING
    assert fleet.run(first.id).state is RunState.WAITING
    assert [message.run for message in fleet.ctx.reader.messages()] == [first.id]


async def test_codex_tells_it_in_its_rollout_alone(make_fleet: MakeFleet) -> None:
    from tests.watcher.vendor_support import listened

    fleet, (run, _) = await at_work(make_fleet, vendors={"cc": {"kind": "codex", "argv": ["codex"]}})
    started = {"kind": "SessionStart", "data": {"session_id": SESSION, "source": "startup"}}
    await fleet.desk.answer(run.id, "hook", started, "started")
    day = Path(fleet.ctx.paths.homes / run.agent / ".codex" / "sessions" / "2026" / "11" / "27")
    day.mkdir(parents=True)
    error = {
        "message": "You've hit your usage limit. Try again in 50 minutes.",
        "codex_error_info": "usage_limit_exceeded",
    }
    done = {"type": "task_complete", "turn_id": "t1", "error": error, "completed_at": fleet.clock_ns // 10**9}
    (day / f"rollout-x-{SESSION}.jsonl").write_text(json.dumps({"type": "event_msg", "payload": done}) + "\n")
    await listened(fleet)
    await walls.keep(fleet.ctx)
    (account,) = fleet.ctx.reader.accounts()
    assert (account.id, account.reset_ns) == ("cc", (fleet.clock_ns // 10**9 - 3 + 3000) * 10**9)
    assert fleet.run(run.id).state is RunState.LIMITED
    fleet.ctx.read_up_to.clear()  # as after a restart of the watcher
    await listened(fleet)
    assert len(fleet.events("account_limited")) == 1


async def test_a_forged_limit_holds_up_the_others_no_longer_than_the_longest_back_off(make_fleet: MakeFleet) -> None:
    fleet, (liar, other) = await at_work(make_fleet, limits=DOUBTS)
    await fails(fleet, liar, in_minutes(6 * 24 * 60))
    assert fleet.run(other.id).state is RunState.LIMITED, "nobody knows yet that it is not true"
    assert await after(fleet, 899) == []
    assert await after(fleet, 1) == [other.agent]
    assert fleet.run(other.id).state is RunState.RUNNING
    assert fleet.run(liar.id).state_reason.endswith(f"/{liar.agent}"), "it waits for what it said itself"
    await after(fleet, 120)
    await walls.keep(fleet.ctx)
    (own,) = [account for account in fleet.ctx.reader.accounts() if account.limited]
    assert own.id.endswith(f"/{liar.agent}")
    (alarm,) = fleet.alarms("usage-limit")
    assert alarm.title.startswith(f"{liar.agent} alone says that claude-code:")
    await fleet.person.answer("kim", "resume_account", {"account": own.id})
    assert await after(fleet, 1) == [liar.agent]
    await fails(fleet, liar, in_minutes(6 * 24 * 60))
    assert fleet.run(liar.id).state is RunState.LIMITED
    assert fleet.run(other.id).state is RunState.RUNNING, "its word parks nobody else any more"
    assert accounts.without_account(fleet.ctx) == {liar.agent}, "tickets go to the others"


async def test_short_limits_forged_again_and_again_count_as_one(make_fleet: MakeFleet) -> None:
    fleet, (liar, other) = await at_work(make_fleet, limits=DOUBTS)
    for _ in range(8):
        await fails(fleet, liar, in_minutes(5))
        for _ in range(6):
            await after(fleet, 60)
        if fleet.events("account_doubted"):
            break
    (doubt,) = fleet.events("account_doubted")
    first = fleet.events("account_limited")[0]
    assert 900 <= (doubt.at_ns - first.at_ns) / 10**9 <= 1300
    assert doubt.payload["agent"] == liar.agent
    for _ in range(20):
        await after(fleet, 60)
    await fails(fleet, liar, in_minutes(5))
    assert fleet.run(other.id).state is RunState.RUNNING


async def test_a_true_limit_is_borne_out_by_the_next_who_meets_it(make_fleet: MakeFleet) -> None:
    fleet, (first, second) = await at_work(make_fleet, limits=DOUBTS)
    await fails(fleet, first, in_minutes(300))
    assert await after(fleet, 900) == [second.agent]
    await fails(fleet, second, in_minutes(300))  # words are read by the machine's clock, a quarter of an hour behind
    assert [event.payload["stands"] for event in fleet.events("account_doubted")] == [True, False]
    (account,) = [account for account in fleet.ctx.reader.accounts() if account.limited]
    for run in (first, second):
        assert fleet.run(run.id).state_reason.endswith(f"usage limit of {account.id}")
    assert await after(fleet, 284 * 60) == [], "two have met it: it is believed"
    assert len(await after(fleet, 120)) == 1
    assert len(await after(fleet, 120)) == 1


async def test_who_adds_to_the_limit_of_another_makes_it_last_no_longer(make_fleet: MakeFleet) -> None:
    fleet, (honest, liar) = await at_work(make_fleet, limits=DOUBTS)
    await fails(fleet, honest, in_minutes(5))
    await fails(fleet, liar, in_minutes(7 * 24 * 60))
    assert len(await after(fleet, 6 * 60)) == 1


async def test_who_has_the_account_for_itself_is_believed(make_fleet: MakeFleet) -> None:
    fleet, (only,) = await at_work(make_fleet, "ada", tickets=1, limits=DOUBTS)
    await fails(fleet, only, in_minutes(300))
    assert await after(fleet, 299 * 60) == []
    assert await after(fleet, 120) == ["ada"]


@pytest.mark.slow
async def test_who_is_contained_while_others_are_parked_stays_so(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, runs = await at_work(make_fleet)
    record, others = fleet.ctx.store.record, {run.id: run for run in runs}

    async def parks(*drafts: Draft) -> list[Event]:
        events = await record(*drafts)
        if drafts[0].payload.get("state") == RunState.LIMITED and len(others) == 2:
            del others[str(drafts[0].payload["run"])]
            (other,) = others.values()
            await fleet.person.answer("kim", "quarantine", {"agent": other.agent, "reason": "odd"})
        return events

    monkeypatch.setattr(fleet.ctx.store, "record", parks)
    await fails(fleet, runs[1], in_minutes(60))
    assert sorted(fleet.run(run.id).state for run in runs) == [RunState.LIMITED, RunState.QUARANTINED]
