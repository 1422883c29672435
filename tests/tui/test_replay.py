"""A room on a recording: its own clock, played, paused and scrubbed; and nothing can be done in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.store.recording import Playback, Recorded, load
from fleet_tui.tui.app import RoomApp
from fleet_tui.tui.commands import Act
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.present.help import help_sections
from fleet_tui.tui.replay import SECOND_NS, Replay
from tests.tui.conftest import DEFAULTS


class Steady:
    """A clock that goes on by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def replay(fleet: Any, tmp_path: Path, steady: Steady) -> Iterator[Replay]:
    """The fleet's own log, a second between its events."""
    recorded = [
        Recorded(one.row._replace(at_ns=(1000 + at) * SECOND_NS), one.salt, one.body)
        for at, one in enumerate(load(fleet.directory / "fleet.db"))
    ]
    player = Playback(recorded, tmp_path / "played" / "fleet.db")
    yield Replay(player, steady=steady)
    player.close()


@pytest.fixture
def room(replay: Replay, tmp_path: Path) -> RoomApp:
    database = tmp_path / "played" / "fleet.db"
    options: dict[str, Any] = {**DEFAULTS, "clock": replay.now_ns, "replay": replay}
    return RoomApp(RoomContext(database=database, operator_socket=tmp_path / "none.sock", **options))


def test_the_clock_runs_at_its_speed_stands_while_paused_and_ends_with_the_recording(
    replay: Replay, steady: Steady
) -> None:
    start_ns = replay.now_ns()
    steady.ns += 2 * SECOND_NS
    replay.change_speed(1)
    steady.ns += 3 * SECOND_NS
    assert (replay.now_ns() - start_ns) // SECOND_NS == 2 + 2 * 3
    replay.pause()
    steady.ns += 100 * SECOND_NS
    assert (replay.now_ns() - start_ns) // SECOND_NS == 8
    assert "PAUSED" in replay.words()
    replay.jump(-20)
    assert replay.now_ns() == start_ns
    replay.pause()
    steady.ns += 10_000 * SECOND_NS
    assert "END" in replay.words()


async def test_events_come_as_time_goes_and_go_when_one_goes_back(
    room: RoomApp, steady: Steady, until: Any, text: Any
) -> None:
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: room.picture.snapshot is not None)
        steady.ns += 4 * SECOND_NS
        await until(lambda: "REPLAY 00:16:44" in text(room))
        assert "FROZEN" not in text(room)
        steady.ns += 1000 * SECOND_NS
        await until(lambda: "APPROVE merge of PR 2" in text(room))
        assert ", END" in text(room)
        await pilot.press("p", *["less_than_sign"] * 20)
        await until(lambda: "APPROVE merge of PR 2" not in text(room))
        assert room.context.replay is not None
        assert "PAUSED" in room.context.replay.words()
        await pilot.press("5")
        await until(lambda: "1 events" in text(room))
        await pilot.press(*["greater_than_sign"] * 20)
        await until(lambda: room.picture.snapshot is not None and f"{room.picture.snapshot.seq} events" in text(room))


async def test_nothing_can_be_done_in_a_recording(room: RoomApp, steady: Steady, until: Any, text: Any) -> None:
    steady.ns += 1000 * SECOND_NS
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: bool(room.picture.snapshot and room.picture.snapshot.approvals))
        await pilot.press("2", "A")
        assert room.message == "A: a recording: nothing can be done in it"
        await pilot.press("1", "Q")
        assert room.message == "Q: a recording: nothing can be done in it"
        await pilot.press("exclamation_mark")
        assert room.message == "!: a recording: nothing can be done in it"
        room.act(Act("acknowledge", {"alarm": "alm-1"}, "acknowledge", "it"))
        assert room.message == "acknowledge it: a recording: nothing can be done in it"


async def test_in_a_living_fleet_the_keys_say_what_they_are_for(fleet: Any, until: Any) -> None:
    app = fleet.room()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await pilot.press("p")
        assert app.message == "p: this is a living fleet; fleet replay opens a recording"
        assert not any("recording" in str(section) for section in help_sections(app.screen.here(), {}))


LIVING = {"1": "oma", "3": "as", "5": "r", "8": "er", "4": "om"}
"""What small letters need a living fleet for, by screen."""


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 60)], ids=str)
async def test_every_screen_says_that_it_is_a_recording_and_of_when(
    room: RoomApp, steady: Steady, until: Any, text: Any, size: tuple[int, int]
) -> None:
    steady.ns += 20 * SECOND_NS
    async with room.run_test(size=size) as pilot:
        for key in ("1", "w", "2", "3", "4", "5", "6", "7", "8", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            assert " REPLAY 00:17:00 " in text(room).splitlines()[0]
            assert not re.search(r"(asking|for|before) the watcher|watcher (has|is)\b", text(room))
        steady.ns += 10_000 * SECOND_NS
        await until(lambda: " END" in text(room).splitlines()[0])


async def test_before_its_first_picture_a_fast_recording_waits_for_nobody(
    room: RoomApp, steady: Steady, text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.feed, "start", lambda: None)
    async with room.run_test(size=(80, 24)) as pilot:
        steady.ns += 1000 * SECOND_NS
        room._tick()
        await pilot.pause()
        assert "REPLAY" in text(room).splitlines()[0]
        assert "FROZEN" not in text(room)
        assert "WATCHER DOWN" not in text(room)


async def test_keys_that_need_a_living_fleet_say_why_they_are_off(
    room: RoomApp, steady: Steady, until: Any, text: Any
) -> None:
    steady.ns += 1000 * SECOND_NS
    async with room.run_test(size=(120, 40)) as pilot:
        await until(lambda: bool(room.picture.snapshot and room.picture.snapshot.approvals))
        for screen, keys in LIVING.items():
            await pilot.press(screen)
            await pilot.pause()
            assert "attach" not in text(room).splitlines()[-1]
            for key in keys:
                await pilot.press(key)
                assert room.message == f"{key}: a recording: nothing can be done in it"
