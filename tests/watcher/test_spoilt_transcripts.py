"""What an agent writes into the files of its program costs it its own figures, and nobody a pass, a look or an end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fleet_tui.domain.states import ENDED_RUNS
from fleet_tui.settings.schema import Settings
from fleet_tui.tmux.records import ExitRecord, write_exit
from fleet_tui.vendors.claude_code import ClaudeCode
from fleet_tui.watcher.passes import listening, runs
from fleet_tui.watcher.runs import metering, sessions
from fleet_tui.watcher.runs.vendors import vendor_of
from tests.watcher.conftest import MakeFleet
from tests.watcher.vendor_support import SESSION, at_work, home, hook, listened, reply, tokens
from tests.watcher.watcher_support import Fleet, agent

CHATS = {
    "claude-code": f".claude/projects/-ws/{SESSION}.jsonl",
    "gemini": f".gemini/tmp/ws/chats/session-1-{SESSION.partition('-')[0]}.jsonl",
}


async def with_transcript(make_fleet: MakeFleet, *lines: str, kind: str = "claude-code") -> tuple[Fleet, Any]:
    fleet, run = await at_work(make_fleet, kind=kind, argv=["true"])
    await hook(fleet, run, "SessionStart", source="startup")
    transcript = home(fleet).parent / CHATS[kind]
    transcript.parent.mkdir(parents=True)
    transcript.write_text("".join(lines))
    return fleet, run


def thought(name: str, output: int, thoughts: int) -> str:
    tokens = {"input": 10, "output": output, "thoughts": thoughts, "cached": 0}
    return json.dumps({"type": "gemini", "id": name, "model": "gemini-2.5-pro", "tokens": tokens}) + "\n"


async def test_an_id_that_is_no_text_stops_no_metering(make_fleet: MakeFleet) -> None:
    odd = reply("\ud800-odd", 7)
    assert "\\ud800" in odd
    fleet, run = await with_transcript(make_fleet, reply("msg_1"), odd, reply("msg_2", 20))
    await listened(fleet)
    assert tokens(fleet) == [10, 7, 20]
    fleet.ctx.read_up_to.clear()
    await listening.finish(fleet.ctx, run)
    assert tokens(fleet) == [10, 7, 20], "and once"


async def test_a_record_that_cannot_be_is_told_once_and_the_others_count(make_fleet: MakeFleet) -> None:
    lines = (thought("a", 5, 1), thought("b", 9 * 10**8, 9 * 10**8), thought("c", 7, 1))
    fleet, run = await with_transcript(make_fleet, *lines, kind="gemini")
    await listened(fleet)
    assert [event.payload["output_tokens"] for event in fleet.events("usage_reported")] == [6, 8]
    assert fleet.ctx.jobs.failures(f"listen:{run.id}") == 0
    fleet.ctx.read_up_to.clear()
    await listening.finish(fleet.ctx, run)
    (alarm,) = fleet.alarms("usage")
    assert "absurd" in alarm.title
    assert len(fleet.events("usage_reported")) == 2


async def test_a_count_beyond_all_counting_is_told_like_one_that_is_too_large(make_fleet: MakeFleet) -> None:
    fleet, _ = await with_transcript(make_fleet, reply("msg_1", 10**30), reply("msg_2", 5))
    await listened(fleet)
    assert tokens(fleet) == [5]
    assert len(fleet.alarms("usage")) == 1


async def test_a_run_whose_use_cannot_be_counted_ends_all_the_same(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise OverflowError("too much")

    fleet = await make_fleet([agent("dev", "developer")])
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    write_exit(fleet.ctx.paths.run_dir(run.id), ExitRecord(1, None, 1000, "exited", 1))
    monkeypatch.setattr(listening, "finish", broken)
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert fleet.run(run.id).state in ENDED_RUNS
    (alarm,) = fleet.alarms("metering")
    assert alarm.title == "what dev used last could not be counted: OverflowError: too much"


@pytest.mark.parametrize(
    "broken", ["transcripts", "read_usage", "read_limits", "read_prompts", "read_context", "observe"]
)
async def test_an_adapter_that_breaks_at_files_is_an_alarm_too(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    fleet, run = await with_transcript(make_fleet, reply("msg_1"))
    monkeypatch.setattr(ClaudeCode, broken, breaks)
    await listened(fleet)
    (alarm,) = fleet.alarms("vendor")
    assert "division by zero" in alarm.title
    assert fleet.ctx.jobs.failures(f"listen:{run.id}") == 0
    assert tokens(fleet) == ([] if broken in ("transcripts", "read_usage") else [10])
    await listening.finish(fleet.ctx, run)


async def test_the_files_of_a_vendor_that_is_configured_no_more_keep_no_run_from_ending(make_fleet: MakeFleet) -> None:
    fleet, run = await with_transcript(make_fleet, reply("msg_1"))
    settings = fleet.ctx.settings.model_dump(mode="json")
    settings["vendors"].pop("cc")
    settings["agents"] = [agent("dev", "developer")]
    await fleet.use(Settings.model_validate(settings))
    await listening.finish(fleet.ctx, run)
    assert len(fleet.alarms("vendor")) == 1


async def test_a_tree_of_transcripts_takes_no_longer_than_a_look_may(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversation itself comes first; of the others each gets its turn."""
    fleet, _ = await with_transcript(make_fleet, reply("msg_1", 77))
    others = home(fleet) / "projects" / "-ws" / SESSION / "subagents"
    others.mkdir(parents=True)
    for number in range(12):
        (others / f"agent-{number}.jsonl").write_text(reply(f"sub_{number}"))
    real = metering.of_a_look
    monkeypatch.setattr(metering, "of_a_look", lambda: replace(real(), files=5))
    await listened(fleet)
    assert tokens(fleet) == [77] + [10] * 4
    (alarm,) = fleet.alarms("transcripts")
    assert alarm.title == (
        "dev: its transcripts are more than one look may read (files): some of its use is not counted"
    )
    with (others.parent.parent / f"{SESSION}.jsonl").open("a") as file:
        file.write(reply("msg_2", 88))
    await listened(fleet)
    assert tokens(fleet)[5:] == [88] + [10] * 4
    await listened(fleet)
    assert tokens(fleet).count(10) == 12
    with (others / "agent-0.jsonl").open("a") as file:
        file.write(reply("late"))
    for _ in range(3):
        await listened(fleet)
    assert tokens(fleet).count(10) == 13
    for path in others.iterdir():
        path.unlink()
    await listened(fleet)
    assert fleet.alarms("transcripts") == []
    assert len(fleet.ctx.read_up_to) == 1, "what is gone is forgotten"


