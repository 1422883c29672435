"""What live frames cost: no more captures, frames and processes than changes, and never at the agents' expense."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from fleet_tui.tmux import floods, frames, signals
from fleet_tui.tmux.link import Command, Link, Reply
from fleet_tui.tmux.server import TmuxServer
from tests.tmux.frames_support import ALL, Watch, paint, painter
from tests.tmux.tmux_support import python, until


async def test_no_process_is_started_in_steady_state(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    panes = [await painter(tmux, number) for number in range(3)]
    info = await tmux.alive()
    assert info is not None
    ticker = await tmux.spawn(
        "run-t",
        python("import time\nfor n in range(10000): print(n, flush=True); time.sleep(0.02)"),
        cwd=Path("/"),
        uuid="uuid-tick",
    )
    seen = watch({pane.uuid: ALL for pane in (*panes, ticker)})
    await until(lambda: len(seen.frames(ticker.uuid)) > 3)
    started: list[object] = []

    def counted(*arguments: object, **_: object) -> None:
        started.append(arguments)
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", counted)
    monkeypatch.setattr(os, "posix_spawn", counted)
    ours = {child.pid for child in psutil.Process().children(recursive=True)}
    theirs = {child.pid for child in psutil.Process(info.pid).children(recursive=True)}
    before = len(seen.frames(ticker.uuid))
    await until(lambda: len(seen.frames(ticker.uuid)) > before + 20)
    assert started == []
    assert {child.pid for child in psutil.Process().children(recursive=True)} == ours
    assert {child.pid for child in psutil.Process(info.pid).children(recursive=True)} == theirs


async def test_nothing_is_asked_while_nothing_changes(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = await painter(tmux, 1)
    seen = watch({pane.uuid: ALL})
    await paint(tmux, pane, 0, "before")
    await seen.shows(pane.uuid, b"before")
    turns = 0
    take = signals.PushSignal.dirty

    async def counted(self: signals.PushSignal) -> frozenset[str]:
        nonlocal turns
        turns += 1
        return await take(self)

    monkeypatch.setattr(signals.PushSignal, "dirty", counted)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.6):
            await asyncio.Event().wait()  # quiet time is what is measured here
    assert turns <= 5  # the tail of the change before; at thirty a second it would be eighteen
    await paint(tmux, pane, 0, "after")
    await seen.shows(pane.uuid, b"after")


async def test_a_flood_is_shown_a_few_times_a_second_and_to_its_end(
    tmux: TmuxServer, watch: Watch, short_dir: Path
) -> None:
    code = (
        "import pathlib\nn = 0\n"
        "while n % 1000 or not pathlib.Path('enough').exists():\n n += 1\n print('line %d' % n)\n"
        "print('the last line', flush=True)\npathlib.Path('done').touch()\ninput()\n"
    )
    flood = await tmux.spawn("run-1", python(code), cwd=short_dir, uuid="uuid-0001")
    calm = await painter(tmux, 2)
    seen = watch({flood.uuid: ALL, calm.uuid: ALL})
    await until(lambda: len(seen.frames(flood.uuid)) >= 10)
    before, started = len(seen.frames(flood.uuid)), time.monotonic()
    for step in range(5):
        await paint(tmux, calm, step, f"step {step}")
        await seen.shows(calm.uuid, b"step %d" % step)
    await until(lambda: len(seen.frames(flood.uuid)) >= before + 10)
    (short_dir / "enough").touch()
    await until((short_dir / "done").exists)
    frames_shown = len(seen.frames(flood.uuid)) - before
    assert frames_shown <= floods.FLOOD_FPS * (time.monotonic() - started) + 2
    await seen.shows(flood.uuid, b"the last line")


async def test_one_capture_for_each_changed_screen(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    panes = [await painter(tmux, number) for number in range(4)]
    seen = watch({pane.uuid: ALL for pane in panes})
    await until(lambda: len(seen.frames()) >= 4)
    captures, send = 0, Link.send

    def counted(self: Link, commands: Sequence[Command]) -> list[asyncio.Future[Reply]]:
        nonlocal captures
        captures += sum(command.words[0] == "capture-pane" for command in commands)
        return send(self, commands)

    monkeypatch.setattr(Link, "send", counted)
    monkeypatch.setattr(frames, "WATCHDOG_S", 3600.0)
    before = len(seen.frames())
    for step in range(80):
        await paint(tmux, panes[step % 4], step % 10, f"step {step}")
        await seen.shows(panes[step % 4].uuid, b"step %d" % step)
    shown = len(seen.frames()) - before
    assert shown >= 80
    assert captures <= 1.1 * shown


async def test_no_more_frames_than_asked_for(tmux: TmuxServer, watch: Watch) -> None:
    argv = ("sh", "-c", "n=0; while :; do n=$((n+1)); echo $n; done")
    pane = await tmux.spawn("run-1", argv, cwd=Path("/"), uuid="uuid-0001", width=40, height=5)
    seen = watch({pane.uuid: ALL}, max_fps=10.0)
    await until(lambda: len(seen.frames()) >= 2)
    begin, count = time.monotonic(), len(seen.frames())
    await until(lambda: len(seen.frames()) >= count + 8)
    assert time.monotonic() - begin >= 0.69  # eight frames at ten a second, less one for where the count began
    seen.source.max_fps = 1000.0
    count = len(seen.frames())
    await until(lambda: len(seen.frames()) >= count + 8)


async def test_a_room_that_reads_nothing_does_not_make_the_server_grow(tmux: TmuxServer, watch: Watch) -> None:
    panes = [await painter(tmux, number) for number in range(3)]
    async with Link(tmux) as commands, Link(tmux) as waiting:
        stopped = signals.PushSignal(commands, waiting)
        assert await stopped.open()
        other = watch({pane.uuid: ALL for pane in panes})
        for step in range(30):
            await paint(tmux, panes[step % 3], 1, f"step {step}")
            await other.shows(panes[step % 3].uuid, b"step %d" % step)
        noted = (await commands.command("display-message", "-p", f"#{{{stopped._option}}}"))[0]
        assert sorted(noted.split()) == sorted(set(noted.split()))
        assert len(await stopped.dirty()) >= 3
        await stopped.close()


async def test_what_nobody_told_of_is_found_without_capturing_all(
    tmux: TmuxServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "WATCHDOG_S", 0.05)
    monkeypatch.setattr(frames, "SHARED_S", 0.05)
    panes = [await painter(tmux, number) for number in range(6)]
    seen = watch({pane.uuid: ALL for pane in panes})
    await until(lambda: len(seen.frames()) >= 6)
    captured: list[str] = []
    rounds = 0
    send = Link.send

    def noted(self: Link, commands: Sequence[Command]) -> list[asyncio.Future[Reply]]:
        nonlocal rounds
        caught = [str(c.words[-1]) for c in commands if c.words[0] == "capture-pane"]
        captured.extend(caught)
        rounds = 0 if caught else rounds + sum(c.words[0] == "list-windows" for c in commands)
        return send(self, commands)

    monkeypatch.setattr(Link, "send", noted)
    # Panes that were captured in the second of their output are looked at once more; then they are known to rest.
    await until(lambda: rounds >= 10)
    captured.clear()
    await tmux.run("set-option", "-wg", "monitor-activity", "off")
    await paint(tmux, panes[2], 3, "unheard")
    await seen.shows(panes[2].uuid, b"unheard")
    assert set(captured) == {panes[2].pane_id}


async def test_stopped_clients_do_not_stall_a_bursting_agent(tmux: TmuxServer, watch: Watch, short_dir: Path) -> None:
    code = (
        "import sys, pathlib\nsys.stdin.readline()\n"
        "for n in range(60000): print('%d ' % n + 'x' * 100)\n"
        "pathlib.Path('done').touch()\nsys.stdin.readline()\n"
    )
    pane = await tmux.spawn("run-1", python(code), cwd=short_dir, uuid="uuid-0001")
    seen = watch({pane.uuid: ALL})
    await until(lambda: seen.frames())
    info = await tmux.alive()
    assert info is not None
    clients = [int(pid) for pid in (await tmux.run("list-clients", "-F", "#{client_pid}")).out.split()]
    assert len(clients) == 2
    for pid in clients:
        os.kill(pid, signal.SIGSTOP)
    seen.source.pause()
    try:
        before = psutil.Process(info.pid).memory_info().rss
        await tmux.run("send-keys", "-t", pane.pane_id, "Enter")
        await until((short_dir / "done").exists)
        grown = psutil.Process(info.pid).memory_info().rss - before
        assert grown < 8_000_000  # 6 MB of output; its history of 5000 lines is kept, the rest must not be
    finally:
        for pid in clients:
            os.kill(pid, signal.SIGCONT)
    seen.source.resume()
    await seen.shows(pane.uuid, b"59999 ")
