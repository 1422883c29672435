"""One transaction of the log: events, their bodies, the state tables, and the head row, all or nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.domain.events import Draft, Event
from fleet_tui.domain.ids import new_id
from fleet_tui.store import canonical, chain, indexes
from fleet_tui.store.errors import Fenced, Rejected
from fleet_tui.store.events import by_key, of_row
from fleet_tui.store.projections.registry import apply
from fleet_tui.store.tables import SqlTables
from fleet_tui.store.validate import check_payload

BODY_VERSION = 1
"""Version of the payload vocabulary, stored in every event, so that later code knows what to convert."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked draft with its canonical body; later changes of the caller's payload do not reach it."""

    draft: Draft
    body: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """What the writer stamps on its events."""

    host: str
    boot: str
    epoch: int


Redact = Callable[[str], str]
"""Takes credentials out of a text."""


def prepare(draft: Draft, redact: Redact | None = None) -> Prepared:
    """Raises :class:`Rejected` when ``draft`` cannot be recorded."""
    if redact is not None:
        draft = replace(draft, payload=_redacted(draft.payload, redact))
    for where in ("kind", "subject", "actor", "cause", "key"):
        text = getattr(draft, where)
        if text is not None:
            canonical.check_text(text, draft.kind, where)
    body = canonical.encode(draft.payload, draft.kind)
    check_payload(draft.kind, draft.payload)
    return Prepared(draft, body)


def _redacted(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redacted(item, redact) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item, redact) for item in value]
    return value


class Transaction:
    """Appends within one open transaction; the caller begins and commits."""

    def __init__(self, connection: sqlite3.Connection, origin: Origin) -> None:
        self._connection = connection
        self._origin = origin
        self._tables = SqlTables(connection)
        self._new: list[Event] = []
        self.seq, self.hash, epoch = chain.head_of(connection)
        if epoch != origin.epoch:
            raise Fenced(
                "another watcher has taken over",
                f"the log is at epoch {epoch}, this writer is epoch {origin.epoch}",
                "end this process; the newer one goes on",
            )

    def append(self, calls: Sequence[Prepared]) -> list[Event]:
        """The recorded events, in order; for a known key the event that has it."""
        return [self._append(prepared) for prepared in calls]

    def finish(self) -> None:
        """Writes changed rows, the indexes and the head; what remains is the commit."""
        self._tables.flush()
        indexes.add(self._connection, self._new)
        self._connection.execute("UPDATE head SET seq = ?, hash = ? WHERE id = 1", (self.seq, self.hash))

    def _append(self, prepared: Prepared) -> Event:
        draft = prepared.draft
        if draft.key is not None:
            existing = by_key(self._connection, draft.key)
            if existing is not None:
                return existing
        salt = chain.new_salt()
        row = self._seal(draft, chain.body_hash(salt, prepared.body))
        self._connection.execute(chain.INSERT, row)
        self._connection.execute("INSERT INTO event_body VALUES (?, ?, ?)", (row.seq, salt, prepared.body))
        event = of_row(row, prepared.body)
        self._apply(event)
        self._new.append(event)
        self.seq, self.hash = row.seq, row.hash
        return event

    def _seal(self, draft: Draft, body_hash: bytes) -> chain.EventRow:
        origin, at_ns = self._origin, time.time_ns()
        names = (draft.key, draft.kind, BODY_VERSION, draft.actor, draft.subject, draft.cause)
        clocks = (at_ns, time.monotonic_ns(), origin.boot)
        identity = (self.seq + 1, origin.host, new_id("ev", now_ns=at_ns))
        return chain.seal((*identity, *names, origin.epoch, *clocks, body_hash, self.hash))

    def _apply(self, event: Event) -> None:
        try:
            apply(self._tables, event)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Rejected("event refused", f"{event.kind}: {error}", "see docs/events.md") from error
