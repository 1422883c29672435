"""Whole screens as text, with a frozen clock. After a wanted change: FLEET_UPDATE_SNAPSHOTS=1, and read the diff."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tmux.frames import Event, FrameSource
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.tui import live
from fleet_tui.tui.screens.agent import AgentScreen
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.screens.new_agent import NewAgentScreen
from fleet_tui.tui.theme import Look, choose
from fleet_widgets.form import Form
from fleet_widgets.lines import Span, in_ascii, text_of
from tests.tui.scenes import SCENES, shown
from tests.tui.test_new_agent_screen import offering
from tests.tui.test_system_screen import BROKEN, answer_for

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40), (200, 60), (60, 16)]
SHORT = {"ag", "iso", "facts"}
"""What stands only where the room is short."""


ANOTHER = {
    "light": choose("light", {}),
    "ascii": choose("mono", {}, ascii_boxes=True),
    "mono": choose(None, {"NO_COLOR": "1"}),
}


def alike(name: str, look: Look, found: str) -> None:
    """The picture of the first theme, but for the theme's name and the signs that are not drawn."""
    expected = (SNAPSHOTS / f"{name}_80x24.txt").read_text(encoding="utf-8").rstrip("\n")
    expected = expected.replace("theme fleet-grey", f"theme {look.theme}")
    if look.palette.ascii:
        expected = text_of(in_ascii((Span(expected),)))
    assert found.replace("  ansi_color", "") == expected, name


