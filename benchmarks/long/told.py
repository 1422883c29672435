"""What the samples of a long run say: start, middle and end, and what still grows. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from benchmarks.long.sample import Process, Sample

MB = 1e6
SKIPPED_S = 60.0
"""Whatever starts grows at first; no sample this soon after the first one is looked at."""
PARTS = ("start", "middle", "end")


def told(samples: Sequence[Sample], agents: int, cycle_s: float) -> list[str]:
    """The report as lines."""
    begun = samples[0].at_s + min(SKIPPED_S, cycle_s / 4) if samples else 0.0
    kept = [sample for sample in samples if sample.at_s >= begun]
    if len(kept) < 6:
        return ["too short to say anything"]
    whole_s = kept[-1].at_s - kept[0].at_s
    last = kept[-1]
    lines = [
        f"{agents} agents, {whole_s / 60:.0f} minutes; {last.shipped} tickets shipped, {last.events} events, "
        f"{last.panes} panes; load {min(s.load for s in kept):.1f} to {max(s.load for s in kept):.1f}",
        "",
        f"{'':34} {'start':>9} {'middle':>9} {'end':>9} {'end/start':>10} {'an hour':>9}",
    ]
    for name, value, unit in LEVELS:
        lines.append(_level(name, [value(sample) / unit for sample in kept], [sample.at_s for sample in kept]))
    lines += ["", f"{'':34} {'start':>9} {'middle':>9} {'end':>9} {'end/start':>10}"]
    for name, spent, unit in SPENT:
        for lull in (False, True):
            lines.append(_rates(f"{name}, {'all rest' if lull else 'at work'}", kept, spent, unit, lull=lull))
    return lines


def _process(of: str, what: str) -> Callable[[Sample], float]:
    return lambda sample: float(getattr(getattr(sample, of), what))


LEVELS: tuple[tuple[str, Callable[[Sample], float], float], ...] = (
    ("room: memory of its own, MB", _process("room", "private"), MB),
    ("room: resident, MB", _process("room", "resident"), MB),
    ("room: file descriptors", _process("room", "files"), 1),
    ("room: threads", _process("room", "threads"), 1),
    ("watcher: memory of its own, MB", _process("watcher", "private"), MB),
    ("watcher: resident, MB", _process("watcher", "resident"), MB),
    ("watcher: file descriptors", _process("watcher", "files"), 1),
    ("watcher: threads", _process("watcher", "threads"), 1),
    ("watcher: child processes", _process("watcher", "children"), 1),
    ("tmux server: memory of its own, MB", _process("tmux", "private"), MB),
    ("tmux server: history of panes, MB", lambda sample: sample.history, MB),
    ("tmux server: file descriptors", _process("tmux", "files"), 1),
    ("panes", lambda sample: sample.panes, 1),
    ("events", lambda sample: sample.events, 1),
    ("database, MB", lambda sample: sample.database, MB),
    ("its write-ahead log, MB", lambda sample: sample.wal, MB),
)  # fmt: skip

SPENT: tuple[tuple[str, Callable[[Sample], float], float], ...] = (
    ("room, % of a core", lambda sample: _spent(sample.room), 1e7),
    ("its tmux clients, % of a core", lambda sample: _spent(sample.clients), 1e7),
    ("tmux server, % of a core", lambda sample: _spent(sample.tmux), 1e7),
    ("watcher, % of a core", lambda sample: _spent(sample.watcher), 1e7),
    ("room to terminal, kB/s", lambda sample: sample.written, 1e3),
)


def _spent(process: Process) -> float:
    return float(process.spent_ns)


def _level(name: str, values: Sequence[float], at_s: Sequence[float]) -> str:
    """Medians of the first, middle and last fifth, and how fast it grows in the second half."""
    start, middle, end = (statistics.median(part) for part in _fifths(values))
    half = len(values) // 2
    grows = 3600 * statistics.linear_regression(at_s[half:], values[half:]).slope
    ratio = f"{end / start:10.2f}" if start else f"{'':10}"
    return f"{name:34} {start:9.1f} {middle:9.1f} {end:9.1f} {ratio} {grows:+9.1f}"


def _rates(name: str, samples: Sequence[Sample], spent: Callable[[Sample], float], unit: float, *, lull: bool) -> str:
    """What was spent a second, between samples that lie both in a rest or both outside one."""
    pairs = [(a, b) for a, b in pairwise(samples) if a.lull is lull and b.lull is lull]
    rates = [(spent(b) - spent(a)) / unit / (b.at_s - a.at_s) for a, b in pairs]
    if len(rates) < 3:
        return f"{name:42} too few samples"
    thirds = [statistics.median(part) for part in _parts(rates, 3)]
    ratio = f"{thirds[2] / thirds[0]:10.2f}" if thirds[0] else ""
    return f"{name:34} " + " ".join(f"{value:9.2f}" for value in thirds) + f" {ratio}"


def _fifths(values: Sequence[float]) -> Iterable[Sequence[float]]:
    fifths = _parts(values, 5)
    return fifths[0], fifths[2], fifths[4]


def _parts(values: Sequence[float], number: int) -> list[Sequence[float]]:
    """``values`` in ``number`` parts one after another."""
    bounds = [len(values) * at // number for at in range(number + 1)]
    return [values[a:b] for a, b in pairwise(bounds)]
