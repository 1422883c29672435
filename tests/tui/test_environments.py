"""The wall says the same whatever the terminal can show, is grey while all is well, and is calm in a flood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style

from fleet_tui.domain import events as ev
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import SIGNS, AgentTile, Doing, Picture
from fleet_tui.tui.compositor import RoomCompositor
from fleet_tui.tui.theme import choose
from tests.tui.conftest import config, running

BADGES = {(0, False): "", (1, True): "[1!]", (1, False): "[1]", (2, True): "(2!)", (2, False): "(2)", (3, True): "<3!>"}
BADGES[3, False] = "<3>"
ENVIRONMENTS: dict[str, tuple[str | None, Mapping[str, str]]] = {
    "truecolor": (None, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}),
    "256": (None, {"TERM": "xterm-256color"}),
    "16": (None, {"TERM": "xterm"}),
    "no_color": (None, {"TERM": "xterm-256color", "NO_COLOR": "1"}),
    "ascii": (None, {"TERM": "xterm-256color", "LANG": "C"}),
    "mono": ("mono", {}),
    "light": ("light", {"COLORTERM": "truecolor"}),
    "contrast": ("contrast", {"COLORTERM": "truecolor"}),
}
SIGN = "".join(re.escape(sign) for sign in SIGNS.values())
BADGE = r"\[1!?\]|\(2!?\)|<3!?>"
CELL = re.compile(rf"(?P<badge>{BADGE}|) *(?P<sign>[{SIGN}]) (?P<name>agent-\d\d)[ #0-9]* +(?P<word>[A-Z]+) ")
"""One line of the smallest tiles."""
HEAD = re.compile(rf"(?P<sign>[{SIGN}]) (?P<name>agent-\d\d) [─-]+ (?P<badge>{BADGE}|) ?(?P<word>[A-Z]+) ")
"""The first line of the others."""


def twenty(made_of: AgentTile) -> tuple[AgentTile, ...]:
    """Every state and every badge."""
    states, badges = list(Doing), list(BADGES)
    return tuple(
        replace(
            made_of, name=f"agent-{at:02}", doing=states[at % len(states)], badge=badges[at % len(badges)][0],
            badge_open=badges[at % len(badges)][1],
        )
        for at in range(20)
    )  # fmt: skip


def read(app: Any) -> dict[str, tuple[str, str, str]]:
    """What a reader of the screen's text makes of it: agent → badge, sign, word."""
    text = "\n".join(strip.text for strip in app.screen._compositor.render_strips(app.screen.size))
    found = [match for form in (CELL, HEAD) for match in form.finditer(text)]
    return {match["name"]: (match["badge"], match["sign"], match["word"]) for match in found}


def segments(app: Any) -> Iterator[Segment]:
    for strip in app.screen._compositor.render_strips(app.screen.size):
        yield from strip


@pytest.mark.parametrize("environment", ENVIRONMENTS)
async def test_state_and_badge_of_twenty_tiles(fleet: Any, until: Any, environment: str) -> None:
    wanted, environ = ENVIRONMENTS[environment]
    app = fleet.room(look=choose(wanted, environ))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        app.feed.stop()
        await pilot.pause()
        tiles = twenty(app.picture.snapshot.tiles[0])
        app.picture = Picture(replace(app.picture.snapshot, tiles=tiles), app.picture.health)
        expected = {one.name: (BADGES[one.badge, one.badge_open], SIGNS[one.doing], str(one.doing)) for one in tiles}
        for size in ((80, 24), (120, 40), (200, 60)):
            await pilot.resize_terminal(*size)
            app.screen.show_picture()
            await pilot.pause()
            await until(lambda: read(app) == expected)
        assert colours(app) <= ALLOWED[app.context.look.palette.name]
        if app.context.look.palette.ascii:
            assert all(segment.text.isascii() for segment in segments(app))


TRUE = {"colour", "grey", "default"}
ALLOWED = {"grey": TRUE, "light": TRUE, "contrast": TRUE, "ansi": {"own", "default"}, "mono": {"default"}}


