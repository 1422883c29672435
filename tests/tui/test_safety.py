"""No accident: whatever is typed, moves, changes or dies, only what was shown and confirmed reaches the watcher.

What the room did is measured at the watcher's door, never by looking at the screen.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from textual import events
from textual.widgets import Input, TextArea

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict
from fleet_tui.tui.composer import Composer
from fleet_tui.tui.keys.keymap import FORBIDDEN
from fleet_tui.tui.keys.table import KEYS
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_widgets import strip, strip_state
from fleet_widgets.lines import Span
from fleet_widgets.pane_wall import PaneWall
from fleet_widgets.strip import ConfirmStrip, StripRequest
from tests.tui.conftest import config, running
from tests.tui.stirring import HOUR_NS, READS, Stirring, acts, stirred
from tests.tui.tui_support import armed, opened

NAMED = {"enter": "\r", "tab": "\t", "space": " ", "slash": "/", "colon": ":", "exclamation_mark": "!",
         "question_mark": "?", "comma": ",", "full_stop": ".", "grave_accent": "`"}  # fmt: skip
PLAIN = ("escape", "backspace", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "shift+tab")
LETTERS = "abcdfghijklmnprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""All but `q`, which leaves, `o`, which attaches, and `e`, which opens an editor."""
OPENING = tuple((screen, name) for screen, names in (("1", "QQPPXBI!"), ("2", "AAARC"), ("3", "Qs"), ("4", "PT"))
                for name in names)  # fmt: skip
"""Where which key opens a strip, if there is something to act on."""


def key(name: str) -> events.Key:
    name = "exclamation_mark" if name == "!" else name
    return events.Key(name, NAMED.get(name, name if len(name) == 1 else None))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[StripRequest]:
    """Every strip that opened: a series in which hardly any did would prove nothing."""
    found: list[StripRequest] = []
    ask = ConfirmStrip.ask

    def counted(self: ConfirmStrip, request: StripRequest) -> None:
        found.append(request)
        ask(self, request)

    monkeypatch.setattr(ConfirmStrip, "ask", counted)
    return found


async def diff_shown(app: Any, until: Any) -> None:
    """The diff of the selected approval is on the screen."""

    def shown() -> bool:
        screen = app.screen
        card = screen.card() if isinstance(screen, ApprovalsScreen) else None
        if card is None:
            return False
        wanted = (card.approval.pr, card.approval.head_sha, card.approval.base_sha)
        return bool(screen.diff.files) and screen.diff.shown == wanted

    await until(shown)


# -- S1 ----------------------------------------------------------------------------------------------------------------


async def typed(app: Any, until: Any, *names: str) -> None:
    """All of these at one instant, as a chunk that the terminal read at once; until they have had their effect."""
    taken = asyncio.Event()
    for event in [key(name) for name in names]:
        app.post_message(event)
    app.call_later(taken.set)
    async with asyncio.timeout(40):  # a room that has been left takes nothing any more
        await taken.wait()
    await until(lambda: not app.keyboard.busy)


async def painted(app: Any, until: Any) -> None:
    """An open strip has been on the screen, which is what its keys wait for."""
    one = app.screen.query_one(ConfirmStrip)
    await until(lambda: one.request is None or one._state.armed_at is not None)


