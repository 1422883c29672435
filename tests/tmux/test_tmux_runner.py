"""The runner with real processes in a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.tmux import proctable, proctree, records, runner_client
from fleet_tui.tmux.meter import Meter
from fleet_tui.tmux.server import TmuxServer
from tests.tmux.tmux_support import ROOT, PtyRun, python, until

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open(sys.argv[1] + '.tmp', 'w').write(str(os.getpid())); os.rename(sys.argv[1] + '.tmp', sys.argv[1])
n = 0
while True:
    n += 1
    open(sys.argv[1] + '.n', 'w').write(str(n))
    time.sleep(0.005)
"""


def with_daemon(path: Path, then: str = "sleep 100") -> tuple[str, ...]:
    """A child that leaves a double-forked process in a session of its own, which writes its pid to ``path``."""
    return ("sh", "-c", f'"$@"; {then}', "sh", *python(DAEMON), str(path))


async def daemon_pid(path: Path) -> int:
    await until(path.exists)
    return int(path.read_text())


def contains(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


@pytest.mark.parametrize("code", [0, 3, 200])
async def test_passes_the_exit_code_on(pty_run: PtyRun, code: int) -> None:
    pty_run.start("sh", "-c", f"exit {code}")
    assert await pty_run.ended() == code
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert (record.exit_code, record.signal, record.reason, record.survivors) == (code, None, "exited", 0)
    assert not runner_client.runner_alive(pty_run.dir)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_tells_signal_from_exit_code(pty_run: PtyRun, number: signal.Signals) -> None:
    pty_run.start(*python(f"import os; os.kill(os.getpid(), {int(number)})"))
    assert await pty_run.ended() == 128 + number
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert (record.exit_code, record.signal, record.reason) == (None, int(number), "signalled")


@pytest.mark.parametrize(("program", "code"), [("/nonexistent/agent", 127), ("/etc/passwd", 126)])
async def test_says_why_it_could_not_start(pty_run: PtyRun, program: str, code: int) -> None:
    pty_run.start(program)
    assert await pty_run.ended() == code
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert record.exit_code == code
    assert record.reason.startswith("start failed: ")
    assert program in record.reason


async def test_reports_an_unusable_specification(pty_run: PtyRun) -> None:
    (pty_run.dir / records.SPEC).write_text('{"run": "x"}')
    pty_run.launch()
    assert await pty_run.ended() == 70
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert "argv" in record.reason


async def test_environment_is_exactly_what_was_given(pty_run: PtyRun) -> None:
    given = {"WORD": "a b;c", "TMUX": "/tmp/x,1,0", "TMUX_PANE": "%9", "TERM": "xterm-256color"}
    pty_run.start(*python("import json, os; json.dump(dict(os.environ), open('env', 'w'))"), env=given)
    assert await pty_run.ended() == 0
    seen = json.loads((pty_run.dir / "env").read_text())
    seen.pop("LC_CTYPE", None)  # the interpreter's own locale coercion
    expected = {"PATH": os.environ["PATH"], "WORD": "a b;c", "TERM": "xterm-256color", "FLEET_RUN": pty_run.dir.name}
    assert seen == expected


async def test_stdin_comes_from_a_file(pty_run: PtyRun) -> None:
    prompt = pty_run.dir / "prompt"
    prompt.write_text("do this\n")
    pty_run.start("sh", "-c", "cat > copy; test -t 1", stdin=str(prompt))
    assert await pty_run.ended() == 0
    assert (pty_run.dir / "copy").read_text() == "do this\n"


async def test_child_owns_the_terminal(pty_run: PtyRun) -> None:
    code = (
        "import os, sys; open('own', 'w').write(str(os.tcgetpgrp(0) == os.getpgrp() == os.getpid())); sys.stdin.read()"
    )
    pty_run.start(*python(code))
    await until(lambda: (pty_run.dir / "own").exists() and (pty_run.dir / "own").read_text())
    assert (pty_run.dir / "own").read_text() == "True"
    pty_run.type(b"\x03")
    assert await pty_run.ended() == 128 + signal.SIGINT
    record = records.read_exit(pty_run.dir)
    assert record is not None
    assert record.signal == signal.SIGINT


async def test_ctrl_z_does_not_wedge_the_run(pty_run: PtyRun) -> None:
    pty_run.start("sh", "-c", "trap '' INT; while read line; do echo $line >> got; done")
    await pty_run.up()
    for word in ("one", "two"):
        pty_run.type(b"\x1a")
        pty_run.type(word.encode() + b"\n")
        await until(partial(contains, pty_run.dir / "got", word))
    pty_run.type(b"\x04")
    assert await pty_run.ended() in {0, 1}


async def test_window_size_reaches_the_child(pty_run: PtyRun) -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGWINCH, lambda *_: open('size', 'w').write('%dx%d' % os.get_terminal_size(0)))\n"
        "open('ready', 'w').close()\n"
        "while True: signal.pause()\n"
    )
    pty_run.start(*python(code))
    await until((pty_run.dir / "ready").exists)
    fcntl.ioctl(pty_run.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    await until(lambda: (pty_run.dir / "size").exists() and (pty_run.dir / "size").read_text() == "77x33")


async def test_freeze_reaches_daemons_and_thaw_revives_them(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    record = await pty_run.up()
    daemon = psutil.Process(await daemon_pid(marker))

    async def settled() -> bool:
        return (await runner_client.status(pty_run.dir)).processes == 3  # who only made the daemon is gone

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
    count = Path(f"{marker}.n")
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
    active_ms = (await runner_client.status(pty_run.dir)).active_ms
    told = await runner_client.meter(pty_run.dir, limit_ms=active_ms + 300, idle=False)
    assert (told.limit_ms, told.spent) == (active_ms + 300, False)
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


async def test_stop_kills_what_ignores_term(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker, "trap '' TERM; while :; do sleep 100; done"))
    record = await pty_run.up()
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


async def test_finds_the_run_of_a_double_forked_process(pty_run: PtyRun) -> None:
    marker = pty_run.dir / "daemon"
    pty_run.start(*with_daemon(marker))
    record = await pty_run.up()
    daemon = await daemon_pid(marker)
    runners = {"run-a": record}
    assert runner_client.find_run(proctree.lineage(record.pid), runners) == "run-a"
    assert runner_client.find_run(proctree.lineage(daemon), runners) == "run-a"
    assert runner_client.find_run(proctree.lineage(os.getpid()), runners) is None
    other_life = records.RunnerRecord(record.pid, 0.0, None, 0, "another boot:1")
    assert runner_client.find_run(proctree.lineage(daemon), {"run-a": other_life}) is None


@pytest.mark.skipif(sys.platform != "linux", reason="sub-reapers are Linux's")
@pytest.mark.parametrize("step", [1, 2])
def test_parent_that_vanishes_during_the_look_hides_nobody(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an escapee tries: to have its ancestor exit between two of our steps."""
    code = """
import ctypes, os, signal
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if not os.fork():
    if not os.fork():
        os.write(1, b"%d %d\\n" % (os.getpid(), os.getppid()))
    signal.pause()
while True:
    os.wait()
"""
    process = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    leaf, middle = map(int, process.stdout.readline().split())
    look, looks = proctree._process, iter(range(1, 1000))

    def interrupted(pid: int) -> psutil.Process | None:
        if next(looks) == step:
            os.kill(middle, signal.SIGKILL)
            while psutil.pid_exists(middle):
                os.sched_yield()
        return look(pid)

    monkeypatch.setattr(proctree, "_process", interrupted)
    try:
        found = [member.pid for member in proctree.lineage(leaf)]
        assert found[:2] == [leaf, process.pid]
        assert os.getpid() in found
    finally:
        proctree.Tree(process.pid, adopts=True).signal(signal.SIGKILL)
        process.kill()
        process.wait()
        process.stdout.close()


def test_line_of_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(psutil.NoSuchProcess):
        proctree.lineage(process.pid)


@pytest.fixture
def raw(pty_run: PtyRun) -> Iterator[socket.socket]:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    yield client
    client.close()


async def test_control_socket_is_private_and_survives_rubbish(pty_run: PtyRun, raw: socket.socket) -> None:
    pty_run.start("sleep", "100")
    await pty_run.up()
    path = pty_run.dir / records.SOCKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    raw.connect(str(path))
    raw.sendall(b'nonsense\n[1]\n{"op": "fly"}\n')
    answers = raw.makefile("rb")
    assert [b"error" in answers.readline() for _ in range(3)] == [True] * 3
    raw.sendall(b"x" * 10_000)
    with pytest.raises(ConnectionResetError):  # dropped with half of it unread: a line has a limit
        answers.read(1)
    status = await runner_client.status(pty_run.dir)
    assert (status.state, status.processes) == ("running", 1)


async def test_silent_clients_do_not_keep_others_out(pty_run: PtyRun) -> None:
    pty_run.start("sleep", "100")
    await pty_run.up()
    silent = []
    for _ in range(8):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(pty_run.dir / records.SOCKET))
        client.sendall(b'{"op": "sta')
        silent.append(client)
    assert (await runner_client.status(pty_run.dir)).state == "running"
    for client in silent:
        client.close()


async def test_a_tree_without_adoption_remembers_whom_it_saw(short_dir: Path) -> None:
    # As on systems without sub-reapers: the daemon's parent is process 1, only memory leads to it.
    marker = short_dir / "daemon"
    argv = ["sh", "-c", '"$@" & sleep 100', "sh", *python(DAEMON), str(marker)]
    parent = subprocess.Popen(argv)  # noqa: ASYNC220 - it returns at once
    try:
        tree = proctree.Tree(parent.pid, adopts=False)
        daemon = psutil.Process(await daemon_pid(marker))
        tree._seen = [proctable.look()[daemon.pid]]
        assert daemon.pid in {process.pid for process in tree.members()}
        assert tree.freeze().complete
        assert daemon.status() == psutil.STATUS_STOPPED
        tree.signal(signal.SIGKILL)
        await until(lambda: proctree.identity(daemon.pid) is None)
    finally:
        parent.kill()
        parent.wait()


def test_the_runner_imports_little() -> None:
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); import fleet_tui.tmux.runner;"
        "print(' '.join(name for name in sys.modules if '.' not in name))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"asyncio", "libtmux", "pydantic", "textual", "peewee", "yaml", "click"}


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
