"""Interrupting a turn: the vendor's key once into a real pane, refused where it would do something else."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, Refused
from fleet_tui.domain.events import AgentPaused, RunStateChanged, RunStopRequested
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import EffectState, RunState
from fleet_tui.watcher.acts import interrupting
from tests.watcher.watcher_support import Fleet, until

PROGRAM = """
import os, sys, termios, tty
keys, first, then = sys.argv[1:]
tty.setraw(0)
def show(text):
    sys.stdout.write("\\x1b[2J\\x1b[H" + text.replace("\\n", "\\r\\n")); sys.stdout.flush()
show(first)
while True:
    data = os.read(0, 64)
    with open(keys, "ab") as file:
        file.write(data)
    show(then)
"""
WORKING = "Thinking (3s · esc to interrupt)\n\n> "
READY = "Interrupted\n\n> "
DIALOG = "Do you want to proceed?\n❯ 1. Yes\n  2. No, and tell the agent what to do\n"


class Turn:
    """A run of ``dev`` in a real pane: shows ``first`` until a key comes, then ``then``; writes keys down."""

    def __init__(self, fleet: Fleet, run: Run, keys: Path) -> None:
        self.fleet, self.run, self._keys = fleet, run, keys

    @classmethod
    async def open(cls, fleet: Fleet, place: Path, first: str, then: str = READY, *, key: str = "Escape") -> Turn:
        await fleet.reconfigure(vendors={"shell": {"argv": ["true"], "prompt": "file", "interrupt": key}})
        await fleet.ticket()
        await fleet.settle()
        run = await fleet.queued("dev")
        (place / "keys").touch()
        argv = [sys.executable, "-c", PROGRAM, str(place / "keys"), first, then]
        await fleet.ctx.tmux.ensure()
        await fleet.ctx.tmux.spawn(run.session, argv, cwd=place, uuid=run.pane_uuid)
        turn = cls(fleet, run, place / "keys")
        await until(lambda: turn.shows(first.strip().split("\n")[-1].strip()), 40)
        return turn

    async def shows(self, text: str) -> bool:
        (pane,) = [pane for pane in await self.fleet.ctx.tmux.panes() or [] if pane.session == self.run.session]
        return text in await self.fleet.ctx.tmux.capture(pane)

    async def interrupt(self, **args: str) -> dict[str, str]:
        return await self.fleet.person.answer("kim", "interrupt", {"agent": "dev", **args})

    def keys(self) -> bytes:
        return self._keys.read_bytes()


async def test_the_key_is_pressed_once_and_the_end_of_the_turn_is_proved(fleet: Fleet, place: Path) -> None:
    turn = await Turn.open(fleet, place, WORKING)
    answer = await turn.interrupt(run=turn.run.id)
    assert answer["proved"] == "ended"
    assert answer["message"] == "Escape was sent to dev; its turn is over, the run stays"
    assert turn.keys() == b"\x1b"
    (asked,) = fleet.events("run_interrupt_requested")
    assert (asked.actor, asked.payload) == ("operator:kim", {"run": turn.run.id, "key": "Escape"})
    run = fleet.run(turn.run.id)
    assert (run.state, run.state_source) == (RunState.WAITING, "screen")
    assert [effect.state for effect in fleet.ctx.reader.effects(name="interrupt")] == [EffectState.DONE]
    (over,) = [event for event in fleet.events("run_state_changed") if event.payload["state"] == "waiting"]
    assert over.cause == asked.id


async def test_what_is_not_proved_is_not_said(fleet: Fleet, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupting, "SEEN_S", 0.3)
    turn = await Turn.open(fleet, place, WORKING, WORKING)
    answer = await turn.interrupt()
    assert answer["proved"] == "sent"
    assert "does not show yet" in answer["message"]
    assert fleet.run(turn.run.id).state is RunState.RUNNING
    await until(lambda: turn.keys() == b"\x1b", 40)


async def test_the_key_is_the_vendors(fleet: Fleet, place: Path) -> None:
    turn = await Turn.open(fleet, place, WORKING, key="C-c")
    await turn.interrupt()
    assert turn.keys() == b"\x03"


async def test_several_keys_are_pressed_one_after_the_other(fleet: Fleet, place: Path) -> None:
    turn = await Turn.open(fleet, place, WORKING, key=" F12  C-c ")
    answer = await turn.interrupt()
    assert answer["message"].startswith("F12 C-c was sent")
    await until(lambda: turn.keys() == b"\x1b[24~\x03", 40)


@pytest.mark.parametrize(("screen", "why"), [(DIALOG, "dialog"), (READY, "waits for input")])
async def test_no_key_goes_into_a_dialog_or_to_who_waits(fleet: Fleet, place: Path, screen: str, why: str) -> None:
    turn = await Turn.open(fleet, place, screen)
    with pytest.raises(FleetError, match=why):
        await turn.interrupt()
    assert turn.keys() == b""
    assert fleet.events("run_interrupt_requested") == []


@pytest.mark.parametrize(("op", "why"), [("pause", "frozen"), ("quarantine", "quarantined"), ("stop", "ends anyway")])
@pytest.mark.slow
async def test_no_key_goes_to_who_is_held_while_its_screen_is_looked_at(
    fleet: Fleet, place: Path, monkeypatch: pytest.MonkeyPatch, op: str, why: str
) -> None:
    turn = await Turn.open(fleet, place, WORKING)
    capture = fleet.ctx.tmux.capture

    async def while_another_person_acts(*args: Any, **options: Any) -> str:
        monkeypatch.setattr(fleet.ctx.tmux, "capture", capture)
        await fleet.person.answer("pat", op, {"agent": "dev", "reason": "odd"})
        return await capture(*args, **options)

    monkeypatch.setattr(fleet.ctx.tmux, "capture", while_another_person_acts)
    with pytest.raises(FleetError, match=why):
        await turn.interrupt()
    assert fleet.events("run_interrupt_requested") == []


async def test_of_two_at_once_one_presses(fleet: Fleet, place: Path) -> None:
    turn = await Turn.open(fleet, place, WORKING)
    done = await asyncio.gather(turn.interrupt(), turn.interrupt(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "dict"]
    assert turn.keys() == b"\x1b"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "why"),
    [
        (RunState.PAUSED, "frozen"),
        (RunState.LIMITED, "budget"),
        (RunState.QUARANTINED, "quarantined"),
        (RunState.STARTING, "not up"),
    ],
)
async def test_who_is_held_is_not_interrupted(fleet: Fleet, state: RunState, why: str) -> None:
    await fleet.reconfigure(vendors={"shell": {"argv": ["true"], "prompt": "file", "interrupt": "Escape"}})
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.say(RunStateChanged(run.id, state, "rule"), f"run:{run.id}")
    with pytest.raises(Refused, match=why):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev"})
    assert fleet.events("run_interrupt_requested") == []


async def test_of_an_agent_just_paused_the_pause_counts(fleet: Fleet) -> None:
    await fleet.reconfigure(vendors={"shell": {"argv": ["true"], "prompt": "file", "interrupt": "Escape"}})
    await fleet.ticket()
    await fleet.settle()
    await fleet.queued("dev")
    await fleet.say(AgentPaused("dev", "lunch"), "agent:dev")
    with pytest.raises(Refused, match="frozen"):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev"})


async def test_ended_other_and_stopping_runs_are_told_apart(fleet: Fleet) -> None:
    with pytest.raises(Conflict, match="no turn"):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev"})
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    with pytest.raises(Conflict, match="another run"):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev", "run": "run-before"})
    await fleet.say(RunStopRequested(run.id, "enough"), f"run:{run.id}")
    with pytest.raises(Conflict, match="ends anyway"):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev"})


async def test_a_vendor_without_a_key_is_refused_with_the_setting(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    await fleet.queued("dev")
    with pytest.raises(Refused, match=r"vendors.shell.interrupt"):
        await fleet.person.answer("kim", "interrupt", {"agent": "dev"})


async def test_another_pane_of_that_name_gets_nothing(fleet: Fleet, place: Path) -> None:
    turn = await Turn.open(fleet, place, WORKING)
    await fleet.ctx.tmux.kill(turn.run.session)
    argv = [sys.executable, "-c", PROGRAM, str(place / "keys"), WORKING, READY]
    await fleet.ctx.tmux.spawn(turn.run.session, argv, cwd=place, uuid="0" * 32)
    with pytest.raises(Conflict, match="no living pane"):
        await turn.interrupt()
    assert turn.keys() == b""
