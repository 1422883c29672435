"""The demo with its room: another terminal finds it, leaving says what becomes of it, and what was saved is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.live.terminal import Terminal
from fleet_tui.tmux import proctree
from fleet_tui.tmux.records import RunnerRecord, read_runner
from tests.e2e.e2e_support import Done, Place

pytestmark = pytest.mark.slow
LIMIT_S = 120


async def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "not within the limit"
        await asyncio.sleep(0.05)


async def test_a_second_terminal_a_handover_and_the_way_out(bare: Place) -> None:
    here, elsewhere = bare.root / "here", bare.root / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()

    async def beside(*words: str) -> Done:
        return await asyncio.to_thread(bare.run, *words, cwd=elsewhere)

    assert "no demo runs" in (await beside("--demo", "status")).err
    directory = bare.root / "demo"
    terminal = Terminal((120, 40))
    terminal.open(bare.argv("demo", "--directory", str(directory)), bare.env, here)
    try:
        await until(lambda: b"--demo status" in terminal.written and b"QUAR" in terminal.written)
        told = await beside("--demo", "status")
        assert (told.code, "watcher running" in told.out) == (0, True), told.text
        assert "the demo that runs: fleet --demo status" in (await beside("status")).err
        terminal.send(b":handover\r")
        await until(lambda: list(directory.glob("state/*/saved/handover-*.md")))
        (saved,) = directory.glob("state/*/saved/handover-*.md")
        await until(lambda: b"handover: " in terminal.written)
        terminal.send(b"q")
        await until(lambda: b"the demo ends and is removed" in terminal.written)
        terminal.send(b"q")
        await until(lambda: terminal.process.poll() is not None)
        kept = here / saved.name
        await until(lambda: f"kept what you saved: {kept}".encode() in terminal.written)
    finally:
        await terminal.close()
    assert b"its agents are stopped, its repository, tickets and log are removed" in terminal.written
    assert "# " in kept.read_text()
    assert not directory.exists()
    assert "no demo runs" in (await beside("--demo", "status")).err
    assert not (bare.root / "state" / "demos").exists()


async def test_a_demo_of_somebody_else_is_not_entered(bare: Place, tmp_path: Path) -> None:
    """A link in the directory of notes is none of ours."""
    note = tmp_path / "note.json"
    note.write_text('{"repository": "/", "state": "/", "runtime": "/"}')
    (bare.root / "state" / "demos").mkdir(parents=True)
    (bare.root / "state" / "demos" / "1.json").symlink_to(note)
    assert "no demo runs" in bare.run("--demo", "status", cwd=bare.root).err


def living(demo: Path) -> list[RunnerRecord]:
    """The runners of a demo's agents."""
    records = [record for run in demo.glob("run/*/runs/*") if (record := read_runner(run)) is not None]
    return [record for record in records if proctree.identity(record.pid) == record.identity]


async def test_the_next_demo_clears_up_after_one_that_was_killed(bare: Place) -> None:
    """Its watcher and its agents ended as well: they outlive the command that was killed."""
    first, second = bare.root / "demo", bare.root / "next"
    terminal = Terminal((120, 40))
    terminal.open(bare.argv("demo", "--directory", str(first)), bare.env, bare.root)
    try:
        await until(lambda: living(first))
        terminal.process.kill()
        await until(lambda: terminal.process.poll() is not None)
        assert first.exists()
        runners = living(first)
        words = ("demo", "--headless", "--speed", "30", "--directory", str(second))
        done = await asyncio.to_thread(bare.run, *words, limit_s=300)
    finally:
        await terminal.close()
    assert done.code == 0, done.text
    assert f"removed what a demo that was killed had left: {first}" in done.out
    assert not first.exists()
    assert runners
    assert not any(proctree.identity(record.pid) == record.identity for record in runners)
    assert not (bare.root / "state" / "demos").exists()
