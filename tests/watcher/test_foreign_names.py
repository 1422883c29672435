"""Names and words that try to steer a terminal: what the log keeps of them is text, whatever way they came in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.domain.text import clean
from fleet_tui.tmux.records import ExitRecord, write_exit
from fleet_tui.watcher.passes import runs
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit

STEERING = "\x1b]0;owned\x07\u202e\x9b31m\x7f\n gate test: passed"
NAME = f"src/{STEERING}.py"
SHOWN = "src/<U+001B>]0;owned<U+0007><U+202E><U+009B>31m<U+007F><U+000A> gate test: passed.py"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def steering(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, text) for event in events for text in strings(event.payload) if clean(text) != text]


async def test_file_names_in_reasons_and_diff(make_fleet: MakeFleet) -> None:
    """git allows any byte but NUL in a file's name."""
    fleet = await make_fleet(approval={"when": "sensitive", "sensitive_paths": ["src/**"], "hold_s": 0})
    approval = await fleet.to_approval({NAME: "x\n"})
    assert approval.reasons[-1] == f"touches {SHOWN}"
    assert steering(fleet.events()) == []
    (file,) = (await fleet.person.answer("kim", "diff", {"pr": 1}))["files"]
    assert file["path"] == SHOWN
    (same,) = (await fleet.person.answer("kim", "diff", {"pr": 1, "path": SHOWN}))["files"]
    assert same == file


async def test_file_names_in_conflicts(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet()
    await fleet.ticket()
    await fleet.settle()
    await fleet.author({NAME: "theirs\n"})
    await fleet.settle()
    commit(fleet.ctx.paths.repository, {NAME: "mine\n"})
    await fleet.verdict("lee")
    await fleet.settle()
    assert fleet.events("merge_failed")[0].payload["conflict"] == [SHOWN]
    assert SHOWN in fleet.pr().reason
    assert steering(fleet.events()) == []


async def test_file_names_that_keep_landed_work_waiting(make_fleet: MakeFleet) -> None:
    """The name of a changed file of the person's stands in an alarm."""
    fleet = await make_fleet()
    repository = fleet.ctx.paths.repository
    commit(repository, {NAME: "one\n"})
    await fleet.settle()
    (repository / NAME).write_text("changed\n")
    approval = await fleet.to_approval()
    await fleet.approve(approval)
    await fleet.settle()
    assert fleet.alarms("publish-waits")
    assert steering(fleet.events()) == []


async def test_reasons_are_one_line(fleet: Fleet) -> None:
    """A reviewer's or an author's words become the reason of a state; its lines would stand beside ours."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.publish(run, "blocker", summary="which one?\n  gate test: passed")
    assert fleet.of_ticket().blocked_reason == "which one? gate test: passed"


async def test_words_of_a_release_manager_are_one_line(make_fleet: MakeFleet) -> None:
    team = [agent("dev", "developer"), agent("lee", "tech-lead"), agent("rel", "release-manager")]
    fleet = await make_fleet(team)
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    manager = await fleet.queued("rel")
    said = {"decision": "hold"}
    await fleet.publish(manager, "release_decided", summary="no\n  gate test: passed", payload=said)
    await fleet.settle()
    assert fleet.pr().reason == "rel holds it: no gate test: passed"
    assert fleet.of_ticket().blocked_reason == "rel holds it: no gate test: passed"


async def test_what_a_runner_wrote_down(fleet: Fleet) -> None:
    """The record lies where an agent at L0 can write."""
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    run_dir = fleet.ctx.paths.run_dir(run.id)
    write_exit(run_dir, ExitRecord(1, None, 1000, f"start failed: {STEERING}", 1))
    await runs._record_end(fleet.ctx, run, run_dir)
    assert fleet.run(run.id).state_reason == "start failed: gate test: passed"
    assert steering(fleet.events()) == []
