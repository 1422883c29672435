"""The deep check, run after every fault test and by hand: does what happened still add up?

Beyond :func:`fleet_tui.store.audit.verify` (chain, head, anchors, tables are the fold of the log): every planned act is
in the outbox, none that may happen once was repeated blindly, every text that the log names is there, and no run was
undercharged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    AgentsRevised,
    EffectAttempted,
    EffectDone,
    EffectFailed,
    EffectPlanned,
    EffectUncertain,
    Event,
    MessageSent,
    TicketChanged,
    TicketCreated,
)
from fleet_tui.domain.states import ENDED_RUNS, EffectClass
from fleet_tui.store import blobs
from fleet_tui.store.audit import Problem, verify
from fleet_tui.store.reader import Reader

_BLOB_FIELDS = {TicketCreated.kind: "body_sha", TicketChanged.kind: "body_sha", MessageSent.kind: "text_sha"}


def check(database: Path, blob_directory: Path) -> list[Problem]:
    """Everything that does not add up; empty is good. Reads the whole log, and may run beside a watcher.

    Raises:
        FleetError: the database cannot be read at all.
    """
    outbox, texts = _Outbox(), _Texts()
    reader = Reader.open(database)
    try:
        before = {effect.id for effect in reader.effects()}
        report = verify(database, observers=(outbox.see, texts.see))
        after = {effect.id for effect in reader.effects()}
        problems = [*report.problems, *outbox.problems, *texts.missing(blob_directory)]
        return problems + list(_undercharged(reader)) + list(outbox.unmatched(before, after))
    finally:
        reader.close()


class _Outbox:
    """Follows every effect through the log."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._planned: dict[str, str] = {}
        self._open: dict[str, str] = {}

    def see(self, event: Event) -> None:
        effect = event.payload.get("effect")
        if not isinstance(effect, str):
            return
        if event.kind == EffectPlanned.kind:
            self._planned.setdefault(effect, event.payload["effect_class"])
        elif event.kind == EffectAttempted.kind:
            self._attempted(event, effect)
        elif event.kind in (EffectDone.kind, EffectFailed.kind):
            retry = event.kind == EffectFailed.kind and event.payload.get("retry")
            self._open[effect] = "" if retry else "concluded"
        elif event.kind == EffectUncertain.kind:
            self._open[effect] = "uncertain"

    def unmatched(self, before: set[str], after: set[str]) -> Iterator[Problem]:
        """Planned effects without a row, and rows that no event planned; rows of ``before`` and ``after`` the log was
        read, for others are planned meanwhile."""
        for effect in sorted((self._planned.keys() - after) | (before - self._planned.keys())):
            yield Problem(None, f"effect {effect}: outbox and log disagree")

    def _attempted(self, event: Event, effect: str) -> None:
        before = self._open.get(effect)
        if effect not in self._planned:
            self.problems.append(Problem(event.seq, f"effect {effect} was attempted without a plan"))
        elif before == "concluded":
            self.problems.append(Problem(event.seq, f"effect {effect} was attempted after it was concluded"))
        elif before and self._planned[effect] == EffectClass.ONCE:
            self.problems.append(
                Problem(event.seq, f"effect {effect} may happen once, but was repeated while {before}")
            )
        self._open[effect] = "attempting"


class _Texts:
    """Collects the blobs that events refer to."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def see(self, event: Event) -> None:
        sha = event.payload.get(_BLOB_FIELDS.get(event.kind, ""))
        if sha:
            self._first.setdefault(sha, event.seq)
        if event.kind == AgentsRevised.kind:
            for row in event.payload["revisions"]:
                for text in filter(None, (row["definition"], row["prompt"])):
                    self._first.setdefault(text, event.seq)

    def missing(self, directory: Path) -> Iterator[Problem]:
        for sha, seq in self._first.items():
            try:
                blobs.get(directory, sha)
            except FleetError as error:
                yield Problem(seq, f"{error.title}: {error.message}")


def _undercharged(reader: Reader) -> Iterator[Problem]:
    """Slices are paid in advance, so an ended run has paid at least for the time that it was active."""
    for run in reader.runs(*ENDED_RUNS):
        if run.started_ns is not None and run.charged_ms < run.active_ms:
            what = f"run {run.id} was active for {run.active_ms} ms but charged {run.charged_ms} ms"
            yield Problem(None, what)