@pytest.mark.parametrize("count", [240, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_s1_what_is_typed_as_a_strip_opens_never_acts(
    fleet: Any, until: Any, asked: list[StripRequest], count: int
) -> None:
    """Bursts of keys out of the whole keyboard behind one that opens a strip, while rows come and go."""
    chance, stir = random.Random(count), Stirring(fleet, count)
    keys = [*LETTERS, *NAMED, *PLAIN, *["y", "enter", "tab"] * 6]
    async with opened(fleet, until, (80, 24)) as (app, _):
        for _ in range(count // 40):
            stir.once()
            app.feed.poke()
            screen, opening = chance.choice(OPENING)
            await typed(app, until, screen)
            await typed(app, until, opening, *chance.choices(keys, k=38))
            # What is open closes: of keys that come later another test tells that they are of no use.
            await typed(app, until, "escape", "escape", "escape")
        assert app.is_running
    assert acts(fleet) == []
    assert len(asked) > count / 80


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_s1_no_key_but_the_right_one_acts(
    fleet: Any, until: Any, asked: list[StripRequest], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """One key after the other into strips that count each at once: `y` and Tab, without which no act can be confirmed,
    are the only ones that are left out."""
    for module in (strip, strip_state):
        monkeypatch.setattr(module, "ARM_S", 0.001)  # a timer of nothing would divide by it when it is late
    chance, stir = random.Random(count), Stirring(fleet, count)
    others = (*LETTERS.replace("y", ""), *(set(NAMED) - {"tab", "colon"}), *(set(PLAIN) - {"shift+tab"}))
    keys = [*sorted(others), *["enter", "space"] * 25]
    async with opened(fleet, until, (80, 24)) as (app, _):
        for _ in range(count // 5):
            stir.once()
            app.feed.poke()
            await typed(app, until, *chance.choice(OPENING))
            for name in chance.choices(keys, k=3):
                await painted(app, until)
                await typed(app, until, name)
            await typed(app, until, "escape", "escape")
        assert app.is_running
    assert acts(fleet) == []
    assert len(asked) > count / 15


# -- S2 ----------------------------------------------------------------------------------------------------------------


class Bound:
    """A door that grants what is asked for now and refuses what is not, as the watcher does."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.granted: list[tuple[str, str]] = []
        self.refused = 0

    def __call__(self, args: dict[str, Any]) -> dict[str, Any]:
        approval = self._world.store.reader.approval(args["approval"])
        if approval is None or approval.state != "requested" or approval.head_sha != args["head"]:
            self.refused += 1
            raise Conflict("CHANGED while you looked", "the head moved")
        self.granted.append((approval.id, approval.head_sha))
        return {}


@pytest.mark.parametrize("trials", [6, pytest.param(500, marks=pytest.mark.slow)])
async def test_s2_no_push_is_ever_approved_unseen(fleet: Any, until: Any, trials: int) -> None:
    """A push comes some instants before or after `y`: granted is only ever what was on the screen when `A` was pressed,
    and a strip that says CHANGED asks for nothing."""
    chance, stir, door = random.Random(trials), Stirring(fleet, trials, (1,)), Bound(fleet)
    fleet.answers["approve"] = door
    stir.pushed(1)
    granted = void = 0
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        for _ in range(trials):
            newest = fleet.store.reader.approvals(pr=1)[-1]
            await until(lambda newest=newest: app.picture.snapshot.card(newest.id) is not None)
            await app.open_approval(newest.id)
            await diff_shown(app, until)
            shown, before = (newest.id, newest.head_sha), len(door.granted) + door.refused
            await pilot.press("A")
            opened_strip = await armed(app, until)
            push_s, press_s = chance.choice([(0, 0.3), (0.02, 0.02), (0.05, 0), (0, 0)])
            pressed = asyncio.create_task(pressed_after(pilot, press_s, opened_strip))
            await asyncio.sleep(push_s)
            stir.pushed(1)
            app.feed.poke()
            was_void = await pressed
            await until(lambda strip=opened_strip: strip.request is None and not app.keyboard.busy)
            await until(lambda: not list(app.workers) or all(one.group != "acts" for one in app.workers))
            asked_for = len(door.granted) + door.refused - before
            assert asked_for <= 1
            assert not (was_void and asked_for)
            void += was_void
            assert set(door.granted[granted:]) <= {shown}
            granted = len(door.granted)
    assert {args["head"] for _, args in acts(fleet)} >= {head for _, head in door.granted}
    assert granted + door.refused + void == trials
    assert void


async def pressed_after(pilot: Any, seconds: float, one: ConfirmStrip) -> bool:
    """Press `y`; whether the strip was void by then."""
    await asyncio.sleep(seconds)
    if is_void(one):
        await asyncio.sleep(strip.ARM_S + 0.1)  # so that the key counts, and closes what is void
        await pilot.press("y")
        was_void = True
    else:
        await pilot.press("y")
        was_void = is_void(one)  # so late that the key was for what had just changed
    if one.request is not None:
        await pilot.press("escape")
    return was_void


def is_void(one: ConfirmStrip) -> bool:
    return one._state is not None and one._state.field == "changed"


async def test_s2_a_strip_that_became_void_says_why_and_asks_for_nothing(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await diff_shown(app, until)
        await pilot.press("A")
        await armed(app, until)
        fleet.add(ev.draft(ev.ApprovalVoided("apr-1-c", 1, "head moved"), "pr:1"))
        app.feed.poke()
        await until(lambda: "CHANGED while you looked" in text(app))
        await armed(app, until)
        await pilot.press("y", "y", "enter", "escape")
        await pilot.pause()
    assert acts(fleet) == []


# -- S3 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [3, pytest.param(60, marks=pytest.mark.slow)])
async def test_s3_the_approval_is_the_one_that_was_selected(fleet: Any, until: Any, trials: int) -> None:
    """Requests come and go above and below it twenty times a second."""
    for number in range(4, 12):
        fleet.add(*running(number, "spare", "developer", f"Noise {number}"))
        fleet.add(ev.draft(created(number), f"pr:{number}"))
    chance, stir = random.Random(trials), Stirring(fleet, trials, tuple(range(4, 12)))
    async with opened(fleet, until) as (app, pilot), stirred(app, stir.approval):
        for trial in range(trials):
            wanted = ("apr-1-c", "apr-2-c")[chance.randrange(2)]
            await app.open_approval(wanted)
            await diff_shown(app, until)
            await pilot.press("A")
            rows = stir.rows
            await armed(app, until)
            await until(lambda rows=rows: stir.rows > rows + 2)
            await pilot.press("y")
            await until(lambda trial=trial: len(acts(fleet)) > trial)
            assert acts(fleet)[-1][1]["approval"] == wanted
    assert len(acts(fleet)) == trials


def created(number: int) -> ev.PullRequestCreated:
    name, run = f"Noise {number}", f"run-spare-{number}"
    return ev.PullRequestCreated(
        number, number, name, "Why.", f"agent/{number}-work", "main", "spare", run, "a" * 40, "b" * 40, 2, 3, 1
    )


@pytest.mark.parametrize("trials", [1, pytest.param(40, marks=pytest.mark.slow)])
async def test_s3_the_agent_and_the_alarm_are_those_that_were_selected(fleet: Any, until: Any, trials: int) -> None:
    """Agents come and go in front of the one on the wall, and alarms above the one in their list."""
    stir, chance = Stirring(fleet, trials), random.Random(trials)
    usual = {**dict.fromkeys(("dev-1", "dev-2", "dev-3", "spare"), "developer"), "rev": "reviewer"}

    def once() -> None:
        guests = dict.fromkeys((f"a-guest-{one}" for one in range(chance.randrange(3))), "developer")
        fleet.add(config({**guests, **usual}))
        stir.alarm()

    fleet.add(ev.draft(ev.AlarmRaised("alm-2", "gates", 2, "gate slow", "look", "agent:dev-1"), "agent:dev-1"))
    async with opened(fleet, until) as (app, pilot), stirred(app, once):
        for _ in range(trials):
            fleet.calls.clear()
            await pilot.press("1")
            app.screen.query_one(PaneWall).select("dev-2")
            await pilot.press("Q")
            await armed(app, until)
            await pilot.press("y")
            await until(lambda: bool(acts(fleet)))
            assert [args["agent"] for _, args in acts(fleet)] == ["dev-2"]
            await app.open_alarm("alm-2")
            await until(lambda: app.screen.row() is not None and app.screen.row().alarm.id == "alm-2")
            await pilot.press("s", *"2h known", "enter")
            if app.screen.query_one(ConfirmStrip).request is not None:
                await armed(app, until)
                await pilot.press("enter")
            await until(lambda: any(op == "shelve" for op, _ in fleet.calls))
            assert [args["alarm"] for op, args in fleet.calls if op == "shelve"] == ["alm-2"]


# -- S6, S7 ------------------------------------------------------------------------------------------------------------

CAPITALS = sorted({key.keys.split(",")[0] for key in KEYS if key.acts})


async def test_s6_no_capital_works_ten_seconds_after_the_last_answer(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await diff_shown(app, until)
        await fleet.server.close()
        fleet.server = None
        fleet.offset_ns = 4_000_000_000
        app.feed.poke()
        await until(lambda: app.picture.health.missed > 0)
        app.screen.tick()
        assert "data 4s!" in text(app)
        fleet.offset_ns = 10_000_000_000
        app.screen.tick()
        assert "FROZEN: LAST DATA" in text(app)
        assert "WATCHER DOWN" in text(app)
        for screen in ("2", "3", "4", "5", "6", "8", "1", "enter"):
            await pilot.press(screen)
            one = app.screen.query_one(ConfirmStrip)
            for capital in CAPITALS:
                app.screen.said = None
                await pilot.press(capital)
                assert one.request is None, (screen, capital)
                assert "off: the watcher has not answered for 10 s" in app.message or "nothing here" in app.message
    assert acts(fleet) == []


async def test_s6_what_was_asked_before_the_watcher_died_is_not_sent_after(fleet: Any, until: Any) -> None:
    """The watcher is back at its door, and the room does not know it yet."""
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("Q")
        await armed(app, until)
        await fleet.server.close()
        fleet.offset_ns = 10_000_000_000
        app.feed.poke()
        await until(lambda: app.picture.health.missed > 0)
        app.feed.stop()
        await fleet.serve()
        await pilot.press("y")
        await until(lambda: "off: the watcher has not answered" in app.message)
    assert acts(fleet) == []


async def test_s7_who_decides_second_is_told_who_was_first(fleet: Any, until: Any) -> None:
    fleet.answers["approve"] = Conflict("already decided", "rejected by operator:rk 4 s ago")
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2")
        await diff_shown(app, until)
        await pilot.press("A")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: app.message.startswith("CHANGED while you looked: rejected by operator:rk 4 s ago"))
        assert "Nothing was done to PR 1" in app.message


# -- S9 ----------------------------------------------------------------------------------------------------------------

SIZES = ((60, 16), (200, 60), (80, 24), (300, 90), (40, 10), (120, 40), (61, 17), (20, 5))


async def test_s9_no_draft_is_lost_to_the_clock_or_the_window(fleet: Any, until: Any) -> None:
    """A message and the reason of a strip, through jumps of the clock in both directions and a storm of sizes."""
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("m", *"keep this")
        for at, (width, height) in enumerate(SIZES * 2):
            fleet.offset_ns = (-1) ** at * at * HOUR_NS
            app.feed.poke()
            await pilot.resize_terminal(width, height)
            await pilot.press(*f" {at}")
        composer = app.screen.query_one(Composer)
        assert composer.draft == "keep this" + "".join(f" {at}" for at in range(len(SIZES) * 2))
        await pilot.press("escape", "m")
        assert composer.draft.endswith(" 15")
        await pilot.press("escape")
        fleet.offset_ns = 0
        await pilot.resize_terminal(80, 24)  # where there is no room for a strip, its keys never count
        await until(lambda: not app.why_off)
        await pilot.press("X")
        await armed(app, until)
        await pilot.press("tab", *"too slow")
        for at, (width, height) in enumerate(SIZES):
            fleet.offset_ns = (-1) ** at * at * HOUR_NS
            await pilot.resize_terminal(width, height)
        one = app.screen.query_one(ConfirmStrip)
        assert one.request is not None
        assert one._state.reason == "too slow"
    assert acts(fleet) == []


# -- S8 ----------------------------------------------------------------------------------------------------------------

NEVER = sorted(FORBIDDEN | {"shift+enter", "alt+a", "alt+enter", "ctrl+shift+a", "meta+x"})


async def test_s8_no_forbidden_key_is_bound_by_anything_that_may_have_the_keys(fleet: Any, until: Any) -> None:
    """The table, Textual's own bindings and those of every widget that can have the focus, fields of text aside: there
    the keys only edit."""
    async with opened(fleet, until) as (app, pilot):
        for screen in ("1", "2", "3", "4", "5", "6", "8", "1", "enter", "question_mark"):
            await pilot.press(screen)
            nodes = [app, app.screen, *(one for one in app.screen.query("*") if one.focusable)]
            bound = {
                (type(node).__name__, name)
                for node in nodes
                for name in node._bindings.key_to_bindings
                if not isinstance(node, Input | TextArea) and name in NEVER
            }
            assert bound == set()
            before = place_of(app)
            await typed(app, until, *NEVER)
            assert place_of(app) == before
    assert {op for op, _ in fleet.calls} <= READS


def place_of(app: Any) -> tuple[str, str, Any]:
    """What would differ if a key had done something."""
    return app.current_mode, type(app.screen).__name__, app.screen.focused


# -- S4 ----------------------------------------------------------------------------------------------------------------

STEERING = "\x1b]52;c;b3duZWQ=\x07\x1b[2J\x1b[31m\x9b31m\x9d0;OWNED\x9c\u202edrowssap\u2066\u200b[@click=app.exit]x[/]"
WIDE = "你好😀👩‍👩‍👧ｆｕｌｌé"
LONG = (STEERING + WIDE) * 100 + "z" * 100_000
SHORTER = LONG[:8_000]
"""What an event may hold."""


def is_in_order(app: Any, width: int) -> None:
    """Every row is as wide as the terminal, and nothing on it steers anything."""
    rows = app.screen._compositor.render_strips(app.screen.size)
    assert [row.cell_length for row in rows] == [width] * len(rows)
    shown = "".join(row.text for row in rows)
    assert not set(shown) & set("\x1b\x07\x9b\x9d\u202e\u2066\u200b"), "something steers"
    assert not any(segment.style and segment.style.meta.get("@click") for row in rows for segment in row)


@pytest.mark.parametrize("size", [(60, 16), (121, 40)])
async def test_s4_lines_of_a_hundred_thousand_characters_stay_in_their_place(
    fleet: Any, until: Any, text: Any, size: tuple[int, int]
) -> None:
    """In a diff, a pane, a pull request, a question, an alarm, and what is pasted."""
    assert len(LONG) > 100_000
    hunk = {
        "header": f"@@ -1 +1 @@ {SHORTER}",
        "lines": [["+", None, 1, LONG], ["-", 1, None, WIDE], [" ", 2, 2, "\t\t"]],
    }
    file = {"path": f"src/{LONG[:4000]}.py", "old_path": None, "status": "M", "added": 1, "deleted": 1, "binary": False,
            "hunks": [hunk]}  # fmt: skip
    fleet.answers["diff"] = {"files": [file], "truncated": False}
    fleet.add(
        ev.draft(ev.Blocker("qst-1", SHORTER, "run-dev-1-1", "dev-1", ticket=1), "ticket:1"),
        ev.draft(ev.AlarmRaised("alm-9", "gates", 1, SHORTER, SHORTER, "agent:dev-1"), "agent:dev-1"),
        ev.draft(ev.TicketChanged(2, SHORTER, SHORTER, "0" * 64, [], [], 0), "ticket:2"),
        ev.draft(ev.Note(SHORTER, run="run-dev-1-1"), "run:run-dev-1-1"),
    )
    pane = tuple((Span(f"{WIDE * at}{STEERING}"),) for at in range(24))
    async with opened(fleet, until, size) as (app, pilot):
        app.screen.show_pane("pane-dev-1", pane, 0, (80, 24))
        for keys in ("", "1", "w", "2", "}", "A", "escape", "R", "escape", "3", "4", "5", "k", "enter", "6"):
            await typed(app, until, *([keys] if keys else []))
            if keys == "2":
                await until(lambda: bool(app.screen.diff.files))
            if keys == "R":
                app.post_message(events.Paste(LONG))
            await pilot.pause()
            is_in_order(app, size[0])
        await app.open_agent("dev-1")
        await pilot.pause()
        app.screen.show_pane("pane-dev-1", pane, 0, (80, 24))
        await typed(app, until, "m")
        app.post_message(events.Paste(LONG))
        await until(lambda: "x[/]" in app.screen.query_one(Composer).draft)
        await pilot.pause()
        is_in_order(app, size[0])
    assert acts(fleet) == []