async def test_sparse_files_take_no_longer_than_an_end_may(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, run = await with_transcript(make_fleet, reply("msg_1"))
    others = home(fleet) / "projects" / "-ws" / SESSION / "subagents"
    others.mkdir(parents=True)
    for number in range(40):
        with (others / f"agent-{number}.jsonl").open("wb") as file:
            file.truncate(2**40)
    read: list[int] = []
    new_lines = metering._new_lines

    def counted(*where: Any) -> Any:
        found = new_lines(*where)
        read.append(found[-1])
        return found

    monkeypatch.setattr(metering, "_new_lines", counted)
    real = metering.of_an_end
    monkeypatch.setattr(metering, "of_an_end", lambda: replace(real(), data=8_000_000))
    await listening.finish(fleet.ctx, run)
    assert tokens(fleet) == [10]
    assert sum(read) <= 9_000_000
    (alarm,) = fleet.alarms("transcripts")
    assert "the end of a run may read (bytes)" in alarm.title
    assert fleet.ctx.read_up_to == {}


async def test_sparse_files_are_told_when_the_looks_never_come_to_an_end(make_fleet: MakeFleet) -> None:
    fleet, _ = await with_transcript(make_fleet, reply("msg_1"))
    others = home(fleet) / "projects" / "-ws" / SESSION / "subagents"
    others.mkdir(parents=True)
    with (others / "agent-1.jsonl").open("wb") as file:
        file.truncate(2**40)
    for _ in range(9):
        await listened(fleet)
    assert fleet.alarms("transcripts") == [], "as after a restart, where much is read once more"
    await listened(fleet)
    (alarm,) = fleet.alarms("transcripts")
    assert "one look may read (bytes)" in alarm.title


async def test_time_ends_a_look_too(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, _ = await with_transcript(make_fleet, reply("msg_1"))
    real = metering.of_a_look
    monkeypatch.setattr(metering, "of_a_look", lambda: replace(real(), until_s=0))
    await listened(fleet)
    assert tokens(fleet) == []
    (alarm,) = fleet.alarms("transcripts")
    assert "(seconds)" in alarm.title


async def test_a_folder_full_of_names_hides_no_transcript(make_fleet: MakeFleet) -> None:
    fleet, _ = await with_transcript(make_fleet, reply("msg_1"))
    folder = home(fleet) / "projects" / "-ws"
    for number in range(2_500):
        (folder / f"{number}").touch()
    await listened(fleet)
    assert tokens(fleet) == [10]


async def test_made_up_sessions_keep_the_real_one_in_the_meter(make_fleet: MakeFleet) -> None:
    fleet, run = await with_transcript(make_fleet, reply("msg_1"))
    for number in range(9):
        await hook(fleet, run, "SessionStart", session_id=f"made-up-{number:04}")
    assert fleet.alarms("sessions") == [], "a person may begin some in its pane"
    for number in range(9, 300):
        await hook(fleet, run, "SessionStart", session_id=f"made-up-{number % 20:04}")
    assert len(fleet.events("session_started")) == 200, "nor is the log filled"
    (alarm,) = fleet.alarms("sessions")
    assert alarm.title == "dev says that it works in more than 10 sessions: it may hide the one that it works in"
    await listened(fleet)
    assert tokens(fleet) == [10]
    with (home(fleet) / "projects" / "-ws" / f"{SESSION}.jsonl").open("a") as file:
        file.write(reply("msg_2", 20))
    await listening.finish(fleet.ctx, run)
    assert tokens(fleet) == [10, 20]


async def test_the_session_that_was_chosen_is_looked_at_whatever_was_said_before(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    for number in range(12):
        await hook(fleet, run, "SessionStart", session_id=f"made-up-{number:04}")
    chosen, _ = sessions.session_for(fleet.ctx, run, vendor_of(fleet.ctx, run))
    transcript = home(fleet) / "projects" / "-ws" / f"{chosen}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text(reply("msg_1"))
    (home(fleet) / "sessions").mkdir()
    at_ms = fleet.clock_ns // 1_000_000 + 1_000
    kept = {"sessionId": chosen, "status": "idle", "statusUpdatedAt": at_ms}
    (home(fleet) / "sessions" / "7.json").write_text(json.dumps(kept))
    await listened(fleet)
    assert tokens(fleet) == [10]
    assert fleet.run(run.id).state_reason == "its turn was interrupted", "and so is its state"
