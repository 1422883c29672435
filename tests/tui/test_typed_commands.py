"""The palette's commands that take words: what each does, what it says when words are missing or wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import NothingToDo
from fleet_tui.tui.commands import Act, failure
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.remembered import Remembered
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.pipeline import PipelineScreen
from fleet_tui.tui.typed import match
from fleet_tui.tui.typed_table import COMMANDS
from fleet_widgets.pane_wall import PaneWall
from tests.tui.tui_support import armed, asked, opened

QUIET = ev.AlarmRaised("alm-2", "idle", 3, "dev-1 is idle", "look", "agent:dev-1")
HOSTILE = "[red]$(touch x)`id`\x1b[31m"


async def typed(app: Any, text: str) -> None:
    """Run a command as the palette does, without its own delays."""
    found = match(text, COMMANDS)
    assert found is not None, text
    await found[0].perform(app, found[1])


def test_the_longest_name_counts_and_the_rest_is_the_last_word() -> None:
    def names(text: str) -> tuple[str, tuple[str, ...]] | None:
        found = match(text, COMMANDS)
        return (found[0].usage, found[1]) if found else None

    assert names("stop all") == ("stop all", ())
    assert names("stop dev-1") == ("stop NAME", ("dev-1",))
    assert names("message dev-1 use  tabs; `id`") == ("message NAME [TEXT]", ("dev-1", "use  tabs; `id`"))
    assert names("mute bell") == ("mute bell TIME|off", ())
    assert names("tickets 3") is None
    assert names("") is None


def test_every_command_has_a_name_of_its_own() -> None:
    assert all(command.name for command in COMMANDS)
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


async def test_typed_in_the_palette_it_stands_first_and_runs(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon", *"ticket #2")
        await until(lambda: "show a ticket on the board (ticket NUMBER)" in text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, PipelineScreen))
        assert app.screen.card().number == 2


async def test_without_its_words_it_says_how_it_is_used(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon", *"ticket")
        await until(lambda: "usage: ticket NUMBER" in text(app))
        await pilot.press("enter")
        await until(lambda: app.message == "usage: ticket NUMBER")
        for command in COMMANDS:
            if command.least:
                await command.perform(app, ())
                assert app.message == f"usage: {command.usage}"
        assert not app.query(Input)
    assert fleet.calls == []


async def test_hostile_words_are_only_words(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, _):
        for command in [command for command in COMMANDS if command.least]:
            await typed(app, f"{' '.join(command.name)} {HOSTILE}")
            assert "usage: " in app.message, command.usage
            app.tick()
            assert "\x1b" not in text(app)
    assert fleet.calls == []


async def test_the_palette_shows_what_is_typed_as_it_is(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("colon")
        await until(lambda: bool(app.screen.query(Input)))
        app.screen.query_one(Input).value = "message dev-1 [red]hi[/red] [b"
        await until(lambda: text(app).count("[red]hi[/red] [b") == 2)


async def test_goto(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(ev.TicketClosed(3, "not wanted"), "ticket:3"))
    async with opened(fleet, until) as (app, _):
        await typed(app, "agent DEV-2")
        assert isinstance(app.screen, AgentScreen)
        assert app.screen._agent == "dev-2"
        await typed(app, "pr 2")
        assert isinstance(app.screen, ApprovalsScreen)
        card = app.screen.card()
        assert card is not None
        assert card.approval.pr == 2
        await typed(app, "ticket 99")
        assert "there is no ticket #99" in app.message
        await typed(app, "pr 99")
        assert "there is no pull request 99" in app.message
        await typed(app, "board")
        assert isinstance(app.screen, PipelineScreen)


async def test_what_acts_opens_its_strip_and_only_that(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        for words, title in (
            ("pause dev-2", "PAUSE dev-2"),
            ("interrupt dev-2", "INTERRUPT dev-2"),
            ("quarantine dev-2", "QUARANTINE dev-2"),
            ("stop dev-2", "STOP THE RUN OF dev-2"),
            ("reject 2", "REJECT PR 2"),
            ("stop all", "ALL STOP"),
        ):
            await typed(app, words)
            assert app.screen.strip.request is not None, (words, app.message, text(app))
            await armed(app, until)
            assert title in text(app)
            await pilot.press("escape")
        await typed(app, "resume dev-2")
        assert "dev-2 is not paused" in app.message
        await typed(app, "approve 7")
        assert "no decision on PR 7 waits for you" in app.message
        assert fleet.calls == []
        await typed(app, "pause dev-2")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert fleet.calls[0][0:2] == ("pause", {"agent": "dev-2", "reason": "by hand from the control room"})


async def test_a_message_stands_in_the_composer_and_is_not_sent(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        await typed(app, "message dev-2 use tabs; [b]$(x)")
        composer = app.screen.query_one(Composer)
        assert composer.query_one(TextArea).text == "use tabs; [b]$(x)"
    assert fleet.calls == []


async def test_acknowledge_and_shelve(fleet: Any, until: Any) -> None:
    fleet.add(ev.draft(QUIET, "agent:dev-1"))
    async with opened(fleet, until) as (app, _):
        await typed(app, "shelve alm-2")
        assert "say why it may wait" in app.message
        await typed(app, "shelve alm-1 2h busy")
        assert "priority 1 can be acknowledged, not shelved" in app.message
        await typed(app, "shelve alm-9 2h busy")
        assert "no alarm alm-9 stands" in app.message
        await typed(app, "shelve alm-2 2h the [b]gate[/b] is mended")
        await until(lambda: len(fleet.calls) == 1)
        await typed(app, "ack")
        await until(lambda: len(fleet.calls) == 2)
        fleet.add(ev.draft(ev.AlarmAcknowledged("alm-1", "operator:kim"), "alarm:alm-1"))
        await typed(app, "ack alm-1")
        assert "acknowledged already, by operator:kim" in app.message
    reason = "the [b]gate[/b] is mended"
    assert fleet.calls[0] == ("shelve", {"alarm": "alm-2", "for_s": 7200, "reason": reason})
    assert fleet.calls[1] == ("acknowledge", {"alarm": "alm-1"})


async def test_what_was_lost_is_restored_all_of_it_or_one(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        await typed(app, "restore")
        assert "nothing of that waits" in app.message
        for name in ("dev-1", "dev-2"):
            lost = ev.RunQueued(f"run-{name}-new", name, "developer", "claude-code", None, "ticket_ready", held=True)
            fleet.add(ev.draft(lost, f"run:run-{name}-new"))
        await typed(app, "restore")
        assert "2 lost runs wait (dev-1, dev-2)" in app.message
        assert fleet.calls == [], "to ask starts nothing"
        await typed(app, "restore dev-2")
        await until(lambda: len(fleet.calls) == 1)
        await typed(app, "restore all")
        await until(lambda: len(fleet.calls) == 2)
    assert fleet.calls[0] == ("restore", {"runs": ["run-dev-2-new"]})
    assert sorted(fleet.calls[1][1]["runs"]) == ["run-dev-1-new", "run-dev-2-new"]


async def test_an_agent_is_started_as_the_watcher_finds_it(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        await typed(app, "start nobody")
        assert "there is no agent nobody" in app.message
        await typed(app, "start dev-2")
        await until(lambda: len(fleet.calls) == 1)
    assert fleet.calls == [("start", {"agent": "dev-2", "reason": "by hand from the control room"})]
    idle = NothingToDo("nothing to start", "dev-2: it is idle", "fleet ticket ready NUMBER")
    told = failure(Act("start", {"agent": "dev-2"}, "start", "dev-2"), idle)
    assert told == "start dev-2 failed: nothing to start. dev-2: it is idle Try: fleet ticket ready NUMBER"


async def test_memory_is_given_in_megabytes(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        for wrong in ("much", "-5", "9" * 12):
            await typed(app, f"memory dev-2 {wrong}")
            assert "no number of megabytes" in app.message
        await typed(app, "memory dev-2 800MB")
        await until(lambda: len(fleet.calls) == 1)
    assert fleet.calls == [("give_memory", {"agent": "dev-2", "memory_mb": 800, "reason": "from the room"})]


async def test_a_room_that_only_looks_does_nothing_until_it_may_again(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, (80, 24)) as (app, pilot):
        await typed(app, "readonly on")
        assert "READ-ONLY" in text(app)
        for key in ("P", "Q", "X", "I", "exclamation_mark"):
            await pilot.press(key)
            assert "off: this room only looks (:readonly off)" in app.message
        await pilot.press("a")
        assert "acknowledge secret pattern in a diff: off: this room only looks" in app.message
        await typed(app, "ack")
        await typed(app, "stop all")
        assert app.screen.strip.request is None
        await typed(app, "readonly maybe")
        assert "on or off" in app.message
        await typed(app, "readonly off")
        assert "READ-ONLY" not in text(app)
        await pilot.press("P")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: bool(fleet.calls))
    assert [op for op, _ in fleet.calls] == ["pause"]


async def test_a_room_opened_to_look_stays_so(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, readonly=True) as (app, pilot):
        await typed(app, "readonly off")
        assert "it stays so" in app.message
        await pilot.press("m", *"hello", "tab")
        await pilot.press("P")
        await pilot.press("escape", "P")
        assert app.message == "P: off: this room only looks"
    assert fleet.calls == []


async def test_the_bell_is_muted_and_line_1_says_how_long(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, _):
        await typed(app, "mute bell 30m")
        assert "MUTED 30m" in text(app)
        fleet.offset_ns += 90_000_000_000
        app.feed.poke()
        await until(lambda: "MUTED 29m" in text(app))
        for wrong in ("9h", "soon", "30m please"):
            await typed(app, f"mute bell {wrong}")
            assert "a time such as 30m or 2h" in app.message
        await typed(app, "mute bell off")
        assert "MUTED" not in text(app)


async def test_the_density_of_the_wall_is_found_again(fleet: Any, until: Any, directory: Path) -> None:
    file = directory / "room.json"
    for words, shown in (("density micro", "micro"), ("", "micro")):
        async with opened(fleet, until, remembered=file) as (app, pilot):
            if words:
                await pilot.press("3")
                await typed(app, words)
            wall = app.screen.query_one(PaneWall)
            assert wall.density == wall.shown_density == shown
    async with opened(fleet, until, remembered=file) as (app, pilot):
        wall = app.screen.query_one(PaneWall)
        await typed(app, "density tiny")
        assert "one of auto, micro, small, large" in app.message
        await typed(app, "density auto")
        assert wall.density == "auto"
        # How large the tiles are by themselves is known when the screen has all of its height.
        await until(lambda: wall.shown_density == "large")
        await pilot.press("minus")
        await until(lambda: wall.shown_density == "small")
        await until(lambda: Remembered(file).get("density") == "small")


@pytest.mark.parametrize("behind", ["agent dev-1", "help"])
async def test_a_density_counts_whatever_the_wall_remembers_on_the_way_to_it(
    fleet: Any, until: Any, directory: Path, behind: str
) -> None:
    file = directory / "room.json"
    async with opened(fleet, until, remembered=file) as (app, pilot):
        wall = app.screen.query_one(PaneWall)
        await (pilot.press("question_mark") if behind == "help" else typed(app, behind))
        await until(lambda: len(app.screen_stack) == 2)
        wall.post_message(wall.VisibleChanged(wall))  # as a terminal that has just been resized makes it do
        await typed(app, "density micro")
        await pilot.pause()
        assert wall.density == wall.shown_density == "micro"
        assert Remembered(file).get("density") == "micro"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"density": 5}', "\x00", "[" * 60_000])
def test_a_spoilt_file_holds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "room.json").write_text(text)
    remembered = Remembered(tmp_path / "room.json")
    assert remembered.get("density") == ""
    remembered.set("density", "micro")
    assert Remembered(tmp_path / "room.json").get("density") == "micro"


async def test_a_density_that_is_none_is_left_alone(fleet: Any, until: Any, directory: Path) -> None:
    file = directory / "room.json"
    file.write_text('{"density": "\\u001b[2J"}')
    async with opened(fleet, until, remembered=file) as (app, _):
        assert app.screen.query_one(PaneWall).density == "auto"


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path / "none" / "room.json")
    remembered.set("density", "micro")
    assert remembered.get("density") == ""
    Remembered(None).set("density", "micro")


async def test_commands_that_are_elsewhere_say_where(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        for words in ("theme light", "ascii on", "mouse off", "export"):
            await typed(app, words)
            assert app.message
            assert "usage" not in app.message


async def test_the_filter_of_the_wall_from_anywhere(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("5")
        await typed(app, "filter role:rev state:idle")
        assert app.screen.marking().selected == "rev"
        assert app.screen._slots == ("rev",)
        await typed(app, "filter rol:rev")
        await until(lambda: app.message.startswith("filter: there is no field 'rol'"))
        await typed(app, "filter")
        assert len(app.screen._slots) == 5


async def test_commands_for_those_that_are_marked(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await typed(app, "pause marked")
        await until(lambda: app.message.startswith("pause marked: no agent is marked"))
        await pilot.press("space", "5")
        for word, title in (
            ("pause", "PAUSE 1 AGENT"),
            ("quarantine", "QUARANTINE 1 AGENT"),
            ("stop", "STOP THE RUNS OF 1 AGENT"),
            ("cap", "EXTEND THE BUDGETS OF 1 AGENT"),
        ):
            await typed(app, f"{word} marked")
            assert (await asked(app, until)).title == title
            await pilot.press("escape")
        await typed(app, "message marked")
        await until(lambda: app.screen.query_one(Composer).key == "marked")
        await pilot.press("escape")
        app.set_readonly(on=True)
        await typed(app, "stop marked")
        await until(lambda: "only looks" in app.message)
    assert fleet.calls == []
