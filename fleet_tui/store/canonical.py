"""The canonical form of payloads: the bytes that are hashed.

JSON with sorted keys and ASCII escapes; integers of 64 bits, no floats (their text differs between languages), no
NUL and no lone surrogates (PostgreSQL and UTF-8 know neither).
"""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.store.errors import Rejected

BODY_LIMIT = 64 * 1024
"""Bytes of canonical JSON in one event; larger texts are blobs."""
_DEPTH_LIMIT = 32
_INT_LIMIT = 2**63


def encode(payload: dict[str, Any], kind: str) -> bytes:
    """The canonical bytes of ``payload``.

    Raises:
        Rejected: a value has no canonical form, or the whole is larger than :data:`BODY_LIMIT`.
    """
    if not isinstance(payload, dict):
        raise _rejected(kind, "payload", "is not a map")
    _check(payload, kind, "payload", 0)
    body = dumps(payload).encode("ascii")
    if len(body) > BODY_LIMIT:
        raise Rejected(
            "event too large",
            f"{kind}: {len(body)} bytes, the limit is {BODY_LIMIT}",
            "store the long text as a blob and put its hash in the event",
        )
    return body


def decode(body: bytes) -> dict[str, Any]:
    """The payload of canonical bytes."""
    payload: dict[str, Any] = json.loads(body)
    return payload


def dumps(value: object) -> str:
    """Canonical JSON text of an already checked value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def check_text(text: str, kind: str, where: str) -> None:
    """Raises :class:`Rejected` when ``text`` cannot be stored everywhere."""
    if "\0" in text:
        raise _rejected(kind, where, "contains a NUL character")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise _rejected(kind, where, "contains a lone surrogate") from None


def _check(value: object, kind: str, where: str, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise _rejected(kind, where, f"is nested deeper than {_DEPTH_LIMIT} levels")
    match value:
        case None | bool():
            return
        case str():
            check_text(value, kind, where)
        case int():
            if not -_INT_LIMIT <= value < _INT_LIMIT:
                raise _rejected(kind, where, "does not fit in 64 bits")
        case list() | tuple():
            for index, item in enumerate(value):
                _check(item, kind, f"{where}[{index}]", depth + 1)
        case dict():
            for name, item in value.items():
                if not isinstance(name, str):
                    raise _rejected(kind, where, f"has a key that is not text: {name!r}")
                check_text(name, kind, f"{where} key")
                _check(item, kind, f"{where}.{name}", depth + 1)
        case _:
            raise _rejected(kind, where, f"is a {type(value).__name__}; only text, integers, booleans, lists and maps")


def _rejected(kind: str, where: str, why: str) -> Rejected:
    return Rejected("event refused", f"{kind}: {where} {why}", "clean the text, use integers with a unit in the name")
