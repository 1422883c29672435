"""What processes and files amount to at one moment, and what differs between two moments."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from benchmarks.live.usage import children, ended_children, is_tmux, spent


@dataclass(frozen=True, slots=True)
class Process:
    """Memory in bytes: resident, and of it what is shared with nobody (what a leak makes grow); processor time in ns,
    that of ended children included."""

    resident: int = 0
    private: int = 0
    threads: int = 0
    files: int = 0
    children: int = 0
    spent_ns: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """``at_s`` is counted from the start of the fleet, ``written`` (bytes to the terminal) from that of the room."""

    at_s: float
    lull: bool
    load: float
    room: Process
    clients: Process
    """The room's clients of tmux, together."""
    watcher: Process
    tmux: Process
    written: int
    events: int
    database: int
    wal: int
    panes: int
    history: int
    """Bytes that the tmux server keeps of what scrolled away."""
    shipped: int

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def look_at(pid: int) -> Process:
    """All zero when there is no such process."""
    with contextlib.suppress(OSError):
        place = Path(f"/proc/{pid}")
        memory = _fields(place / "smaps_rollup")
        private = memory.get("Private_Clean", 0) + memory.get("Private_Dirty", 0)
        threads, files = (sum(1 for _ in (place / name).iterdir()) for name in ("task", "fd"))
        spent_ns = spent(pid) + ended_children(pid)
        return Process(memory.get("Rss", 0), private, threads, files, len(children(pid)), spent_ns)
    return Process()


def clients_of(pid: int) -> Process:
    """The tmux clients below ``pid`` as one."""
    parts = [look_at(child) for child in children(pid) if is_tmux(child)]
    return Process(*(sum(getattr(part, field.name) for part in parts) for field in dataclasses.fields(Process)))


def size_of(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _fields(path: Path) -> dict[str, int]:
    """The kilobyte fields of a file in /proc, as bytes."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) == 3 and words[2] == "kB"}
