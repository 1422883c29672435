"""The hash chain: every event covers the one before and a salted hash of its own body.

The salted body hash lets a leaked secret be erased without breaking the chain, and stops guessing of short secrets.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_TAG = b"fleet.event.v1"
_NULL = struct.pack(">q", -1)
GENESIS = bytes(32)
"""``previous`` of the first event."""
SALT_BYTES = 16


class EventRow(NamedTuple):
    """A row of table ``event``, in column order. The first fifteen columns are covered by ``hash``, in this order."""

    seq: int
    stream: str
    eid: str
    key: str | None
    kind: str
    ver: int
    actor: str
    subject: str
    cause: str | None
    epoch: int
    at_ns: int
    mono_ns: int
    boot: str
    body_hash: bytes
    prev: bytes
    hash: bytes


COLUMNS = ", ".join(EventRow._fields)
INSERT = f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * len(EventRow._fields))})"  # noqa: S608 - constants


def body_hash(salt: bytes, body: bytes) -> bytes:
    """SHA-256 over ``salt`` and the canonical body."""
    return hashlib.sha256(salt + body).digest()


def event_hash(columns: Sequence[str | int | bytes | None]) -> bytes:
    """SHA-256 over the first fifteen columns of an event, each with its length; None differs from empty."""
    parts = [_TAG]
    for value in columns[:15]:
        if value is None:
            parts.append(_NULL)
            continue
        data = value if isinstance(value, bytes) else str(value).encode()
        parts.append(struct.pack(">q", len(data)))
        parts.append(data)
    return hashlib.sha256(b"".join(parts)).digest()


def seal(columns: tuple[str | int | bytes | None, ...]) -> EventRow:
    """The row of fifteen columns with its hash."""
    return EventRow._make((*columns, event_hash(columns)))


def new_salt() -> bytes:
    return os.urandom(SALT_BYTES)


def boot_id() -> str:
    """What tells one boot of this machine from another; monotonic clocks compare only within one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        started_s = round((time.time() - time.monotonic()) / 60) * 60
        return f"{sys.platform}-{started_s}"


def head_of(connection: sqlite3.Connection) -> tuple[int, bytes, int]:
    """``seq``, ``hash`` and ``epoch`` of the head row."""
    row = connection.execute("SELECT seq, hash, epoch FROM head WHERE id = 1").fetchone()
    return int(row[0]), bytes(row[1]), int(row[2])
