"""A watcher dies while it types: with a real pane, the text arrives once, or a person is asked; never twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_tui.domain.events import EffectAttempted, EffectPlanned, MessageDelivered
from fleet_tui.domain.model import Message, Run
from fleet_tui.domain.states import EffectClass, EffectState, MessageState
from fleet_tui.watcher.outbox import effect_id
from fleet_tui.watcher.passes import messages
from fleet_tui.watcher.runs import starting
from tests.watcher.watcher_support import Fleet, until

TEXT = "Round halves to the even neighbour, please."
_READ_LINES = 'while printf "> "; IFS= read -r line; do printf "%s\\n" "$line" >>"$1"; done'
"""A program with an input line: what is typed stands behind its prompt until Enter."""


class Typing:
    """A run in a real pane, with one message whose delivery a dead watcher had begun."""

    def __init__(self, fleet: Fleet, run: Run, message: Message, heard: Path) -> None:
        self.fleet = fleet
        self.run = run
        self._message = message.id
        self._heard = heard

    @classmethod
    async def begin(cls, fleet: Fleet, place: Path) -> Typing:
        await fleet.ticket()
        await fleet.settle()
        run = await fleet.queued("dev")
        heard = place / "heard"
        heard.touch()
        await fleet.ctx.tmux.ensure()
        argv = ["sh", "-c", _READ_LINES, "sh", str(heard)]
        await fleet.ctx.tmux.spawn(run.session, argv, cwd=place, uuid=run.pane_uuid)
        await fleet.ctx.record(starting.message(fleet.ctx, run.id, "note", TEXT))
        (message,) = fleet.ctx.reader.messages(MessageState.QUEUED)
        typing = cls(fleet, run, message, heard)
        await typing.shows(lambda screen: screen.rstrip().endswith(">"))
        effect = effect_id(f"deliver:{message.id}")
        await fleet.say(EffectPlanned(effect, "deliver", EffectClass.ONCE.value, f"run:{run.id}"), f"run:{run.id}")
        await fleet.say(EffectAttempted(effect, 1), f"run:{run.id}")
        return typing

    async def type(self, text: str, *, enter: bool = False) -> None:
        """Put keys into the pane behind everybody's back, as the dead watcher had done."""
        tmux = self.fleet.ctx.tmux
        await tmux.run("send-keys", "-l", "-t", f"={self.run.session}:", text)
        await self.shows(lambda screen: text in screen)
        if enter:
            await tmux.run("send-keys", "-t", f"={self.run.session}:", "Enter")
            await until(lambda: self.heard)
            await self.shows(lambda screen: screen.rstrip().endswith(">"))

    async def receipt(self, state: MessageState) -> None:
        key = f"receipt:{self._message}:{state.value}"
        await self.fleet.say(MessageDelivered(self._message, self.run.id, state.value), f"run:{self.run.id}", key=key)

    async def shows(self, condition: Callable[[str], bool]) -> None:
        tmux = self.fleet.ctx.tmux

        async def looks_so() -> bool:
            (pane,) = [pane for pane in await tmux.panes() or [] if pane.session == self.run.session]
            return condition(await tmux.capture(pane))

        await until(looks_so)

    async def restart(self) -> None:
        """What a new watcher does about it: the pass, a few times."""
        for _ in range(3):
            await messages.send(self.fleet.ctx)
            await self.fleet.ctx.jobs.idle()

    @property
    def heard(self) -> list[str]:
        return self._heard.read_text().splitlines()

    @property
    def states(self) -> tuple[MessageState, EffectState]:
        message = self.fleet.ctx.reader.message(self._message)
        (effect,) = [effect for effect in self.fleet.ctx.reader.effects() if effect.name == "deliver"]
        assert message is not None
        return message.state, effect.state


@pytest.fixture
async def typing(fleet: Fleet, place: Path) -> Typing:
    return await Typing.begin(fleet, place)


async def test_nothing_was_typed_so_it_is_typed_once(typing: Typing) -> None:
    await typing.restart()
    await until(lambda: typing.heard)
    assert typing.heard == [TEXT]
    assert typing.states == (MessageState.SUBMITTED, EffectState.DONE)
    assert typing.fleet.kinds().count("effect_attempted") == 2
    assert typing.fleet.kinds().count("effect_failed") == 1, "the log says why it was attempted again"


@pytest.mark.parametrize("receipt", [False, True])
async def test_typed_but_not_submitted_gets_enter_and_nothing_else(typing: Typing, *, receipt: bool) -> None:
    await typing.type(TEXT)
    if receipt:
        await typing.receipt(MessageState.TYPED)
    await typing.restart()
    await until(lambda: typing.heard)
    assert typing.heard == [TEXT]
    assert typing.states == (MessageState.SUBMITTED, EffectState.DONE)
    assert typing.fleet.kinds().count("effect_attempted") == 1


async def test_submitted_but_not_recorded_waits_for_the_hook(typing: Typing) -> None:
    await typing.type(TEXT, enter=True)
    await typing.receipt(MessageState.TYPED)
    await typing.restart()
    assert typing.heard == [TEXT], "never typed again"
    assert typing.states == (MessageState.UNCERTAIN, EffectState.UNCERTAIN)
    assert [alarm.rule for alarm in typing.fleet.alarms("delivery")] == ["delivery"]
    await messages.taken_up(typing.fleet.ctx, typing.run, "hook")
    assert typing.states == (MessageState.TAKEN_UP, EffectState.DONE)
    assert typing.fleet.alarms("delivery") == []


async def test_what_somebody_else_wrote_is_not_submitted(typing: Typing) -> None:
    await typing.type("rm -rf build && make")
    await typing.restart()
    assert typing.heard == []
    assert typing.states == (MessageState.UNCERTAIN, EffectState.UNCERTAIN)


async def test_tmux_gone_in_between_leaves_it_open(typing: Typing) -> None:
    await typing.fleet.ctx.tmux.stop()
    await typing.restart()
    assert typing.states == (MessageState.QUEUED, EffectState.ATTEMPTING)
    await typing.fleet.end(typing.run)
    await typing.restart()
    assert typing.states == (MessageState.FAILED, EffectState.FAILED)
    assert await typing.fleet.ctx.tmux.alive() is None, "nothing starts tmux for a message"
