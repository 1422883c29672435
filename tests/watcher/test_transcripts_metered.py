"""What a program's transcripts say of its requests: each counted once, and unknown where nobody says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet_tui.domain.costs import total
from fleet_tui.watcher.passes import listening
from fleet_tui.watcher.runs import metering, sessions
from tests.watcher.conftest import MakeFleet
from tests.watcher.vendor_support import SESSION, at_work, call, home, hook, listened, reply, tokens

pytestmark = pytest.mark.usefixtures("short_waits")


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
