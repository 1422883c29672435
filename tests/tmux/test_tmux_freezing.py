"""Freezing and thawing whole runs, daemons included. Real processes in a real pseudo-terminal."""

from __future__ import annotations

from pathlib import Path

import psutil

from fleet_tui.tmux import runner_client
from tests.tmux.daemons import daemon_pid, with_daemon
from tests.tmux.tmux_support import PtyRun, until


async def test_freeze_reaches_daemons_and_thaw_revives_them(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    record = await pty_run.up()
    daemon = psutil.Process(await daemon_pid(marker))
    count = Path(f"{marker}.n")

    async def settled() -> bool:
        """Who only made the daemon is gone, its shell is one step further, and the daemon is at work."""
        sleeps = any(process.name() == "sleep" for process in psutil.Process(record.child_pid).children())
        return sleeps and count.exists() and (await runner_client.status(pty_run.dir)).processes == 3

    await until(settled)
    frozen = await runner_client.freeze(pty_run.dir)
    assert frozen.frozen
    assert frozen.complete
    assert frozen.processes == 3  # sh, sleep, the daemon
    for pid in (daemon.pid, record.child_pid):
        assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert psutil.Process(record.pid).status() != psutil.STATUS_STOPPED
    again = await runner_client.freeze(pty_run.dir)
    assert again.active_ms == frozen.active_ms
    assert (await runner_client.status(pty_run.dir)).active_ms == frozen.active_ms
    thawed = await runner_client.thaw(pty_run.dir)
    assert not thawed.frozen
    before = int(count.read_text() or 0)
    await until(lambda: int(count.read_text() or 0) > before)


async def test_a_frozen_run_that_is_continued_from_outside_is_frozen_again(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    await pty_run.up()
    daemon = psutil.Process(await daemon_pid(marker))
    await runner_client.freeze(pty_run.dir)
    daemon.resume()
    await until(lambda: daemon.status() == psutil.STATUS_STOPPED)


async def test_what_others_stopped_on_the_fleets_behalf_its_runner_leaves_stopped(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "1000")
    record = await pty_run.up()
    assert record.child_pid is not None
    assert runner_client.freeze_tree(record.pid)
    # Its answer comes after whatever its child's stop makes it do.
    status = await runner_client.status(pty_run.dir)
    assert (status.frozen, psutil.Process(record.child_pid).status()) == (True, psutil.STATUS_STOPPED)
    assert not (await runner_client.thaw(pty_run.dir)).frozen
    await until(lambda: psutil.Process(record.child_pid).status() != psutil.STATUS_STOPPED)
