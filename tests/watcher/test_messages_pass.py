"""Messages to real panes: queued while nobody takes input, never into a dialog, one after the other, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import EffectState, MessageState, RunState
from fleet_tui.vendors.base import Prompted
from fleet_tui.watcher.passes import messages, runs
from fleet_tui.watcher.runs import starting
from tests.watcher.watcher_support import Fleet, until

SHOW = 'clear; cat "$2"; while IFS= read -r line; do printf "%s\\n" "$line" >>"$1"; clear; cat "$2"; done'
"""A program that draws what stands in a file and writes down each line that it is told."""
READY = "some talk\n\n> "
WORKING = "✻ Thinking… (3s · esc to interrupt)\n\n> "
DIALOG = "Do you want to proceed?\n❯ 1. Yes\n  2. No, and tell the agent what to do\n"


class Pane:
    """A run of ``dev`` in a real pane that shows ``screen``."""

    def __init__(self, fleet: Fleet, run: Run, place: Path) -> None:
        self.fleet = fleet
        self.run = run
        self._heard = place / "heard"

    @classmethod
    async def open(cls, fleet: Fleet, place: Path, screen: str) -> Pane:
        await fleet.ticket()
        await fleet.settle()
        run = await fleet.queued("dev")
        pane = cls(fleet, run, place)
        (place / "screen").write_text(screen)
        pane._heard.touch()
        await fleet.ctx.tmux.ensure()
        argv = ["sh", "-c", SHOW, "sh", str(pane._heard), str(place / "screen")]
        await fleet.ctx.tmux.spawn(run.session, argv, cwd=place, uuid=run.pane_uuid)
        await until(lambda: pane.shows(screen.rstrip("\n").split("\n")[-1].strip()))  # the whole of it is drawn
        return pane

    async def shows(self, text: str) -> bool:
        (pane,) = [pane for pane in await self.fleet.ctx.tmux.panes() or [] if pane.session == self.run.session]
        return text in await self.fleet.ctx.tmux.capture(pane)

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.fleet.ctx.record(starting.message(self.fleet.ctx, self.run.id, "message", text))

    async def deliver(self, times: int = 3) -> None:
        for _ in range(times):
            await messages.send(self.fleet.ctx)
            await self.fleet.ctx.jobs.idle()

    def heard(self) -> list[str]:
        return self._heard.read_text().splitlines()

    @property
    def states(self) -> list[MessageState]:
        return [message.state for message in self.fleet.ctx.reader.messages()]


async def test_each_is_typed_once(fleet: Fleet, place: Path) -> None:
    pane = await Pane.open(fleet, place, READY)
    await pane.say("first; #{pane_id} `id`", "second")
    await pane.deliver(6)
    await until(lambda: len(pane.heard()) == 2)
    assert pane.heard() == ["first; #{pane_id} `id`", "second"]
    assert pane.states == [MessageState.SUBMITTED] * 2
    assert {effect.state for effect in fleet.ctx.reader.effects(name="deliver")} == {EffectState.DONE}
    await pane.deliver(3)
    assert len(pane.heard()) == 2


@pytest.mark.parametrize("screen", [WORKING, DIALOG])
async def test_nothing_is_typed_while_it_works_or_shows_a_dialog(fleet: Fleet, place: Path, screen: str) -> None:
    pane = await Pane.open(fleet, place, screen)
    await pane.say("y")
    await pane.deliver()
    assert pane.heard() == []
    assert pane.states == [MessageState.QUEUED]
    assert fleet.ctx.reader.effects(name="deliver") == [], "not even attempted"


@pytest.mark.parametrize("state", [RunState.PAUSED, RunState.LIMITED, RunState.QUARANTINED, RunState.STARTING])
async def test_held_agents_are_told_nothing(fleet: Fleet, place: Path, state: RunState) -> None:
    pane = await Pane.open(fleet, place, READY)
    await fleet.say(RunStateChanged(pane.run.id, state, "rule"), f"run:{pane.run.id}")
    await pane.say("hello")
    await pane.deliver()
    assert pane.states == [MessageState.QUEUED]
    assert pane.heard() == []


async def test_pane_of_another_identity_gets_nothing(fleet: Fleet, place: Path) -> None:
    pane = await Pane.open(fleet, place, READY)
    await fleet.ctx.tmux.kill(pane.run.session)
    argv = ["sh", "-c", SHOW, "sh", str(place / "heard"), str(place / "screen")]
    await fleet.ctx.tmux.spawn(pane.run.session, argv, cwd=place, uuid="0" * 32)
    await pane.say("for the first one only")
    await pane.deliver()
    assert pane.heard() == []
    assert pane.states == [MessageState.QUEUED]


async def test_message_for_an_ended_run_fails(fleet: Fleet, place: Path) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.ctx.record(starting.message(fleet.ctx, run.id, "message", "too late"))
    await fleet.end(run)
    await messages.send(fleet.ctx)
    (message,) = fleet.ctx.reader.messages()
    assert (message.state, message.reason) == (MessageState.FAILED, "the run has ended")


async def test_hook_tells_that_it_was_taken_up(fleet: Fleet, place: Path) -> None:
    pane = await Pane.open(fleet, place, READY)
    await pane.say("hello")
    await pane.deliver()
    await fleet.desk.answer(pane.run.id, "hook", {"kind": "prompt_submitted"}, "hook-1")
    assert pane.states == [MessageState.TAKEN_UP]


async def test_what_the_program_wrote_down_tells_it_too(fleet: Fleet, place: Path) -> None:
    pane = await Pane.open(fleet, place, READY)
    await pane.say("go  on\nwith it")

    async def told(at_ns: int, text: str) -> None:
        await messages.told_by_file(fleet.ctx, fleet.run(pane.run.id), [Prompted(at_ns, text)], "file")

    await told(fleet.clock_ns, "go on with it")
    assert pane.states == [MessageState.QUEUED], "nobody typed it yet"
    await pane.deliver()
    (sent,) = [event for event in fleet.events("message_delivered") if event.payload["state"] == "typed"]
    await told(sent.at_ns - 60 * 10**9, "go on with it")
    await told(sent.at_ns + 10**9, "go on with it or not")
    assert pane.states == [MessageState.SUBMITTED], "what was asked before, or is something else, proves nothing"
    await told(sent.at_ns + 10**9, "go on with it")
    (message,) = fleet.ctx.reader.messages()
    assert (message.state, message.reason) == (MessageState.TAKEN_UP, "file")
    await told(sent.at_ns + 10**9, "go on with it")
    assert len([event for event in fleet.events("message_delivered") if event.payload["state"] == "taken_up"]) == 1


async def asking(fleet: Fleet, place: Path) -> Pane:
    """An agent without hooks that asked a person more than half a minute ago, and waits in its pane."""
    pane = await Pane.open(fleet, place, READY)
    await fleet.publish(pane.run, "blocker", "red or green?")
    fleet.later(60)
    await notice(pane)
    assert fleet.alarms() == []
    return pane


async def notice(pane: Pane) -> None:
    await runs.notice_idle(pane.fleet.ctx, pane.fleet.run(pane.run.id))


async def test_an_agent_whose_answer_is_on_its_way_is_not_called_idle(fleet: Fleet, place: Path) -> None:
    pane = await asking(fleet, place)
    (question,) = fleet.ctx.reader.questions()
    await fleet.person.answer("kim", "answer", {"question": question.id, "text": "red"})
    await notice(pane)
    assert fleet.alarms("idle") == []
    await pane.deliver()
    await until(lambda: len(pane.heard()) == 1)
    assert pane.heard() == ["red"]
    assert fleet.run(pane.run.id).state is RunState.RUNNING, "it has what it waited for"
    fleet.later(60)
    await notice(pane)
    assert fleet.alarms("idle") == []


async def test_alarm_about_an_idle_agent_ends_with_its_run(fleet: Fleet, place: Path) -> None:
    pane = await Pane.open(fleet, place, READY)
    await fleet.desk.answer(pane.run.id, "hook", {"kind": "turn_ended"}, "hook-1")
    fleet.later(60)
    await notice(pane)
    assert len(fleet.alarms("idle")) == 1
    await fleet.handed_over(fleet.run(pane.run.id))
    await fleet.end(pane.run)
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert fleet.alarms("idle") == []
