"""The end of a run: whatever it left behind ends with it, however it ends. Real processes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.tmux import proctree, records, runner_client
from fleet_tui.tmux.server import TmuxServer
from tests.tmux.daemons import daemon_pid, with_daemon
from tests.tmux.tmux_support import PtyRun, until


async def test_stop_kills_what_ignores_term(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    deaf = pty_run.dir / "deaf"
    pty_run.start(*with_daemon(marker, f"trap '' TERM; touch {deaf}; while :; do sleep 100; done"))
    record = await pty_run.up()
    await until(deaf.exists)
    daemon = await daemon_pid(marker)
    ended = await runner_client.stop(pty_run.dir, grace_s=0.2)
    assert ended is not None
    assert (ended.signal, ended.reason, ended.survivors) == (signal.SIGKILL, "stopped", 0)
    assert proctree.identity(daemon) is None
    assert record.child_pid is not None
    assert proctree.identity(record.child_pid) is None


async def test_stop_ends_a_run_that_took_away_the_socket_of_its_runner(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "1000")
    child = (await pty_run.up()).child_pid
    assert child is not None
    (pty_run.dir / records.SOCKET).unlink()
    await runner_client.stop(pty_run.dir)
    assert not runner_client.runner_alive(pty_run.dir)
    await until(lambda: proctree.identity(child) is None)


async def test_stop_ends_a_frozen_run(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "100")
    await pty_run.up()
    await runner_client.freeze(pty_run.dir)
    ended = await runner_client.stop(pty_run.dir, grace_s=5)
    assert ended is not None
    assert (ended.signal, ended.reason) == (signal.SIGTERM, "stopped")
    assert await runner_client.stop(pty_run.dir) == ended  # stopping what has ended changes nothing


async def test_leftovers_end_with_the_child(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker, f"while ! test -e {marker}; do sleep 0.01; done; exit 7"))
    assert await pty_run.ended() == 7
    assert proctree.identity(int(marker.read_text())) is None


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGTERM, "terminated"), (signal.SIGHUP, "hangup")])
async def test_a_signalled_runner_ends_its_tree(pty_run: PtyRun, number: signal.Signals, reason: str) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    await pty_run.up()
    daemon = await daemon_pid(marker)
    os.kill(pty_run.pid, number)
    await pty_run.ended()
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert record.reason == reason
    assert proctree.identity(daemon) is None


async def test_a_vanished_terminal_ends_the_tree(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    await pty_run.up()
    daemon = await daemon_pid(marker)
    pty_run.close_terminal()
    await pty_run.ended()
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert record.reason == "hangup"
    assert proctree.identity(daemon) is None


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals exist on Linux only")
async def test_a_killed_runner_takes_its_child_along_and_the_rest_is_found(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    record = await pty_run.up()
    daemon = await daemon_pid(marker)
    with pytest.raises(Conflict):
        await runner_client.kill_leftovers(pty_run.dir)
    os.kill(record.pid, signal.SIGKILL)
    child = record.child_pid
    assert child is not None
    await until(lambda: proctree.identity(child) is None)
    assert not runner_client.runner_alive(pty_run.dir)  # a zombie until it is waited for
    assert records.read_exit(pty_run.dir) is None
    assert proctree.identity(daemon) is not None
    assert await runner_client.kill_leftovers(pty_run.dir) >= 1
    await until(lambda: proctree.identity(daemon) is None)
    with pytest.raises(FleetError):
        await runner_client.status(pty_run.dir)


async def test_stays_until_tmux_has_read_the_last_output(tmux: TmuxServer, short_dir: Path) -> None:
    """tmux forgets what it has not read of a pane whose process ends, and that is where an error stands."""
    script = "until [ -e go ]; do sleep 0.01; done; echo KeyError >&2; exit 3"
    environment = {"PATH": os.environ["PATH"]}
    runner_client.write_spec(short_dir, records.RunSpec("run-1", ("sh", "-c", script), str(short_dir), environment))
    pane = await tmux.spawn("run-1", runner_client.runner_argv(short_dir), cwd=short_dir, uuid="a" * 32)
    await until(lambda: runner_client.runner_alive(short_dir))
    server = await tmux.alive()
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        (short_dir / "go").touch()
        await until(lambda: records.read_exit(short_dir))
        with pytest.raises(AssertionError):
            await until(lambda: not runner_client.runner_alive(short_dir), 0.4)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until(lambda: not runner_client.runner_alive(short_dir))
    assert (await tmux.capture(pane)).strip() == "KeyError"


async def test_a_terminal_that_does_not_answer_is_not_waited_for_long(tmux: TmuxServer, short_dir: Path) -> None:
    runner_client.write_spec(
        short_dir, records.RunSpec("run-1", ("true",), str(short_dir), {"PATH": os.environ["PATH"]})
    )
    server = await tmux.alive()
    assert server is not None
    runner = [*runner_client.runner_argv(short_dir)]
    await tmux.spawn("run-1", runner, cwd=short_dir, uuid="a" * 32)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await until(lambda: records.read_exit(short_dir) and not runner_client.runner_alive(short_dir))
    finally:
        os.kill(server.pid, signal.SIGCONT)
