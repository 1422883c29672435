"""`y` and what follows: what can be copied, where it went, and no word more than is known."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui import clipboard
from fleet_tui.tui.clipboard import MOST_BYTES, Ground, Route, Way, Went, sequence
from fleet_tui.tui.present.copying import diagnosis, told
from fleet_tui.tui.saving import write_private
from fleet_widgets.key_menu import KeyMenu
from fleet_widgets.strip import ConfirmStrip


@asynccontextmanager
async def opened(
    world: Any, until: Any, saved: Path | None, size: tuple[int, int] = (120, 40), ways: tuple[Way, ...] = (Way.FILE,)
) -> AsyncIterator[tuple[Any, Any]]:
    app = world.room(copy_to=ways, saved=saved)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.pause()
        yield app, pilot


async def copied(app: Any, pilot: Any, until: Any, *keys: str) -> str:
    """What lies in the file when the line says where the copy went."""
    await pilot.press(*keys)
    await until(lambda: "file " in app.message or "saved/clip" in app.message)
    return str((app.context.saved / "clip").read_text())


async def test_u16_two_keys_copy_and_the_line_says_where(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        assert await copied(app, pilot, until, "y", "b") == "agent/1-work"
        assert app.message == f"branch agent/1-work: file {tmp_path}/clip"
        assert (tmp_path / "clip").stat().st_mode & 0o777 == 0o600


HOLDS = (
    ("1", "i", "dev-1"),
    ("1", "u", "/w"),
    ("1", "c", "fleet agent attach dev-1"),
    ("1", "a", "P1 dev-3 secret pattern in a diff; do: quarantine the agent"),
    ("1", "s", "1 WALL"),
    ("2", "h", "c" * 40),
    ("2", "n", "PR 1"),
    ("2", "c", "fleet approval show 1"),
    ("3", "a", "if left"),
    ("3", "i", "alm-1"),
    ("4", "n", "#"),
    ("5", "j", '"kind": "'),
    ("6", "i", "agent:"),
    ("8", "d", "copy       file: "),
    ("1 enter", "f", "ticket"),
)


async def test_every_screen_has_its_own(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        for go, key, holds in HOLDS:
            await pilot.press(*go.split(), "y", key)
            await until(lambda: f"file {tmp_path}/clip" in app.message)
            assert holds in (tmp_path / "clip").read_text(), (go, key)
            app.say("", "quiet")


async def test_a_diff_is_copied_as_it_was_shown(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        await pilot.press("2")
        await until(lambda: bool(app.screen.diff.files))
        text = await copied(app, pilot, until, "y", "d")
    assert text.startswith("=== src/keys.py (M)\n@@ -1,2 +1,3 @@ def rotate():\n def rotate():\n-    return keys[0]\n")
    assert text.endswith("+assert rotate() == 1<U+202E>\n")


async def test_another_key_copies_nothing_and_does_nothing_else(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        before = app.screen.focused
        for key in ("Q", "exclamation_mark", "8", "escape"):
            await pilot.press("y")
            assert app.screen.query_one(KeyMenu).has_focus
            await pilot.press(key)
            await until(lambda: app.message.startswith("nothing was copied"))
            assert app.screen.query_one(ConfirmStrip).request is None
            assert (app.current_mode, app.screen.focused) == ("wall", before)
    assert not (tmp_path / "clip").exists()


async def test_what_is_copied_is_what_the_menu_was_opened_on(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        await pilot.press("2", "y")
        fleet.add(ev.draft(ev.ApprovalVoided("apr-1-c", 1, "head moved"), "pr:1"))
        await until(lambda: app.picture.snapshot.card("apr-1-c") is None)
        assert await copied(app, pilot, until, "i") == "apr-1-c"


async def test_foreign_text_is_cleaned_on_its_way_out(world: Any, until: Any, tmp_path: Path) -> None:
    from tests.tui.conftest import config, running

    world.add(config({"dev-1": "developer"}))
    world.add(*running(1, "dev-1", "developer", "Pay\x1b]52;c;ZXZpbA==\x07 \u202eEvil"))
    async with opened(world, until, tmp_path) as (app, pilot):
        assert await copied(app, pilot, until, "y", "t") == "Pay Evil"


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_all_choices_are_in_sight(fleet: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    async with opened(fleet, until, None, size) as (app, pilot):
        await pilot.press("2")
        await until(lambda: bool(app.screen.diff.files))
        body = text(app).splitlines()
        await pilot.press("y")
        await until(lambda: text(app).splitlines()[-2].startswith("copy "))
        rows = text(app).splitlines()
        menu = " ".join(rows[-2:]).split()
        assert {"y", "i", "n", "u", "b", "h", "t", "d", "f", "c", "s"} <= set(menu)
        moved = [row for row, (was, now) in enumerate(zip(body, rows, strict=True)) if _still(was) != _still(now)]
        assert moved == [len(rows) - 2, len(rows) - 1]  # nothing else


def _still(row: str) -> str:
    """Without the mark of the focus, ages and counts."""
    return re.sub(r"\d+", "0", row[1:])


async def test_a_file_that_cannot_be_written_is_told(fleet: Any, until: Any, tmp_path: Path) -> None:
    (tmp_path / "saved").write_text("a file where a directory should be")
    async with opened(fleet, until, tmp_path / "saved") as (app, pilot):
        await pilot.press("y", "b")
        await until(lambda: "not in" in app.message)
        assert app.message.endswith("saved/clip: File exists")
        assert app.screen.said.style == "warn"


async def test_nothing_is_claimed_where_nothing_is_set(fleet: Any, until: Any) -> None:
    async with opened(fleet, until, None, ways=()) as (app, pilot):
        await pilot.press("y", "b")
        await until(lambda: "not copied" in app.message)
        assert "ui.copy_to" in app.message


async def test_a_copy_from_a_field_goes_the_same_ways(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (_, pilot):
        await pilot.press("slash", "d", "e", "v", "shift+home", "ctrl+c")
        await until(lambda: (tmp_path / "clip").exists())
        assert (tmp_path / "clip").read_text() == "dev"


# -- the ways ----------------------------------------------------------------------------------------------------------

IN_TMUX = Ground("tmux-256color", in_tmux=True, version="3.3a", client="xterm-256color", prefix="C-b")


@pytest.mark.parametrize(
    ("ground", "route"),
    [
        (Ground("xterm-256color"), Route.PLAIN),
        (Ground("tmux-256color"), Route.PLAIN),  # over ssh from within a tmux: that one may be set to pass it on
        (Ground("linux"), Route.NONE),
        (Ground("screen", in_screen=True), Route.NONE),
        (Ground("tmux", in_tmux=True, features=frozenset({"clipboard"}), passthrough=True), Route.BUFFER),
        (Ground("tmux", in_tmux=True, passthrough=True), Route.WRAPPED),
        (IN_TMUX, Route.NONE),
    ],
)
def test_the_way_to_the_terminal_is_the_one_that_has_a_chance(ground: Ground, route: Route) -> None:
    assert ground.route is route


async def test_what_is_too_long_for_a_terminal_is_not_sent() -> None:
    sent: list[str] = []

    def write(text: str) -> bool:
        sent.append(text)
        return True

    fits, more = "x" * MOST_BYTES, "x" * MOST_BYTES + "y"
    (went,) = await clipboard.copy(fits, [Way.TERMINAL], Ground("xterm"), write, None)
    assert went.ok
    assert len(sent[0]) == 100_000
    (went,) = await clipboard.copy(more, [Way.TERMINAL], Ground("xterm"), write, None)
    assert (went.ok, len(sent)) == (False, 1)
    assert went.text == "not sent to the terminal: 75 kB are more than the terminal's 74"


async def test_nothing_goes_to_a_terminal_that_another_program_has(fleet: Any, until: Any) -> None:
    async with opened(fleet, until, None, ways=(Way.TERMINAL,)) as (app, pilot):
        sent: list[str] = []
        app.send = sent.append
        app.handed_over = True
        await pilot.press("y", "b")
        await until(lambda: "another program has it" in app.message)
        app.handed_over = False
        await pilot.press("y", "b")
        await until(lambda: "cannot be verified" in app.message)
        assert len(sent) == 1


def test_a_sequence_holds_nothing_but_letters_of_base64() -> None:
    plain = sequence("a\x1b]0;x\x07 ü")
    assert base64.b64decode(plain.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode() == "a\x1b]0;x\x07 ü"
    assert sequence("a", wrapped=True) == "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


SENT = Went(Way.TERMINAL, True, "sent to the terminal, cannot be verified", "terminal (unverified)")
KEPT = Went(Way.TMUX, True, "tmux buffer, C-b ] pastes", "tmux (C-b ])")
FILED = Went(
    Way.FILE, True, "file ~/.local/state/fleet/shop-1f3a9c2b/saved/clip", "~/.local/state/fleet/shop/saved/clip"
)
LOST = Went(Way.TERMINAL, False, "not sent to the terminal: no", "not sent to the terminal")


def test_the_line_claims_what_is_proved_and_fits() -> None:
    wide, style = told("branch", "agent/1", [SENT, KEPT, FILED], 200)
    assert wide == f"branch agent/1: {SENT.text}; {KEPT.text}; {FILED.text}"
    assert style == "normal"
    narrow, _ = told("branch", "agent/1", [SENT, KEPT, FILED], 80)
    assert narrow == "branch: terminal (unverified), tmux (C-b ]), ~/.local/state/fleet/shop/saved/clip"
    assert "copied" not in wide + narrow
    assert told("pane", "a\nb\nc\n", [LOST, KEPT], 120) == (f"pane, 3 lines: {KEPT.text}; {LOST.text}", "normal")
    assert told("pane", "a", [LOST], 120)[1] == "warn"


def test_the_diagnosis_says_what_is_missing() -> None:
    ways = tuple(Way)
    assert diagnosis(ways, Ground("xterm"), "/x/clip") == (
        "terminal: sent by OSC 52, up to 74 kB, not verifiable",
        "tmux: the room runs in none",
        "file: /x/clip",
    )
    terminal, tmux, _ = diagnosis(ways, IN_TMUX, "")
    assert terminal.startswith(
        "terminal: nothing is sent: tmux knows of no clipboard of xterm-256color; in tmux.conf: set"
    )
    assert tmux == "tmux: 3.3a, on xterm-256color; C-b ] pastes"
    assert "set-clipboard on" in diagnosis([Way.TERMINAL], Ground("screen-256color"), "")[0]
    assert diagnosis((), Ground("xterm"), "") == ("off: ui.copy_to is empty",)


async def test_a_tmux_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path}/none,1,0")
    ground = await clipboard.look({"TMUX": f"{tmp_path}/none,1,0", "TERM": "tmux"})
    assert ground.route is Route.NONE
    assert "none" in ground.trouble
    went = await clipboard.copy("x", tuple(Way), ground, lambda _: True, None)
    assert [one.ok for one in went] == [False, False]


def test_a_file_is_replaced_whole_and_never_through_a_link(tmp_path: Path) -> None:
    mine, other = tmp_path / "new" / "clip", tmp_path / "other"
    write_private(mine, "one")
    assert mine.parent.stat().st_mode & 0o777 == 0o700
    other.write_text("theirs")
    mine.unlink()
    mine.symlink_to(other)
    write_private(mine, "two")
    assert (mine.read_text(), other.read_text(), mine.is_symlink()) == ("two", "theirs", False)
    assert [path.name for path in mine.parent.iterdir()] == ["clip"]
