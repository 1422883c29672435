"""The log as JSON Lines, with everything that is needed to verify the chain elsewhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleet_tui.domain.events import Event
from fleet_tui.store import queries
from fleet_tui.store.connection import open_reader, raw
from fleet_tui.store.errors import storage_error
from fleet_tui.store.filters import EventFilter

_BATCH = 1000
_PROOF = (
    "SELECT e.ver, e.mono_ns, e.boot, e.body_hash, b.salt FROM event e LEFT JOIN event_body b USING (seq) WHERE seq = ?"
)


Write = Callable[[str], object]


def export(database: Path, write: Write, wanted: EventFilter | None = None) -> int:
    """Writes the events that match, one JSON object a line, ascending; returns how many. Lines are ASCII that draws.

    ``payload`` is the recorded body: its canonical JSON after ``salt`` hashes to ``body_hash``.

    Raises:
        FleetError: the database cannot be read.
    """
    db = open_reader(database)
    try:
        return _export(raw(db), write, wanted or EventFilter())
    except sqlite3.Error as error:
        raise storage_error(error, database) from error
    finally:
        db.close()


def _export(connection: sqlite3.Connection, write: Write, wanted: EventFilter) -> int:
    count, after = 0, 0
    while page := queries.page(connection, wanted, None, after, _BATCH):
        for event in page:
            write(json.dumps(_line(connection, event), sort_keys=True, separators=(",", ":")) + "\n")
        count += len(page)
        after = page[-1].seq
    return count


def _line(connection: sqlite3.Connection, event: Event) -> dict[str, Any]:
    version, mono_ns, boot, body_hash, salt = connection.execute(_PROOF, (event.seq,)).fetchone()
    envelope = {name: getattr(event, name) for name in Event.__slots__}
    proof = {"body_hash": body_hash.hex(), "salt": None if salt is None else salt.hex()}
    return {**envelope, **proof, "ver": version, "mono_ns": mono_ns, "boot": boot}
