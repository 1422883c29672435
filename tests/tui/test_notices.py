"""Notices outside the room: in which bytes, when and how often; on a real terminal, and through a real tmux."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.live.terminal import Terminal
from fleet_tui.domain import events as ev
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel import bell
from fleet_tui.readmodel.values import NeedItem, NeedKind
from fleet_tui.tui.notices import passes_through
from fleet_tui.tui.present.notices import notice, sequence

ROOT = Path(__file__).parents[2]
ROOM = """
import os, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {widgets!r}]
from fleet_tui.tui import launch
launch.prepare_environment(os.environ)
from fleet_tui.readmodel import bell
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.theme import choose
from fleet_tui.tui import notices
bell.GRACE_NS = notices.PAUSE_NS = 0
look = choose("grey", os.environ)
database, socket, notify = sys.argv[1:]
sys.exit(launch.run(RoomContext(Path(database), Path(socket), "none", look, "shop", live=False, notify=notify)))
"""
SECRET = "key sk-12345 \x1b]0;x\x07; in a diff"


def need(name: str, priority: int = 1, kind: NeedKind = NeedKind.ALARM, agent: str | None = "dev-3") -> NeedItem:
    return NeedItem(kind, name, priority, agent, one_line(SECRET), 1, None)


def test_the_text_is_plain_short_and_without_titles() -> None:
    assert notice("shop", [need("a")], watcher_away=False) == "fleet shop: alarm P1, dev-3"
    held = need("h", kind=NeedKind.HELD)
    two = [held, need("q", 3, NeedKind.QUESTION), need("b", 2)]
    assert notice("shop", two, watcher_away=False) == "fleet shop: question, dev-3 (2 needs)"
    assert notice("shop", [], watcher_away=True) == "fleet shop: the watcher does not answer"
    wild = notice("a;b\x1b[31m\x07ü" + "x" * 200, two, watcher_away=False)
    assert len(wild) == 80
    assert wild.startswith("fleet a_b_x")
    assert wild.isascii()
    assert not set(wild) & set(";\x1b\x07")


def test_the_bytes() -> None:
    assert sequence("osc9", "fleet: x", in_tmux=False) == "\x1b]9;fleet: x\x07"
    assert sequence("osc777", "fleet: x", in_tmux=False) == "\x1b]777;notify;fleet;fleet: x\x07"
    assert sequence("osc9", "a\x1b\\b;c", in_tmux=True) == "\x1bPtmux;\x1b\x1b]9;ab_c\x07\x1b\\"


@pytest.fixture
def no_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setattr(bell, "GRACE_NS", 0)


@pytest.mark.usefixtures("no_tmux")
async def test_nobody_is_told_of_what_he_looks_at_and_nothing_twice_within_a_while(fleet: Any, until: Any) -> None:
    app = fleet.room(notify="osc9", repository="shop")
    app.notices.looking = True
    async with app.run_test(size=(120, 40)):
        sent: list[str] = []
        app._driver.write = lambda text: sent.append(text) if "]9;" in text else None
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        fleet.offset_ns += 3_000_000_000
        app._tick()
        await app.workers.wait_for_complete([w for w in app.workers if w.group == "notices"])
        assert sent == [], "the person looks"
        app.on_app_blur()
        fleet.add(ev.draft(ev.AlarmRaised("alm-7", "secrets", 1, SECRET, "look", "agent:spare"), "agent:spare"))
        app.feed.poke()
        await until(lambda: len(sent) == 1)
        assert sent == ["\x1b]9;fleet shop: alarm P1, dev-3 (4 needs)\x07"]
        fleet.add(ev.draft(ev.AlarmRaised("alm-8", "secrets", 1, SECRET, "look", "agent:rev"), "agent:rev"))
        app.feed.poke()
        await until(lambda: app.picture.snapshot.summary.needs == 5)
        app._tick()
        assert len(sent) == 1, "not so soon"


async def test_without_the_setting_nothing_is_sent(fleet: Any, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "GRACE_NS", 0)
    app = fleet.room()
    async with app.run_test(size=(120, 40)):
        sent: list[str] = []
        app._driver.write = lambda text: sent.append(text) if "\x1b]" in text else None
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        app._tick()
        assert await app.notices.test() == "off: set ui.notify to osc9 or osc777"
    assert sent == []


async def shown(terminal: Terminal, text: bytes, limit_s: float = 40) -> None:
    deadline_s = time.monotonic() + limit_s
    while text not in terminal.written:
        assert time.monotonic() < deadline_s, terminal.written[-2000:]
        await asyncio.sleep(0.02)


def argv(fleet: Any, protocol: str) -> list[str]:
    code = ROOM.format(root=str(ROOT), widgets=str(ROOT / "widgets"))
    return [sys.executable, "-c", code, str(fleet.directory / "fleet.db"), str(fleet.socket), protocol]


async def test_on_a_real_terminal_by_its_focus(fleet: Any) -> None:
    terminal = Terminal((120, 40))
    terminal.open(argv(fleet, "osc777"), {name: v for name, v in os.environ.items() if not name.startswith("TMUX")})
    try:
        await shown(terminal, b"\x1b]777;notify;fleet;fleet shop: alarm P1, dev-3 (3 needs)\x07")
        terminal.press("\x1b[I")  # the terminal has the focus
        terminal.press("ä")
        await shown(terminal, "ä: does nothing".encode())
        fleet.add(ev.draft(ev.AlarmRaised("alm-7", "secrets", 1, SECRET, "look", "agent:spare"), "agent:spare"))
        terminal.press("3")
        await shown(terminal, b"sk-12345")
        assert terminal.written.count(b"\x1b]777") == 1
        terminal.press("\x1b[O")
        terminal.press("ö")
        await shown(terminal, "ö: does nothing".encode())
        fleet.add(ev.draft(ev.AlarmRaised("alm-8", "secrets", 1, SECRET, "look", "agent:rev"), "agent:rev"))
        await shown(terminal, b"(5 needs)\x07")
    finally:
        await terminal.close()


@pytest.fixture
def tmux() -> Iterator[str]:
    """The socket name of a person's own tmux."""
    name = f"fleet-notices-{secrets.token_hex(4)}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("allowed", ["on", "off"])
async def test_through_a_real_tmux_only_where_it_is_allowed(fleet: Any, tmux: str, allowed: str) -> None:
    (fleet.directory / "tmux.conf").write_text(f"set -g allow-passthrough {allowed}\nset -g status off\n")
    outer = ["tmux", "-L", tmux, "-f", str(fleet.directory / "tmux.conf"), "new-session", "-x", "120", "-y", "40"]
    terminal = Terminal((120, 40))
    terminal.open([*outer, *argv(fleet, "osc9")], {n: v for n, v in os.environ.items() if not n.startswith("TMUX")})
    try:
        if allowed == "on":
            await shown(terminal, b"\x1b]9;fleet shop: alarm P1, dev-3 (3 needs)\x07")
            return
        await shown(terminal, b"dev-2")
        terminal.press(":notify test\r")
        await shown(terminal, b"allow-passthrough on")
        assert b"\x1b]9;" not in terminal.written
    finally:
        await terminal.close()


async def test_no_tmux_hands_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not await passes_through("%0")
