"""Texts for panes wait and say why, over no dialog and no draft; and what proves that they arrived."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.model import Message
from fleet_tui.domain.states import MessageState
from fleet_tui.tmux import delivery
from fleet_tui.watcher.passes import messages
from fleet_tui.watcher.runs import starting, typing_desk
from tests.watcher.test_looking_pass import IDLE, PERMISSION, Looked
from tests.watcher.watcher_support import Fleet, until

TYPIST = """
import os, select, sys, tty
tty.setraw(0)
path, heard = sys.argv[1:]
shown = None
sys.stdout.write("\\x1b[?2004h")
while True:
    text = open(path).read()
    if text != shown:
        sys.stdout.write("\\x1b[2J\\x1b[H" + text.replace("\\n", "\\r\\n")); sys.stdout.flush()
        shown = text
    if select.select([0], [], [], 0.02)[0]:
        with open(heard, "ab") as file:
            file.write(os.read(0, 65536))
"""
RULE = "─" * 40
DRAFT = f"● done\n{RULE}\n❯ please do not\n{RULE}\n  ⏸ manual mode on\n"
HINT = f"● done\n{RULE}\n❯ \x1b[7mf\x1b[0;2mix the tests\x1b[0m\n{RULE}\n  ⏸ manual mode on\n"


@pytest.fixture(autouse=True)
def draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pasted is not drawn here: nobody has to wait for that."""
    monkeypatch.setattr(delivery, "DRAWS_S", 0.1)


async def opened(fleet: Fleet, place: Path, screen: str, text: str = "hello there") -> Looked:
    (place / "heard").touch()
    looked = await Looked.open(fleet, place, screen, str(place / "heard"), program=TYPIST)
    await fleet.ctx.record(starting.message(fleet.ctx, looked.run.id, "message", text))
    return looked


async def deliver(looked: Looked, *, after: float = 0) -> Message:
    looked.fleet.later(after)
    await messages.send(looked.fleet.ctx)
    await looked.fleet.ctx.jobs.idle()
    (message,) = looked.fleet.ctx.reader.messages()
    return message


async def arrived(place: Path) -> None:
    await until(lambda: (place / "heard").read_bytes() == b"\x1b[200~hello there\x1b[201~\r", 40)


@pytest.mark.parametrize(
    ("screen", "why"),
    [(DRAFT, typing_desk.DRAFT), (PERMISSION, typing_desk.DIALOG), ("redesigned", typing_desk.UNKNOWN)],
)
async def test_it_waits_and_says_why_until_there_is_room(fleet: Fleet, place: Path, screen: str, why: str) -> None:
    looked = await opened(fleet, place, screen)
    assert (await deliver(looked)).reason == "", "it may be over in a moment"
    message = await deliver(looked, after=6)
    assert (message.state, message.reason) == (MessageState.QUEUED, why)
    await deliver(looked, after=6)
    assert len(fleet.events("message_delivered")) == 1, "it is said once"
    assert (place / "heard").read_bytes() == b""
    await looked.show(IDLE)
    message = await deliver(looked)
    assert (message.state, message.reason) == (MessageState.SUBMITTED, "")
    await arrived(place)


async def test_what_a_program_proposes_is_no_draft(fleet: Fleet, place: Path) -> None:
    looked = await opened(fleet, place, HINT)
    assert (await deliver(looked)).state is MessageState.SUBMITTED
    await arrived(place)


async def submitted(fleet: Fleet, place: Path) -> Looked:
    looked = await opened(fleet, place, IDLE)
    started = {"kind": "SessionStart", "data": {"session_id": "11111111-2222", "source": "startup"}}
    await fleet.desk.answer(looked.run.id, "hook", started, "hook-1")
    assert (await deliver(looked)).state is MessageState.SUBMITTED
    return looked


async def look_since_submitted(looked: Looked, seconds: float) -> None:
    """Receipts have the instant of the log's clock, which runs; ours is set so long after it."""
    (receipt,) = [e for e in looked.fleet.events("message_delivered") if e.payload["state"] == "submitted"][:1]
    looked.fleet.clock_ns = receipt.at_ns + round(seconds * 1e9)
    await looked.look()


async def test_an_enter_that_was_swallowed_is_seen_and_never_pressed_again(fleet: Fleet, place: Path) -> None:
    looked = await submitted(fleet, place)
    await looked.show(IDLE.replace("❯ ", "❯ hello there"))
    await look_since_submitted(looked, 6)
    message = await deliver(looked)
    assert (message.state, message.reason) == (MessageState.SUBMITTED, messages.STANDS)
    assert len(fleet.alarms("delivery")) == 1
    for _ in range(3):
        await looked.look(after=6)
        await deliver(looked)
    await arrived(place)  # nothing was typed after that
    assert len(fleet.events("message_delivered")) == 3
    await fleet.desk.answer(looked.run.id, "hook", {"kind": "UserPromptSubmit"}, "hook-2")
    assert (await deliver(looked)).state is MessageState.TAKEN_UP
    assert fleet.alarms("delivery") == []


async def test_silence_of_hooks_is_told(fleet: Fleet, place: Path) -> None:
    looked = await submitted(fleet, place)
    await look_since_submitted(looked, 30)
    assert (await deliver(looked)).reason == ""
    await look_since_submitted(looked, 70)
    message = await deliver(looked)
    assert (message.state, message.reason) == (MessageState.SUBMITTED, messages.UNPROVED)


async def test_a_long_one_is_led_in_where_the_program_would_doubt_whose_words_it_is(fleet: Fleet, place: Path) -> None:
    """Claude Code folds pastes of more than three lines, and tells the model that they may not be the person's."""
    looked = await opened(fleet, place, IDLE, "one\ntwo\nthree\nfour \x1b[201~\x03")
    assert (await deliver(looked)).state is MessageState.SUBMITTED
    told = b"Carry out the instructions pasted below. \x1b[200~one\ntwo\nthree\nfour \x1b[201~\r"
    await until(lambda: (place / "heard").read_bytes() == told, 40)
