"""Run time: what is counted, told and kept, and the limit at which a run stops by itself."""

from __future__ import annotations

import json
import time

import psutil
import pytest

from fleet_tui.tmux import records, runner_client
from fleet_tui.tmux.meter import Meter
from tests.tmux.daemons import daemon_pid, with_daemon
from tests.tmux.tmux_support import PtyRun, until


def test_meter_counts_neither_frozen_nor_ended_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0, 5_000_000_000, 65_000_000_000, 65_000_000_000, 67_500_000_000, 99_000_000_000])
    monkeypatch.setattr("fleet_tui.tmux.meter.time.monotonic_ns", lambda: next(now))
    meter = Meter()
    meter.resume()  # at 0 s
    meter.pause()  # at 5 s
    assert meter.active_ms == 5000
    meter.resume()  # at 65 s
    assert meter.active_ms == 5000
    meter.pause()  # at 67.5 s
    meter.pause()
    assert meter.active_ms == 7500


def test_the_meter_s_clock_stands_still_while_the_machine_sleeps() -> None:
    """On Linux BOOTTIME would count suspension, MONOTONIC does not; macOS counts neither."""
    clock = time.get_clock_info("monotonic").implementation
    assert clock in {"clock_gettime(CLOCK_MONOTONIC)", "mach_absolute_time()"}


def test_meter_counts_no_time_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr("fleet_tui.tmux.meter.time.monotonic_ns", lambda: now[0] * 1_000_000_000)
    meter = Meter()
    meter.resume()
    meter.limit_ms = 10_000
    now[0] = 4
    meter.idle = True
    now[0] = 1000
    assert (meter.active_ms, meter.left_s()) == (4000, None)
    meter.pause()  # frozen while it waits
    meter.idle = False
    now[0] = 2000
    assert meter.active_ms == 4000
    meter.resume()
    now[0] = 2005
    assert (meter.active_ms, meter.left_s(), meter.at_limit) == (9000, 1.0, False)
    now[0] = 2007
    assert (meter.left_s(), meter.at_limit) == (0.0, True)


async def test_a_run_stops_by_itself_at_its_limit_and_goes_on_with_a_higher_one(pty_run: PtyRun) -> None:
    """Nobody has to be there: this is what keeps a budget while the watcher is dead."""
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    await pty_run.up()
    daemon = psutil.Process(await daemon_pid(marker))
    active_ms = (await runner_client.freeze(pty_run.dir)).active_ms  # so that its time stands still until it is told
    told = await runner_client.meter(pty_run.dir, limit_ms=active_ms + 300, idle=False)
    assert (told.limit_ms, told.spent) == (active_ms + 300, False)
    await runner_client.thaw(pty_run.dir)

    async def spent() -> bool:
        return (await runner_client.status(pty_run.dir)).spent

    await until(spent)
    await until(lambda: daemon.status() == psutil.STATUS_STOPPED)
    stopped = await runner_client.status(pty_run.dir)
    assert (stopped.spent, stopped.frozen) == (True, False)
    assert stopped.active_ms >= active_ms + 300
    thawed = await runner_client.thaw(pty_run.dir)
    assert thawed.spent, "to thaw it is not to give it more time"
    assert daemon.status() == psutil.STATUS_STOPPED
    assert (await runner_client.status(pty_run.dir)).active_ms == stopped.active_ms
    again = await runner_client.meter(pty_run.dir, limit_ms=active_ms + 600_000, idle=False)
    assert not again.spent
    await until(lambda: daemon.status() != psutil.STATUS_STOPPED)
    await runner_client.freeze(pty_run.dir)
    held = await runner_client.meter(pty_run.dir, limit_ms=None, idle=False)
    assert held.frozen, "a higher limit thaws nobody whom somebody froze"
    assert daemon.status() == psutil.STATUS_STOPPED
    record = await runner_client.stop(pty_run.dir, grace_s=2)
    assert record is not None


async def test_a_run_has_its_limit_from_its_first_instant(pty_run: PtyRun) -> None:
    """A watcher that dies right after it started a run has told the runner nothing more."""
    pty_run.start("sleep", "600", limit_ms=300)
    await pty_run.up()

    async def spent() -> bool:
        return (await runner_client.status(pty_run.dir)).spent

    await until(spent)
    child = (await runner_client.status(pty_run.dir)).child_pid
    assert child is not None
    await until(lambda: psutil.Process(child).status() == psutil.STATUS_STOPPED)


async def test_waiting_is_not_counted_until_it_says_something_to_nobody(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "100")
    await pty_run.up()
    idle = await runner_client.meter(pty_run.dir, limit_ms=None, idle=True)
    later = await runner_client.status(pty_run.dir)
    assert (later.idle, later.active_ms) == (True, idle.active_ms)
    assert later.child_pid is not None
    assert psutil.Process(later.child_pid).status() != psutil.STATUS_STOPPED
    (pty_run.dir / "spool" / "new").mkdir(parents=True)
    (pty_run.dir / "spool" / "new" / "000000000001-x.json").write_text("{}")

    async def counts() -> bool:
        return not (await runner_client.status(pty_run.dir)).idle

    await until(counts, 15)


async def test_what_it_and_its_short_lived_children_compute_is_told(pty_run: PtyRun) -> None:
    pty_run.start("sh", "-c", "while :; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done")
    await pty_run.up()

    async def computes() -> bool:
        return ((await runner_client.status(pty_run.dir)).cpu_s or 0.0) > 0.5

    await until(computes, 30)


async def test_run_time_is_persisted(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "100")
    await until((pty_run.dir / records.METER).exists)
    assert records.read_meter_ms(pty_run.dir) >= 0
    assert json.loads((pty_run.dir / records.METER).read_text())["frozen"] is False