def colours(app: Any) -> set[str]:
    return {kind(colour) for segment in segments(app) for colour in _two(segment.style)}


def _two(style: Style | None) -> tuple[Color | None, Color | None]:
    return (style.color, style.bgcolor) if style else (None, None)


def kind(colour: Color | None) -> str:
    """``default``, one of the terminal's ``own`` sixteen, ``grey`` or a ``colour``."""
    if colour is None or colour.is_default:
        return "default"
    if colour.type is not ColorType.TRUECOLOR:
        return "own"
    red, green, blue = colour.get_truecolor()
    return "grey" if max(red, green, blue) - min(red, green, blue) <= 16 else "colour"


@pytest.mark.parametrize("theme", ["grey", "light", "contrast", "ansi", "mono"])
async def test_a_healthy_wall_has_no_coloured_cell(world: Any, until: Any, theme: str) -> None:
    names = {f"agent-{number}": "developer" for number in range(1, 13)}
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L1"), "fleet"), config(names))
    for number, name in enumerate(names, 1):
        world.add(*running(number, name, "developer", "Work"))
    app = world.room(look=choose(theme, {}))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        for size in ((80, 24), (120, 40), (200, 60), (60, 16)):
            await pilot.resize_terminal(*size)
            for keys in ("1", "4", "5"):
                await pilot.press(keys)
                await pilot.pause()
                coloured = {segment.text for segment in segments(app) if "colour" in map(kind, _two(segment.style))}
                assert coloured == set(), (size, keys)
                own = {_name(colour) for segment in segments(app) for colour in _two(segment.style)}
                assert theme not in {"ansi", "mono"} or own <= {"default", "bright_white"}, (size, keys)
        world.add(ev.draft(ev.AlarmRaised("alm-1", "x", 1, "trouble", "look", "agent:agent-3"), "agent:agent-3"))
        await pilot.press("1")
        await until(lambda: theme == "mono" or colours(app) & {"colour", "own"})


def _name(colour: Color | None) -> str:
    return "default" if colour is None else colour.name


async def test_a_burst_of_alarms_is_one_bell_and_one_line(
    fleet: Any, until: Any, text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 alarms in ten seconds, of one cause: line 2 stays with the first one, and what is drawn is bounded."""
    app = fleet.room()
    bells: list[int] = []
    monkeypatch.setattr(app, "bell", lambda: bells.append(len(bells)))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        fleet.offset_ns = 60_000_000_000  # beyond the grace of the start
        app._tick()
        await pilot.press("1")
        await until(lambda: text(app).splitlines()[1].startswith("[1!] dev-3 secret pattern in a diff"))
        bells.clear()
        painted: list[int] = []
        render = RoomCompositor.render_partial_update

        def counted(compositor: Any) -> Any:
            painted.append(len(painted))
            return render(compositor)

        monkeypatch.setattr(RoomCompositor, "render_partial_update", counted)
        for batch in range(20):
            fleet.add(*(alarm(batch * 10 + at) for at in range(10)))
            fleet.offset_ns += 500_000_000
            app._tick()
            await pilot.pause()
        await until(lambda: "(first of 201)" in text(app).splitlines()[1])
        await pilot.pause()
        assert text(app).splitlines()[1].startswith("[1!] dev-3 secret pattern in a diff (first of 201)")
        assert len(bells) <= 1
        # Each batch may be painted when it has come and when the clock has ticked; nothing is painted for each alarm.
        assert len(painted) <= 3 * 20 + 10, len(painted)
        await pilot.press("3")
        await until(lambda: "FLOOD" in text(app))
        assert app.is_running


def alarm(number: int) -> ev.Draft:
    raised = ev.AlarmRaised(
        f"burst-{number:03}", f"rule-{number}", 1 + number % 3, one_line(f"effect {number}"), "look", "agent:dev-3",
        first="alm-1",
    )  # fmt: skip
    return ev.draft(raised, "agent:dev-3")