def compare(name: str, shown: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("FLEET_UPDATE_SNAPSHOTS"):
        path.write_text(shown + "\n", encoding="utf-8")
    assert shown + "\n" == path.read_text(encoding="utf-8"), name


@pytest.fixture
def stage(fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fleet of which every screen has something to show."""
    plain_terminal(monkeypatch)
    fleet.answers["system"] = answer_for(tmp_path, BROKEN)
    return fleet


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
async def test_screens(stage: Any, until: Any, name: str, size: tuple[int, int]) -> None:
    app = stage.room()
    async with app.run_test(size=size, notifications=True) as pilot:
        compare(f"{name}_{size[0]}x{size[1]}", masked(await shown(name, app, pilot, stage, until)))


@pytest.mark.parametrize("look", ANOTHER.values(), ids=ANOTHER)
async def test_screens_in_another_theme(stage: Any, until: Any, look: Look) -> None:
    """The same words in the same places; without line drawing, the nearest signs."""
    app = stage.room(look=look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        for name in SCENES:
            alike(name, look, masked(await shown(name, app, pilot, stage, until)))


async def test_every_word_of_a_small_screen_is_one_of_a_large_screen(stage: Any, until: Any) -> None:
    """Nothing is cut off without a sign, from 60x16 to 300x90, and the lines of the frame are there."""
    sizes = ((120, 40), (60, 16), (80, 24))
    pictures = {
        (size, name): (SNAPSHOTS / f"{name}_{size[0]}x{size[1]}.txt").read_text(encoding="utf-8").removesuffix("\n")
        for size in sizes
        for name in SCENES
    }  # which test_screens compares with the room
    async with (app := stage.room()).run_test(size=(300, 90), notifications=True) as pilot:
        for name in SCENES:
            pictures[(300, 90), name] = await shown(name, app, pilot, stage, until)
    words: dict[tuple[int, int], dict[str, set[str]]] = {}
    whole = re.compile(r"(?<![…\w])[^\W\d_]{2,}(?![…\w])")
    for (size, name), picture in pictures.items():
        rows = picture.split("\n")
        assert len(rows) == size[1]
        assert rows[0].strip()
        assert rows[1].startswith("[1!] ")
        assert name == "strip" or "? keys" in rows[-1]
        words.setdefault(size, {})[name] = {word for row in rows for word in whole.findall(row)}
    wide = {word for size in ((300, 90), (120, 40)) for there in words.pop(size).values() for word in there}
    cut = {(size, name): there - wide - SHORT for size, found in words.items() for name, there in found.items()}
    assert {where: found for where, found in cut.items() if found} == {}


@pytest.fixture
def drafted(stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A ticket that nobody has, and templates to make an agent from."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    stage.add(ev.draft(ev.TicketCreated(44, "Cron drift", "Mend it.", "0" * 64, [], [], 0), "ticket:44"))
    offering(stage, tmp_path / "templates")
    return stage


_FORM = ("4", "slash", *"44", "enter", "7")
FORM_NAMES = ["new", "new_form", pytest.param("new_dry", marks=pytest.mark.slow)]
FORMS = {"new": ("7",), "new_form": _FORM, "new_dry": (*_FORM, "pagedown", "right", "enter")}


async def new_agent(name: str, app: Any, pilot: Any, until: Any, text: Callable[[Any], str]) -> str:
    await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
    for key in FORMS[name]:
        if key == "pagedown":  # what would be made is known
            await until(lambda: isinstance(app.screen, NewAgentScreen) and app.screen.draft.preview() is not None)
        await pilot.press(key)
    await until(lambda: isinstance(app.screen, NewAgentScreen) and app.screen.draft.preview() is not None)
    await until(lambda: name != "new_dry" or app.screen.has_class("-dry"))
    form = app.screen.query_one(Form)
    await until(lambda: not form.size or form.size.height == form.styles.height.value)
    await pilot.pause()
    return masked(text(app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", FORM_NAMES)
async def test_new_agent(
    drafted: Any, until: Any, text: Callable[[Any], str], name: str, size: tuple[int, int]
) -> None:
    app = drafted.room()
    async with app.run_test(size=size, notifications=True) as pilot:
        compare(f"{name}_{size[0]}x{size[1]}", await new_agent(name, app, pilot, until, text))


@pytest.mark.parametrize("look", ANOTHER.values(), ids=ANOTHER)
@pytest.mark.parametrize("name", FORM_NAMES)
async def test_new_agent_in_another_theme(
    drafted: Any, until: Any, text: Callable[[Any], str], name: str, look: Look
) -> None:
    app = drafted.room(look=look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        alike(name, look, await new_agent(name, app, pilot, until, text))


async def first_run(app: Any, pilot: Any, until: Any, text: Callable[[Any], str]) -> str:
    """The wall of a fleet without agents, as soon as the checks are shown."""
    await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
    await until(lambda: app.parts.report is not None)
    app.tick()
    await pilot.pause()
    return masked(text(app))


@pytest.fixture
def fresh(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    plain_terminal(monkeypatch)
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    world.answers["system"] = answer_for(tmp_path, "version: 1\n")
    return world


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_first_run(fresh: Any, until: Any, text: Callable[[Any], str], size: tuple[int, int]) -> None:
    app = fresh.room()
    async with app.run_test(size=size, notifications=True) as pilot:
        compare(f"first_run_{size[0]}x{size[1]}", await first_run(app, pilot, until, text))


@pytest.mark.parametrize("look", ANOTHER.values(), ids=ANOTHER)
async def test_first_run_in_another_theme(fresh: Any, until: Any, text: Callable[[Any], str], look: Look) -> None:
    app = fresh.room(look=look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        alike("first_run", look, await first_run(app, pilot, until, text))


def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What screen 8 tells of the terminal, the same everywhere."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("COLORTERM", "NO_COLOR", "TMUX", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)


def masked(text: str) -> str:
    """Times and ages become zeros: the store stamps events with the real time."""
    times = re.compile(r"\b\d\d:\d\d(?::\d\d)?\b|\b\ds\b")
    return times.sub(lambda match: re.sub(r"\d", "0", match.group()), text)


async def test_verdicts_of_earlier_heads_and_without_words(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    """A stale verdict is shown as stale and not counted; one that says nothing needs no words."""
    fleet.add(
        ev.draft(ev.PullRequestChangesRequested(1, "rev", "run-r", "reviewer", "e" * 40, "no tests"), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "qa", "run-q", "qa", "c" * 40, ""), "pr:1"),
    )
    app = fleet.room()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
        await pilot.pause()
        rows = text(app).splitlines()
        assert any("gates 1/1  reviews 2/2  2f +3 -1" in row for row in rows)
        assert any(row.startswith(" qa qa                  pass    @ccccccc") for row in rows)
        assert any("STALE @eeeeeee" in row for row in rows)
        assert app.is_running


HOSTILE = "[red]x[/] [@click=app.exit]y \x1b]52;c;aGk=\x07\x1b[2J\u202eabc\u4f60\u597d " + "z" * 5000


async def test_s4_hostile_text_is_only_text(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    """Titles, reasons and alarms from outside steer nothing and move no column."""
    fleet.add(
        ev.draft(ev.AlarmRaised("alm-2", "x", 1, HOSTILE, HOSTILE, "agent:dev-1"), "agent:dev-1"),
        ev.draft(ev.TicketChanged(1, HOSTILE, HOSTILE, "0" * 64, [], [], 0), "ticket:1"),
        ev.draft(ev.AgentQuarantined("dev-2", HOSTILE, "rule", 2), "agent:dev-2"),
        ev.draft(ev.Note(HOSTILE, run="run-dev-1-1"), "run:run-dev-1-1"),
    )
    app = fleet.room()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        for keys in ((), ("w",), ("w",), ("2",), ("3",), ("tab",), ("6",), ("5", "k"), ("question_mark",)):
            await pilot.press(*keys)
            await pilot.pause()
            shown = text(app)
            assert not any(character in shown for character in "\x1b\x07\u202e")
            for strip in app.screen._compositor.render_strips(app.screen.size):
                assert strip.cell_length == 80
                assert not any(segment.style and segment.style.meta.get("@click") for segment in strip)
        assert app.is_running


async def test_events_filter_follow_cause_and_effect(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    (cause,) = fleet.add(ev.draft(ev.Note("the cause"), "fleet", actor="operator:me"))
    fleet.add(ev.draft(ev.Note("the effect"), "fleet", cause=cause.id))
    app = fleet.room()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await pilot.press("5", "slash", *"type:note", "enter")
        await pilot.pause()
        assert "2 of" in text(app)
        assert "the cause" in text(app)
        await pilot.press("G", "c")
        await pilot.pause()
        assert "caused     " in text(app)
        assert "operator:me" in text(app)
        await pilot.press("slash", *"type:", "enter")
        assert "needs a value" in app.message


async def test_live_panes_show_real_tmux(fleet: Any, until: Any, text: Callable[[Any], str]) -> None:
    name = f"fleet-test-{secrets.token_hex(4)}"
    server = TmuxServer(name)
    await server.ensure()
    try:
        argv = ["sh", "-c", "printf '\\033[31mred alert\\033[0m\\n'; exec sleep 600"]
        await server.spawn("run-dev-1-1", argv, cwd=Path("/tmp"), uuid="pane-dev-1")
        app = fleet.room(live=True, tmux_socket_name=name)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(lambda: "red alert" in text(app))
            await pilot.press("enter")
            await until(lambda: "1 AGENT" in text(app) and "red alert" in text(app))
            assert app.live.in_force
    finally:
        await server.stop()


async def test_live_panes_begin_anew_after_any_error(
    fleet: Any, until: Any, text: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"fleet-test-{secrets.token_hex(4)}"
    server, frames, failures = TmuxServer(name), FrameSource.frames, [KeyError("x")]

    async def failing(source: FrameSource) -> AsyncGenerator[Event, None]:
        async for event in frames(source):
            yield event
            if failures:
                raise failures.pop()

    monkeypatch.setattr(FrameSource, "frames", failing)
    monkeypatch.setattr(live, "FIRST_RETRY_S", 0.01)
    await server.ensure()
    try:
        # Every line is another picture, so that a picture from before the failures does not count.
        argv = ["sh", "-c", "while read line; do echo $line; done"]
        pane = await server.spawn("run-dev-1-1", argv, cwd=Path("/tmp"), uuid="pane-dev-1")
        app = fleet.room(live=True, tmux_socket_name=name)
        async with app.run_test(size=(120, 40), notifications=True):
            await until(lambda: not failures)
            await server.run("send-keys", "-t", pane.pane_id, "still here", "Enter")
            await until(lambda: text(app).count("still here") and not app.live.failed)
    finally:
        await server.stop()


@pytest.mark.parametrize("name", ["mono", "ansi", "light", "contrast"])
async def test_every_theme_shows_the_same_words(fleet: Any, until: Any, text: Callable[[Any], str], name: str) -> None:
    app = fleet.room(look=choose(name, {}, ascii_boxes=name == "mono"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        for keys in ((), ("w",), ("2",), ("3",), ("5",), ("6",), ("1", "question_mark"), ("q", "colon")):
            await pilot.press(*keys)
            await pilot.pause()
        await pilot.press("escape", "1", "escape", "escape")
        await pilot.pause()
        shown = text(app)
    assert "[1!]" in shown
    assert "─" not in shown or name != "mono"


async def test_the_palette_runs_what_is_chosen(fleet: Any, until: Any) -> None:
    app = fleet.room()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await pilot.press("colon", *"agent dev-2")
        await until(lambda: app.screen.query_one("CommandList").option_count > 0)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AgentScreen) and app.screen._agent == "dev-2")


async def test_a_tick_while_the_room_closes(fleet: Any, until: Any) -> None:
    """The screens are taken down one widget after the other; the clock goes on meanwhile."""
    app = fleet.room()
    ticks: list[object] = []
    async with app.run_test(size=(80, 24), notifications=True):
        await until(lambda: app.picture.snapshot is not None)
        prune, screen = app._prune, app.screen

        async def pruned(*nodes: Any, **options: Any) -> None:
            await prune(*nodes, **options)
            app._tick()
            app.say("too late")
            screen.on_screen_resume()
            screen.show_picture()
            ticks.append(nodes)

        app._prune = pruned
    assert ticks
