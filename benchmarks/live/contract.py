"""The contract as ratios, and what several rounds of one design amount to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.live.run import Result

STALLED_MS = 1000.0


class Pooled:
    """Rounds of one design: medians of what each cost, all of what was timed."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = list(results)
        self.lates = sorted(value for result in results for value in result.late)
        self.echoes = sorted(value for result in results for value in result.echo)

    @property
    def median(self) -> Result:
        """One result of medians, its times the percentiles 50 and 99."""
        names = ("app", "children", "clients", "server", "rate", "shown", "slowest_write", "quiet", "waited")
        values = {name: statistics.median(getattr(result, name) for result in self.results) for name in names}
        made = Result(**values)
        made.frames = sum(result.frames for result in self.results)
        made.grown = max(result.grown for result in self.results)
        made.late, made.echo = [self.late(0.5), self.late(0.99)], [self.echo(0.5), self.echo(0.99)]
        return made

    def __getattr__(self, name: str) -> float:
        return float(statistics.median(getattr(result, name) for result in self.results))

    def late(self, share: float) -> float:
        return at(self.lates, share)

    def echo(self, share: float) -> float:
        return at(self.echoes, share)

    def alone(self, number: int) -> Pooled:
        """One round of it."""
        return Pooled(self.results[min(number, len(self.results) - 1) :][:1])


def at(values: Sequence[float], share: float) -> float:
    """A percentile of sorted values; not a number when there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def share_of(pooled: Pooled) -> float:
    """How much of the time in which a program could run it did run."""
    ran = pooled.app
    return ran / (ran + pooled.waited) if ran else 1.0


Runs = Mapping[str, Pooled]


@dataclass(frozen=True, slots=True)
class Term:
    """Something that must not be more than ``limit``."""

    what: str
    limit: float
    measure: Callable[[Runs], float]

    def spread(self, runs: Runs) -> tuple[float, float]:
        """Least and most of the rounds, each compared within itself."""
        rounds = max(len(one.results) for one in runs.values())
        values = [self.measure({design: one.alone(number) for design, one in runs.items()}) for number in range(rounds)]
        return min(values), max(values)


def ours(of: str, measure: Callable[[Pooled], float]) -> Callable[[Runs], float]:
    """What was measured of the room as a ratio to the same of another design."""
    return lambda runs: measure(runs["ours"]) / measure(runs[of])


def total(one: Pooled) -> float:
    return one.total


def rate(one: Pooled) -> float:
    return one.rate


def total_shown(one: Pooled) -> float:
    """What all would cost if every picture were shown: a design that cannot keep up looks cheaper than it is."""
    return one.total / one.shown


def rate_shown(one: Pooled) -> float:
    return one.rate / one.shown


def server(one: Pooled) -> float:
    return one.server


def late_p99(one: Pooled) -> float:
    return one.late(0.99)


def echo_p50(one: Pooled) -> float:
    return one.echo(0.5)


def echo_p99(one: Pooled) -> float:
    return one.echo(0.99)


def growth_mb(runs: Runs) -> float:
    return (runs["ours"].grown - runs["floor"].grown) / 1e6


CONTRACT: dict[str, tuple[Term, ...]] = {
    "idle100": (
        Term("percent of a core, clients and server too", 0.5, lambda runs: runs["ours"].total),
        Term("bytes a second", 0, lambda runs: runs["ours"].rate),
    ),
    "16x5": (
        Term("processor time a picture, of the baseline's", 1 / 4, ours("baseline", total_shown)),
        Term("bytes a picture, of the baseline's", 1 / 5, ours("baseline", rate_shown)),
        Term("picture p99, of the baseline's", 1 / 3, ours("baseline", late_p99)),
    ),
    "36x5": (
        Term("bytes, of `tmux attach`'s", 0.35, ours("attach", rate)),
        Term("key echo p99, of the baseline's", 1 / 3, ours("baseline", echo_p99)),
        Term("tmux server's time, of the floor's", 2.2, ours("floor", server)),
    ),
    "100x1": (Term("bytes, of `tmux attach`'s", 0.35, ours("attach", rate)),),
    "spew": (Term("points of a core above the floor", 8, lambda runs: runs["ours"].total - runs["floor"].total),),
    "slow40k": (
        Term("key echo p50, of the baseline's", 1 / 10, ours("baseline", echo_p50)),
    ),
    "sigstop": (
        Term("writes that stalled an agent", 0, lambda runs: float(runs["ours"].slowest_write > STALLED_MS)),
        Term("growth of the tmux server above the floor's, MB", 1, growth_mb),
    ),
}  # fmt: skip
