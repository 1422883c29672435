"""Erases what leaked into an event, without breaking the chain, and leaves an event that says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import PAYLOADS, BodyErased, Event, draft
from fleet_tui.store import canonical, chain, events, search
from fleet_tui.store.append import Origin, Transaction, prepare
from fleet_tui.store.connection import exclusive
from fleet_tui.store.erasures import ERASED
from fleet_tui.store.rebuild import fold, replace

_FREE_TEXT = frozenset(
    "act body command conflict data error excerpt instructions problems reason reasons response result shown summary "  # noqa: SIM905
    "tail text title".split()
)
"""Payload fields that no decision depends on; without ids, hashes, states and names the log could not be replayed."""


def erase_body(database: Path, seq: int, *, actor: str, reason: str, secret: str | None = None) -> Event:
    """Overwrites ``secret`` wherever it stands in the payload of event ``seq``, or all free text when none is given.

    The tables are replayed, so that the text is gone from them too. The envelope (subject, actor, key) is part of the
    chain and stays. Copies made earlier (backups, exports) are not reached. The caller must hold the watcher's lock.
    Returns the ``body_erased`` event.

    Raises:
        FleetError: no such event, or nothing to erase in it; then nothing has changed.
    """
    with exclusive(database) as connection:
        connection.execute("PRAGMA secure_delete = on")
        event = _find(events.events(connection.execute(f"{events.SELECT} WHERE e.seq = ?", (seq,)).fetchall()), seq)
        payload = _redacted(event, secret)
        search.remove(connection, event)
        search.add(connection, [dataclasses.replace(event, payload=payload)])
        body = canonical.encode(payload, event.kind)
        salt = chain.new_salt()
        connection.execute("UPDATE event_body SET salt = ?, bytes = ? WHERE seq = ?", (salt, body, seq))
        record = BodyErased(seq, event.id, chain.body_hash(salt, body).hex(), reason)
        erasure = draft(record, event.subject, actor=actor, cause=event.id)
        tables, _count = fold(connection)
        replace(connection, tables)
        stream, epoch = connection.execute("SELECT stream, epoch FROM head").fetchone()
        transaction = Transaction(connection, Origin(stream, chain.boot_id(), epoch))
        recorded = transaction.append([prepare(erasure)])[0]
        transaction.finish()
    return recorded


def _find(found: list[Event], seq: int) -> Event:
    if not found:
        raise FleetError("no such event", f"the log has no event {seq}", "look it up with: fleet log")
    if found[0].kind == BodyErased.kind:
        raise FleetError("cannot be erased", f"event {seq} records an erasure", "erase the event that it names")
    return found[0]


def _redacted(event: Event, secret: str | None) -> dict[str, Any]:
    if secret is not None:
        payload = _without(event.payload, secret)
    elif event.kind in PAYLOADS:
        payload = {name: _blank(value) if name in _FREE_TEXT else value for name, value in event.payload.items()}
    else:
        payload = {name: value if name == "to" else _blank(value) for name, value in event.payload.items()}
    if payload == event.payload:
        raise FleetError("nothing to erase", f"event {event.seq} ({event.kind}) does not hold it", "check the number")
    assert isinstance(payload, dict)
    return payload


def _without(value: Any, secret: str) -> Any:
    match value:
        case str():
            return value.replace(secret, ERASED)
        case list():
            return [_without(item, secret) for item in value]
        case dict():
            return {name.replace(secret, ERASED): _without(item, secret) for name, item in value.items()}
    return value


def _blank(value: Any) -> Any:
    """The same shape, so that the payload still fits its kind."""
    match value:
        case str():
            return ERASED if value else value
        case list():
            return [_blank(item) for item in value]
        case dict():
            return {}
    return value
