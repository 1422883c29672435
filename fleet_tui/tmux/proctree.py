"""A process and everything that came from it: find, freeze, thaw, signal. Standard library and psutil only.

A freeze costs two looks at the table of processes when nothing moves meanwhile, however large the tree is: the first
finds whom to stop, the second that nobody new has come. In between each member is looked at twice, to be sure whom the
signal reaches and that it has stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from fleet_tui.tmux import proctable
from fleet_tui.tmux.proctable import Process, send
from fleet_tui.tmux.records import EXHAUSTED

__all__ = [
    "HOLD_STILL",
    "Process",
    "Sweep",
    "Tree",
    "become_subreaper",
    "boot_id",
    "cpu_s",
    "die_with_parent",
    "identity",
    "inside",
    "lineage",
    "marked",
    "restless_below",
    "send",
    "wait",
    "wake",
]

HOLD_STILL = signal.SIGURG
"""Asks a runner to freeze its run when its socket is out of reach; one that has not begun yet is not hurt by it."""
_ENDED = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
_MOST_LOOKS = 10_000
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.0005, 0.008
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a freeze reached: how many processes, and whether nothing was found running in the last pass."""

    processes: int
    complete: bool


def identity(pid: int) -> str | None:
    """A name for this life of ``pid`` that no later process with the same number has; None when it is dead or a zombie.

    Not psutil's creation time on Linux: that moves when the wall clock is set.

    Raises:
        OSError: nothing can be opened at all now.
    """
    try:
        if sys.platform == "linux":
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            return None if fields[0] in "ZXx" else f"{boot_id()}:{fields[19]}"
        process = psutil.Process(pid)
        return None if process.status() in _ENDED else f"{process.create_time():.6f}"
    except (OSError, IndexError, psutil.Error) as error:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            raise
        return None


def boot_id() -> str:
    """What names this boot of the host in an :func:`identity`; empty where identities do not hold it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip() if sys.platform == "linux" else ""


def become_subreaper() -> bool:
    """Adopt orphaned descendants instead of losing them to process 1; False where the system cannot do that."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> bool:
    """Ask the kernel to kill this process when its parent dies; False where the system cannot do that."""
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)


def lineage(pid: int) -> list[psutil.Process]:
    """The process and its ancestors, nearest first, as far up as this user can see.

    A parent that exits during the look hands its children on: the line goes on with who took them, so that nothing
    drops out of a tree by exiting at the right moment.

    Raises:
        psutil.NoSuchProcess: it is gone, or its ancestors changed faster than one can look.
    """
    line = [psutil.Process(pid)]
    for _ in range(_MOST_LOOKS):
        try:
            parent = line[-1].ppid()
            if parent == 0:
                return line
            ancestor = _process(parent)
            if line[-1].ppid() != parent:
                continue  # handed on meanwhile; the number may be another process's by now
        except psutil.NoSuchProcess:
            line.pop()
            if not line:
                raise
            continue
        if ancestor is None:
            return line  # it is there and hidden from us, as are those above it
        line.append(ancestor)
    raise psutil.NoSuchProcess(pid, msg="its ancestors keep changing")


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


class Tree:
    """The descendants of ``root``, never ``root`` itself.

    Without a sub-reaper a double-forked process leaves the tree, so those seen once are remembered.
    """

    def __init__(self, root: int, *, adopts: bool) -> None:
        self._root = root
        self.adopts = adopts
        self._seen: list[Process] = []
        self._stilled: set[tuple[int, float]] = set()  # whom the last pass of a freeze saw

    def members(self) -> list[Process]:
        """The living descendants, zombies left out; parents before their children."""
        table = proctable.look()
        strays = [now for was in self._seen if (now := table.get(was.pid)) is not None and now.life == was.life]
        found = strays + proctable.descendants(table, [self._root, *(process.pid for process in strays)])
        living = [process for process in found if not process.has_ended and process.pid != self._root]
        if not self.adopts:
            self._seen = living
        return living

    def freeze(self, limit_s: float = 1.0) -> Sweep:
        """Stop every descendant, again and again until a pass finds neither a new nor a running one."""
        deadline = time.monotonic() + limit_s
        while True:
            members = self.members()
            restless = [process for process in members if not process.is_halted]
            send(restless, signal.SIGSTOP)
            lives = {process.life for process in members}
            new, self._stilled = lives - self._stilled, lives
            # A process inside the kernel (vfork, disk) cannot run before it takes the pending stop.
            if not new and all(process.state == proctable.IN_KERNEL for process in restless):
                return Sweep(len(members), complete=True)
            _await_halt(restless, deadline)
            if time.monotonic() > deadline:
                return Sweep(len(members), complete=False)

    def signal(self, number: int) -> int:
        """Send ``number`` to every descendant; how many there were."""
        if number == signal.SIGCONT:
            self._stilled = set()
        members = self.members()
        send(members, number)
        return len(members)


def _await_halt(signalled: Iterable[Process], deadline: float) -> None:
    """Until each of them has taken its stop, or is where it cannot run before that."""
    _await(signalled, lambda now: now.is_halted or now.state == proctable.IN_KERNEL, deadline)


def wait(processes: Iterable[Process], limit_s: float) -> None:
    """Until all of them have ended, but not longer than ``limit_s``."""
    _await(processes, lambda now: now.has_ended, time.monotonic() + limit_s)


def _await(processes: Iterable[Process], reached: Callable[[Process], bool], deadline: float) -> None:
    # The last first: when it is there, most of the others are too, and are looked at only once.
    wait_s = _FIRST_WAIT_S
    waiting = list(processes)
    while waiting and time.monotonic() <= deadline:
        now = proctable.look_at(waiting[-1].pid)
        if now is None or now.life != waiting[-1].life or reached(now):
            waiting.pop()
        else:
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def cpu_s(members: Iterable[Process]) -> float:
    """Seconds of the processor that ``members`` and what this process saw the end of have used."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum((process.cpu_s for process in members), ended.ru_utime + ended.ru_stime)


def restless_below(roots: Iterable[int]) -> set[int]:
    """Those of ``roots`` with a descendant that is neither dead nor stopped for good, in one look for all of them."""
    table = proctable.look()
    return {root for root in roots if not all(proctable.stands(p) for p in proctable.descendants(table, [root]))}


def inside(members: Iterable[Process], sandbox: int | None) -> list[Process]:
    """The ``members`` that ``sandbox`` holds: all but itself and its only child, process 1 of the namespace."""
    return [process for process in members if sandbox not in (process.pid, process.parent)]


def wake(processes: Iterable[Process]) -> None:
    """Let those go on that are stopped."""
    send([process for process in processes if process.state == proctable.STOPPED], signal.SIGCONT)


def marked(name: str, value: str) -> list[Process]:
    """Every process of this user whose environment at its start held ``name=value``, and their descendants.

    A process can drop its environment; then only its ancestry gives it away.
    """
    table = proctable.look()
    me = os.getpid()
    found = [pid for pid in table if pid != me and _has_mark(pid, name, value)]
    members = {process.pid: process for process in proctable.descendants(table, found)}
    members |= {pid: table[pid] for pid in found}
    return [process for pid, process in members.items() if pid != me and not process.has_ended]


def _has_mark(pid: int, name: str, value: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid).environ().get(name) == value
    return False
