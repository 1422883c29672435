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
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from fleet_tui.tmux import proctable, proctree, records, runner_client
from tests.tmux.daemons import DAEMON, contains, daemon_pid, with_daemon
from tests.tmux.tmux_support import ROOT, PtyRun, python, until


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
