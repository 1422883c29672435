"""How much memory the processes of a run take together, and the ceiling at which they are held.

On Linux what several processes share is divided among them (the kernel's proportional share), and swapped memory counts
too, and so do files in the memory of a sandbox (its ``/tmp`` and ``/dev/shm``). A process that does not let itself be
looked at so closely counts with all that is resident, as on other systems every process does. Standard library and
psutil only.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from fleet_tui.tmux import proctable
from fleet_tui.tmux.proctable import Process

MB = 1_000_000
CGROUPS = Path("/sys/fs/cgroup")
_LOOK_S = 1.0
_SHARE = 20
"""A look may take one part of so many of the time, but comes every ten seconds at least."""
_LONGEST_S = 10.0
_IN_MEMORY = ("tmp", "dev/shm")
"""Where files of a sandbox lie in memory."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_COUNTED = (b"Pss:", b"SwapPss:")
_ROLLUP_BYTES = 4096


class Memory:
    """Looks at most once a second, and only where there is a ceiling: ``limit_mb``; None: there is none."""

    def __init__(self, limit_mb: int | None = None, unit: str = "") -> None:
        self.limit_mb = limit_mb
        self.kills = 0
        """Processes that the kernel ended for their memory, in the scope ``unit``."""
        self._unit = unit
        self._events: Path | None = None
        self.used_mb: int | None = None
        """At the last look."""
        self._next = 0.0

    @property
    def is_over(self) -> bool:
        """Whether more is taken than may be, as last looked at."""
        return self.limit_mb is not None and self.used_mb is not None and self.used_mb > self.limit_mb

    @property
    def due(self) -> float:
        """When to look next, by the monotonic clock."""
        return math.inf if self.limit_mb is None else self._next

    def limit(self, limit_mb: int | None) -> None:
        """Another ceiling from now on."""
        if limit_mb is None:
            self.used_mb = None
        self.limit_mb, self._next = limit_mb, 0.0

    def look(self, members: Callable[[], Iterable[Process]], now: float) -> bool:
        """Look at ``members`` if that is due; whether they are over the ceiling."""
        if now >= self.due:
            processes = list(members())
            self.used_mb = used(processes) // MB
            self._events = self._events or _events_of(processes, self._unit)
            self.note_kills()
            ended = time.monotonic()
            self._next = ended + max(_LOOK_S, min(_LONGEST_S, _SHARE * (ended - now)))
        return self.is_over

    def note_kills(self) -> None:
        """Ask the kernel; what it said last stays when there is nobody to ask any more."""
        if self._events is not None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                told = dict(line.split() for line in self._events.read_text("ascii").splitlines())
                self.kills = max(self.kills, int(told.get("oom_kill", 0)))


def _events_of(processes: Iterable[Process], unit: str) -> Path | None:
    """Where the kernel counts whom it ended in the scope ``unit``; None while none of ``processes`` is in it."""
    for process in processes if unit else ():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/cgroup").read_text("utf-8", "replace").splitlines():
                place = line.removeprefix("0::")
                if place != line and place.endswith(f"/{unit}.scope"):
                    return CGROUPS / place.lstrip("/") / "memory.events"
    return None


def used(processes: Iterable[Process]) -> int:
    """The bytes that ``processes`` take together; those that end meanwhile take nothing."""
    found = list(processes)
    return sum(_used_by(process.pid) for process in found) + _in_files(found)


def _in_files(processes: Iterable[Process]) -> int:
    """The bytes of files in file systems that these processes have and we do not: a sandbox's lie in memory."""
    sizes: dict[int, int] = {}
    ours = {_device(f"/{place}") for place in _IN_MEMORY}
    for process in processes if sys.platform == "linux" else ():
        for place in _IN_MEMORY:
            path = os.path.join(f"/proc/{process.pid}/root", place)  # noqa: PTH118
            device = _device(path)
            if device is not None and device not in ours and device not in sizes:
                with contextlib.suppress(OSError):
                    system = os.statvfs(path)
                    sizes[device] = (system.f_blocks - system.f_bfree) * system.f_frsize
    return sum(sizes.values())


def _device(path: str) -> int | None:
    with contextlib.suppress(OSError):
        return os.stat(path).st_dev  # noqa: PTH116 - a number is all that is wanted
    return None


def _used_by(pid: int) -> int:
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(pid).memory_info().rss)
        return 0
    hides = False
    try:
        found = _share(proctable.read(f"/proc/{pid}/smaps_rollup", _ROLLUP_BYTES))
    except PermissionError:
        found, hides = None, True
    except (OSError, ValueError):
        found = None
    if found is not None:
        return found
    with contextlib.suppress(OSError, ValueError, IndexError):
        resident, shared = map(int, proctable.read(f"/proc/{pid}/statm").split()[1:3])
        return max(0, resident - (0 if hides else shared)) * _PAGE
    return 0


def _share(rollup: bytes) -> int | None:
    """Of ``/proc/PID/smaps_rollup``; None when it does not say."""
    fields = [line.split() for line in rollup.splitlines()]
    sizes = [int(field[1]) * 1024 for field in fields if len(field) > 1 and field[0] in _COUNTED]
    return sum(sizes) if sizes else None
