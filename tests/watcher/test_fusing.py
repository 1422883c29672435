"""What the screen alone shows reaches the log, what hooks said since counts before it, and every word is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.cli import agent_facts
from fleet_tui.domain.states import RunState
from fleet_tui.watcher.runs import fusing
from tests.watcher.test_looking_pass import IDLE, PERMISSION, Looked
from tests.watcher.watcher_support import Fleet

RULE = "─" * 40
WORKING = f"✽ Brewing… (4s)\n{RULE}\n❯ \n{RULE}\n  esc to interrupt\n"


def state(looked: Looked) -> tuple[RunState, str]:
    run = looked.fleet.run(looked.run.id)
    return run.state, run.state_source


async def hook(looked: Looked, name: str) -> None:
    await looked.fleet.desk.answer(looked.run.id, "hook", {"kind": name}, f"{name}-{looked.fleet.clock_ns}")


async def test_a_dialog_that_no_hook_told_of_is_recorded_and_so_is_its_end(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, PERMISSION)
    await hook(looked, "PostToolUse")
    await looked.look(after=3)
    assert state(looked)[0] is RunState.RUNNING, "a picture may be half drawn"
    await looked.look(after=3)
    assert state(looked) == (RunState.WAITING, "screen")
    assert fleet.run(looked.run.id).state_reason == "asks for permission: Do you want to proceed?"
    await looked.show(WORKING)
    for _ in range(3):
        await looked.look(after=3)
    assert state(looked)[0] is RunState.RUNNING


async def test_a_hook_since_the_look_counts_before_what_was_seen(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, PERMISSION)
    await looked.look(after=3)
    fleet.later(1)
    await hook(looked, "PostToolUse")
    assert fusing.fused(fleet.ctx, looked.run).says == "working"


async def test_a_turn_whose_end_no_hook_told_ends_when_their_last_word_is_old(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, IDLE)
    await hook(looked, "UserPromptSubmit")
    for _ in range(4):
        await looked.look(after=4)
    assert state(looked)[0] is RunState.RUNNING
    await looked.look(after=100)
    await looked.look(after=4)
    assert state(looked) == (RunState.WAITING, "screen")


async def test_what_an_agent_draws_does_not_undo_the_word_of_its_hook(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, WORKING)
    await hook(looked, "Stop")
    for _ in range(5):
        await looked.look(after=60)
    assert state(looked) == (RunState.WAITING, "hook")


async def test_an_agent_whose_sources_do_not_agree_is_named(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, IDLE)
    await hook(looked, "UserPromptSubmit")
    await looked.look(after=3)
    assert (await fleet.person.answer("kim", "status", {}))["unsure"] == []
    await looked.look(after=40)
    assert (await fleet.person.answer("kim", "status", {}))["unsure"] == ["dev"]
    await hook(looked, "Stop")
    await looked.look(after=3)
    assert (await fleet.person.answer("kim", "status", {}))["unsure"] == []


async def test_why_it_is_so(fleet: Fleet, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looked = await Looked.open(fleet, place, PERMISSION)
    await hook(looked, "PostToolUse")
    await looked.look(after=5)
    fleet.later(2)
    (told,) = (await fleet.person.answer("kim", "explain", {"agent": "dev"}))["runs"]
    assert (told["says"], told["confidence"]) == ("dialog", "sure")
    seen = [(row["source"], row["says"], row["age_s"], row["rule"], row["won"]) for row in told["sources"]]
    assert seen[0] == ("hook", "working", 7, "", False)
    assert ("screen", "dialog", 0, "permission", True) in seen
    assert told["screen"]["from"] == "shipped"
    assert "Do you want to proceed?" in told["screen"]["text"]
    told["screen"]["text"] += "\nmi\u202egration"
    agent_facts._say_sources(told)
    shown = capsys.readouterr().out
    assert "rule permission (shipped); region below-input:" in shown
    assert "mi<U+202E>gration" in shown


async def test_what_the_log_has_counts_after_a_restart(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, "nothing that is known")
    await hook(looked, "Stop")
    fleet.ctx.told.clear()
    fused = fusing.fused(fleet.ctx, fleet.run(looked.run.id))
    assert fused.winner is not None
    assert (fused.winner.source, fused.says) == ("hook", "idle")
