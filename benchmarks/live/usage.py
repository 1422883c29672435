"""Processor time from the kernel's own clock (schedstat, ns; not sampled), and memory."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Nanoseconds of processor time: the program, children of it that have ended, tmux clients, the tmux server."""

    app: int = 0
    children: int = 0
    clients: int = 0
    server: int = 0

    def since(self, before: Usage) -> Usage:
        return Usage(
            self.app - before.app,
            self.children - before.children,
            self.clients - before.clients,
            self.server - before.server,
        )

    @property
    def total(self) -> int:
        return self.app + self.children + self.clients + self.server


def usage(app: int | None, server: int) -> Usage:
    """What was used so far; ``app`` is the program in the terminal, or a tmux client itself."""
    spent_by_server = spent(server)
    if app is None:
        return Usage(server=spent_by_server)
    if is_tmux(app):
        return Usage(clients=spent(app), server=spent_by_server)
    clients = sum(spent(pid) for pid in children(app) if is_tmux(pid))
    return Usage(spent(app), ended_children(app), clients, spent_by_server)


def spent(pid: int) -> int:
    """Processor time of all threads that live, in nanoseconds."""
    return _of_threads(pid, 0)


def delayed(pid: int | None) -> int:
    """How long its threads could have run but waited for a processor, in nanoseconds."""
    return _of_threads(pid, 1) if pid is not None else 0


def _of_threads(pid: int, field: int) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[field])
    return total


def ended_children(pid: int) -> int:
    """Processor time of children that were waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[13]) + int(fields[14])) * _TICK_NS


def children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def is_tmux(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("tmux")
    except OSError:
        return False


def resident(pid: int) -> int:
    """Bytes of memory in use."""
    return int(psutil.Process(pid).memory_info().rss)
