"""The ledger as the watcher keeps it: read once, and after a charge only what the charge has changed.

Forty runs at work are charged four times a second; reading the cells of everybody after each was half of what the
watcher computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet_tui.domain.events import RunMetered
from fleet_tui.domain.model import Run
from fleet_tui.domain.spending import Cells, chain, window_start_ns
from fleet_tui.store.reader import EventFilter, Reader

_MOST_CHARGES = 100
"""After more of them everything is read anew."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """``cells`` as of event ``seq`` and the hour that began at ``hour_ns``, with those of the runs ``of``."""

    seq: int
    hour_ns: int
    of: frozenset[str]
    cells: Cells


def brought_up(kept: Ledger | None, reader: Reader, now_ns: int, runs: Iterable[Run]) -> Ledger:
    """The ledger of this moment with the cells of ``runs`` at least, made from ``kept`` as far as that goes."""
    hour_ns, seq = window_start_ns("hour", now_ns), reader.last_seq()
    by_id = {run.id: run for run in runs}
    charged = _charged(kept, reader) if kept is not None and kept.hour_ns == hour_ns else None
    if kept is None or charged is None:
        return Ledger(seq, hour_ns, frozenset(by_id), reader.spending(hour_ns, tuple(by_id.values())))
    changed = [*charged, *(run for run in by_id.values() if run.id not in kept.of)]
    if not changed and kept.seq == seq:
        return kept
    subjects = {subject for run in changed for subject in chain(run.id, run.agent, run.role, run.ticket)}
    # Cells come and change and never go: what is not read again is what it was.
    cells = {**kept.cells, **(reader.spending_of(hour_ns, tuple(sorted(subjects))) if subjects else {})}
    return Ledger(seq, hour_ns, kept.of.union(by_id), cells)


def _charged(kept: Ledger, reader: Reader) -> list[Run] | None:
    """The runs that were charged since; None when something else happened too."""
    if kept.seq == reader.last_seq():
        return []
    if reader.kinds_after(kept.seq) != {RunMetered.kind}:
        return None
    charges = reader.events(EventFilter(kinds=(RunMetered.kind,)), after=kept.seq, limit=_MOST_CHARGES)
    found = [reader.run(charge.payload["run"]) for charge in charges]
    return [run for run in found if run is not None] if len(charges) < _MOST_CHARGES else None
