"""Which erasures count: those that could have come from :func:`fleet_tui.store.erase.erase_body`, and no others.

An erasure lets a body stand that its event never had, so it is the one place where the chain alone proves nothing.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from fleet_tui.domain.events import BodyErased
from fleet_tui.store import canonical, chain
from fleet_tui.store.errors import Rejected
from fleet_tui.store.validate import check_payload

ERASED = "[erased]"
"""What stands where text was erased."""
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Erasures:
    """``replaced``: event number to the hash of the body that its last valid erasure left; ``problems`` by event."""

    replaced: dict[int, str] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)


def read(connection: sqlite3.Connection) -> Erasures:
    """Every erasure that the log records, in order."""
    found = Erasures()
    sql = (
        "SELECT e.seq, e.actor, e.subject, e.cause, e.body_hash, b.salt, b.bytes FROM event e "
        "LEFT JOIN event_body b USING (seq) WHERE e.kind = ? ORDER BY e.seq"
    )
    for seq, actor, subject, cause, body_hash, salt, body in connection.execute(sql, (BodyErased.kind,)).fetchall():
        if not (isinstance(salt, bytes) and isinstance(body, bytes)) or chain.body_hash(salt, body) != body_hash:
            continue  # its own body is wrong: that is said of it when its turn comes
        payload = _payload(body, BodyErased.kind)
        if payload is None:
            found.problems[seq] = "is an erasure of a wrong shape"
            continue
        wrong = _objection(connection, seq, actor, subject, cause, payload)
        if wrong:
            found.problems[seq] = wrong
        else:
            found.replaced[payload["seq"]] = payload["replacement"]
    return found


def is_erased(kind: str, body: bytes) -> bool:
    """Whether ``body`` can be what an erasure left of an event of ``kind``: its shape, canonical, with the mark."""
    return _payload(body, kind) is not None and ERASED.encode() in body


def _payload(body: bytes, kind: str) -> dict[str, Any] | None:
    try:
        payload = canonical.decode(body)
        if canonical.encode(payload, kind) != body:
            return None
        check_payload(kind, payload)
    except (ValueError, RecursionError, Rejected):
        return None
    return payload


def _objection(
    connection: sqlite3.Connection, seq: int, actor: object, subject: object, cause: object, payload: dict[str, Any]
) -> str:
    """Why this erasure does not count; "" when it does."""
    if not _HASH.fullmatch(payload["replacement"]):
        return "is an erasure of a wrong shape"
    if not (isinstance(actor, str) and actor.startswith("operator:")):
        return f"is an erasure by {actor}: only a person erases"
    target = payload["seq"]
    row = connection.execute("SELECT eid, subject, kind FROM event WHERE seq = ?", (target,)).fetchone()
    if row is None or not 0 < target < seq:
        return f"erases event {target}, which is not before it"
    if row != (payload["event"], subject, row[2]) or cause != payload["event"] or row[2] == BodyErased.kind:
        return f"erases event {target}, but does not fit it"
    return ""
