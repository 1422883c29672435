"""A process and everything that came from it: find, freeze, thaw, signal. Standard library and psutil only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

HOLD_STILL = signal.SIGURG
"""Asks a runner to freeze its run when its socket is out of reach; one that has not begun yet is not hurt by it."""
_HALTED = {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
_ENDED = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
_MOST_LOOKS = 10_000
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
    """
    try:
        if sys.platform == "linux":
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            return None if fields[0] in "ZXx" else f"{boot_id()}:{fields[19]}"
        process = psutil.Process(pid)
        return None if process.status() in _ENDED else f"{process.create_time():.6f}"
    except (OSError, IndexError, psutil.Error):
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
        self._seen: dict[int, psutil.Process] = {}

    def members(self) -> list[psutil.Process]:
        """The living descendants, zombies left out."""
        found: dict[int, psutil.Process] = {}
        for origin in self._origins():
            with contextlib.suppress(psutil.Error):
                found.update({child.pid: child for child in origin.children(recursive=True)})
                if origin.pid != self._root:
                    found[origin.pid] = origin
        living = {pid: process for pid, process in found.items() if _living(process)}
        if not self.adopts:
            self._seen = living
        return list(living.values())

    def freeze(self, limit_s: float = 1.0) -> Sweep:
        """Stop every descendant, again and again until a pass finds neither a new nor a running one."""
        deadline = time.monotonic() + limit_s
        known: set[int] = set()
        while True:
            members = self.members()
            restless = [process for process in members if not _halted(process)]
            send(restless, signal.SIGSTOP)
            new = {process.pid for process in members} - known
            known |= new
            # A process inside the kernel (vfork, disk) cannot run before it takes the pending stop.
            if not new and all(_status(process) in _HALTED | {psutil.STATUS_DISK_SLEEP} for process in restless):
                return Sweep(len(members), complete=True)
            if time.monotonic() > deadline:
                return Sweep(len(members), complete=False)
            time.sleep(0.002)

    def is_restless(self) -> bool:
        """Whether any descendant is neither stopped nor dead."""
        return any(not _halted(process) for process in self.members())

    def signal(self, number: int) -> int:
        """Send ``number`` to every descendant; how many there were."""
        members = self.members()
        send(members, number)
        return len(members)

    def _origins(self) -> Iterable[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(self._root)
        for process in self._seen.values():
            if process.is_running():
                yield process


def inside(members: Iterable[psutil.Process], sandbox: int | None) -> list[psutil.Process]:
    """The ``members`` that ``sandbox`` holds: all but itself and its only child, process 1 of the namespace."""
    return [process for process in members if process.pid != sandbox and _parent(process) != sandbox]


def wake(processes: Iterable[psutil.Process]) -> None:
    """Let those go on that are stopped."""
    send([process for process in processes if _status(process) == psutil.STATUS_STOPPED], signal.SIGCONT)


def send(processes: Iterable[psutil.Process], number: int) -> None:
    """Send ``number`` to each process that still is the one that was found (psutil checks for a reused pid)."""
    for process in processes:
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            process.send_signal(number)


def marked(name: str, value: str) -> list[psutil.Process]:
    """Every process of this user whose environment at its start held ``name=value``, and their descendants.

    A process can drop its environment; then only its ancestry gives it away.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found[process.pid] = process
                found.update({child.pid: child for child in process.children(recursive=True)})
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _living(process)]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_DEAD


def _halted(process: psutil.Process) -> bool:
    return _status(process) in _HALTED


def _living(process: psutil.Process) -> bool:
    return _status(process) not in _ENDED
