"""The look at the table of processes, and what a freeze costs, counted in reads: time depends on the machine."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet_tui.tmux import proctable, proctree
from fleet_tui.tmux.proctable import Process
from tests.tmux.tmux_support import python, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

SIZE = 40
FAMILY = f"""
import os, signal
for _ in range({SIZE - 1}):
    if not os.fork():
        signal.pause()
print("ready", flush=True)
signal.pause()
"""
WITHOUT_ITS_FIRST_THREAD = """
import ctypes, os, sys, threading, time
def count():
    n = 0
    while True:
        n += 1
        with open(sys.argv[1] + ".new", "w") as file:
            file.write(str(n))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        time.sleep(0.001)
threading.Thread(target=count).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
NAMED = """
import ctypes, signal
ctypes.CDLL(None).prctl(15, b") Z 1 (\\n", 0, 0, 0)
print("ready", flush=True)
signal.pause()
"""
WAITS_FOR_ITS_CHILD = f"""
import ctypes, os, signal, sys
CLONE_VFORK, CLONE = 0x4000, {56 if platform.machine() == "x86_64" else 220}
c = ctypes.CDLL(None)
if os.fork() == 0:
    for _ in range(int(sys.argv[1])):
        c.pthread_create(ctypes.byref(ctypes.c_ulong()), None, c.pause, None)
    if c.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        print("ready", flush=True)
signal.pause()
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program, waits until it says that it is ready, and ends all that came of it."""
    started: list[subprocess.Popen[str]] = []

    def starts(*argv: str) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "ready\n"
        return started[-1]

    yield starts
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also whose parent is gone
        process.communicate()


class Reads(Counter[int]):
    """How often each process was looked at, and how often one waited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.waits = 0
        self._read, self._sleep = proctable.read, time.sleep
        monkeypatch.setattr(proctable, "read", self._reads)
        monkeypatch.setattr("fleet_tui.tmux.proctree.time.sleep", self._sleeps)

    def _reads(self, path: str, *most: int) -> bytes:
        self[int(Path(path).parts[2])] += 1
        return self._read(path, *most)

    def _sleeps(self, seconds: float) -> None:
        self.waits += 1
        self._sleep(seconds)


def test_a_freeze_looks_twice_at_everybody_and_twice_more_at_its_own(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(*python(FAMILY))
    tree = proctree.Tree(os.getpid(), adopts=True)
    own = {process.pid for process in tree.members()}
    assert len(own) >= SIZE
    reads = Reads(monkeypatch)
    assert tree.freeze() == proctree.Sweep(len(own), complete=True)
    assert sum(reads[pid] for pid in own) <= 4 * len(own) + reads.waits
    assert max(reads[pid] for pid in set(reads) - own) <= 2
    assert all(process.state == "T" for process in tree.members())


def test_looking_after_a_frozen_tree_costs_one_look(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(*python(FAMILY))
    tree = proctree.Tree(process.pid, adopts=True)
    assert tree.freeze().complete
    reads = Reads(monkeypatch)
    assert tree.freeze().complete
    assert set(reads.values()) == {1}
    tree.signal(signal.SIGCONT)
    reads.clear()
    assert tree.freeze().complete
    assert all(reads[member.pid] >= 3 for member in tree.members()), "after a thaw it is looked at anew"


async def test_a_process_without_its_first_thread_is_frozen_and_ended(start: Start, tmp_path: Path) -> None:
    """It calls itself a zombie and works on: nobody may escape by ending its first thread."""
    counter = tmp_path / "n"
    process = start(*python(WITHOUT_ITS_FIRST_THREAD), str(counter))
    stat = Path(f"/proc/{process.pid}/stat")
    await until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z" and counter.exists())
    tree = proctree.Tree(os.getpid(), adopts=True)
    assert process.pid in {member.pid for member in tree.members()}
    assert tree.freeze().complete
    frozen = counter.read_text()
    (state,) = {member.state for member in tree.members() if member.pid == process.pid}
    assert state == "T"
    assert counter.read_text() == frozen
    tree.signal(signal.SIGCONT)
    await until(lambda: counter.read_text() != frozen)
    tree.signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL


def test_a_name_like_a_line_of_the_table_fools_nobody(start: Start) -> None:
    process = start(*python(NAMED))
    seen = proctable.look()[process.pid]
    assert (seen.parent, seen.has_ended) == (os.getpid(), False)


def test_a_signal_reaches_no_later_process_of_the_same_number(start: Start) -> None:
    process = start(*python(FAMILY))
    seen = proctable.look()[process.pid]
    proctree.send([replace(seen, started=seen.started - 1)], signal.SIGKILL)
    assert process.poll() is None
    proctree.send([seen], signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL


def test_signals_are_sent_where_the_kernel_has_no_handles_of_processes(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(pid: int) -> int:
        raise PermissionError(f"forbidden for {pid}")

    monkeypatch.setattr(os, "pidfd_open", none)
    process = start(*python(FAMILY))
    proctree.send([proctable.look()[process.pid]], signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL


def test_who_is_older_than_its_parent_is_not_its_child() -> None:
    table = {p.pid: p for p in (Process(2, 1, "S", 50), Process(3, 2, "S", 60), Process(4, 2, "S", 40))}
    assert [process.pid for process in proctable.descendants(table, [2])] == [3]


def test_whose_trees_are_restless_is_seen_in_one_look(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    still, moving = start(*python(FAMILY)), start(*python(FAMILY))
    assert proctree.Tree(still.pid, adopts=True).freeze().complete
    reads = Reads(monkeypatch)
    assert proctree.restless_below([still.pid, moving.pid]) == {moving.pid}
    assert max(reads.values()) == 1


@pytest.mark.parametrize("threads", ["0", "1"])
def test_who_waits_in_the_kernel_for_its_child_stands_once_it_was_told_to_stop(start: Start, threads: str) -> None:
    """Shells and Python begin programs by vfork: a freeze in that moment leaves them "D", with the stop to come."""
    root = start(*python(WAITS_FOR_ITS_CHILD), threads).pid
    parent, child = proctree.Tree(root, adopts=True).members()
    assert parent.state == proctable.IN_KERNEL
    proctree.send([child], signal.SIGSTOP)
    assert proctree.restless_below([root]), "the parent goes on as soon as its child is gone"
    assert proctree.Tree(root, adopts=True).freeze().complete
    assert proctree.restless_below([root]) == set()
    now = proctable.look_at(parent.pid)
    assert now is not None
    assert now.state == proctable.IN_KERNEL, "it cannot take its stop yet"
    proctree.send([now], signal.SIGCONT)
    assert proctree.restless_below([root])
