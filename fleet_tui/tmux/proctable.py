"""What the kernel says of the processes at one look: whose child each is, its state, and which life of its number.

One file read per process on Linux. Standard library and psutil only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

STOPPED, IN_KERNEL, ENDED = "T", "D", "Z"
_HALTED, _OVER = frozenset("TtZXx"), frozenset("ZXx")
_LETTERS = {
    psutil.STATUS_STOPPED: STOPPED,
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: ENDED,
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_DISK_SLEEP: IN_KERNEL,
}
_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_BYTES = 1024
"""More than enough for what is needed of a line of ``stat``, whatever the process calls itself."""
_STATUS_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was seen. ``state`` is the letter of ``/proc``; ``started`` tells apart the lives of a pid.

    ``cpu_s`` is the processor's time that it and its children that ended used.
    """

    pid: int
    parent: int
    state: str
    started: float
    cpu_s: float = 0.0

    @property
    def life(self) -> tuple[int, float]:
        """A name that no later process with the same pid has, as long as the host is up."""
        return self.pid, self.started

    @property
    def is_halted(self) -> bool:
        """Whether it executes nothing: stopped, or ended."""
        return self.state in _HALTED

    @property
    def has_ended(self) -> bool:
        """Whether it is dead, or a zombie with no thread left."""
        return self.state in _OVER


def look() -> dict[int, Process]:
    """Every process that this user can see, by pid; what begins or ends meanwhile may be in it or not."""
    return {pid: process for pid in _pids() if (process := look_at(pid)) is not None}


def stands(process: Process) -> bool:
    """Whether it executes nothing until somebody continues it.

    It is stopped, or ended, or inside the kernel (vfork, disk) with a stop that it takes before it comes back.
    """
    return process.is_halted or (process.state == IN_KERNEL and _stop_waits(process.pid))


def look_at(pid: int) -> Process | None:
    """One process; None when there is none of this number."""
    if sys.platform != "linux":
        return _by_psutil(pid)
    try:
        line = read(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The name in brackets is whatever the process likes: nothing but the last bracket counts.
    fields = line.rpartition(b")")[2].split(None, 20)
    if len(fields) < 20:
        return None
    state = fields[0].decode("ascii")
    if state in _OVER and int(fields[17]) > 1:
        state = _state_of_threads(pid)
    return Process(pid, int(fields[1]), state, int(fields[19]), sum(map(int, fields[11:15])) / _TICKS)


def descendants(table: dict[int, Process], roots: Iterable[int]) -> list[Process]:
    """Those of ``table`` that came from ``roots``, which are left out; parents before their children.

    Who is older than its parent is not its child: the parent's number was another's when that was written down.
    """
    children = defaultdict(list)
    for process in table.values():
        children[process.parent].append(process)
    waiting = [table[pid] for pid in roots if pid in table]
    seen = {process.pid for process in waiting}
    found = []
    for parent in waiting:
        born = [child for child in children[parent.pid] if child.pid not in seen and child.started >= parent.started]
        seen.update(child.pid for child in born)
        waiting += born
        found += born
    return found


def send(processes: Iterable[Process], number: int) -> None:
    """Send ``number`` to each process that still lives the life that was seen; never to a later one of its number."""
    for process in processes:
        with contextlib.suppress(OSError):
            _send(process, number)


def _send(process: Process, number: int) -> None:
    # What is open before the check cannot become another's after it.
    with _handle(process.pid) as handle:
        if not _lives(process):
            return
        if sys.platform == "linux" and handle is not None:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(process.pid, number)


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int | None]:
    handle = None
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # also where the kernel is too old, or a container forbids it
            handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _lives(process: Process) -> bool:
    now = look_at(process.pid)
    return now is not None and now.started == process.started


def read(path: str, most: int = _STAT_BYTES) -> bytes:
    """The beginning of a file of ``/proc``.

    Raises:
        OSError: it is not there, or not for us.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, most)
    finally:
        os.close(handle)


def _pids() -> Iterator[int]:
    names = os.listdir("/proc") if sys.platform == "linux" else map(str, psutil.pids())  # noqa: PTH208 - names only
    return (int(name) for name in names if name.isdecimal())


def _state_of_threads(pid: int) -> str:
    """The state of a process whose first thread has ended and whose others have not: it calls itself a zombie."""
    states = _thread_states(pid)
    return next(iter(states - _HALTED - {IN_KERNEL}), IN_KERNEL if IN_KERNEL in states else STOPPED)


def _thread_states(pid: int) -> set[str]:
    states = set()
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - names only
            with contextlib.suppress(OSError, IndexError):
                line = read(f"/proc/{pid}/task/{thread}/stat")
                states.add(line.rpartition(b")")[2].split(None, 1)[0].decode("ascii"))
    return states


def _stop_waits(pid: int) -> bool:
    """Whether a stop was sent to a process and not taken by all of it: it waits, or one thread has taken it for all."""
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError):
        lines = read(f"/proc/{pid}/status", _STATUS_BYTES).splitlines()
        waiting = [int(line.split()[1], 16) for line in lines if line.startswith((b"SigPnd:", b"ShdPnd:"))]
        return any(mask >> (signal.SIGSTOP - 1) & 1 for mask in waiting) or STOPPED in _thread_states(pid)
    return False


def _by_psutil(pid: int) -> Process | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            letter = _LETTERS.get(process.status(), "S")
            return Process(pid, process.ppid(), letter, process.create_time(), sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return Process(pid, 0, "S", 0.0)
