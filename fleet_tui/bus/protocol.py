"""Frames and requests of the bus.

A frame is a 4-byte big-endian length and that many bytes of JSON, at most :data:`MAX_FRAME`.
Request: ``{"v": 1, "id": <request id>, "op": <verb>, "args": {...}, "token": <text or null>}``.
Answer: ``{"ok": true, ...}`` or ``{"ok": false, "error": ..., "title": ..., "message": ..., "hint": ...}``.
Nothing is guessed: a field that is missing, unknown or of the wrong type is an error.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, Refused, UsageError, WatcherUnavailable
from fleet_tui.domain.text import clean, one_line

VERSION = 1
MAX_FRAME = 256 * 1024
"""Bytes of JSON in one frame, in both directions."""
FRAME_LIMIT_S = 2.0
"""A started frame must be complete within this time, and a new connection must send one."""
DENIED = "denied"
"""The server's own report to its handler; a caller may not send it."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}\Z")
_OP = re.compile(r"[a-z][a-z0-9_.-]{0,39}\Z")
_FIELDS = frozenset({"v", "id", "op", "args", "token"})
_STAMPED = frozenset({"actor", "sender", "host", "epoch", "at_ns"})
"""What the watcher stamps from the caller's identity; stating it is an error, not ignored."""


class BadFrame(FleetError):
    """What came over the socket is not a request."""


class SlowDown(FleetError):
    """The caller sends more than its share."""


_ERRORS: dict[str, type[FleetError]] = {
    kind.__name__: kind
    for kind in (FleetError, UsageError, Refused, Conflict, NothingToDo, WatcherUnavailable, SlowDown, BadFrame)
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call. ``id`` is the caller's: the same id means the same act."""

    id: str
    op: str
    args: dict[str, Any]
    token: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"v": VERSION, "id": self.id, "op": self.op, "args": self.args, "token": self.token}


def new_request_id() -> str:
    """An unguessable request id."""
    return f"req-{secrets.token_hex(16)}"


def request_key(principal: str, request_id: str) -> str:
    """The idempotency key of ``request_id`` of ``principal``; the same over the socket and from the spool."""
    return f"{principal}/{request_id}"


def encode(value: Mapping[str, Any]) -> bytes:
    """``value`` as a frame.

    Raises:
        FleetError: larger than :data:`MAX_FRAME`, or not JSON.
    """
    try:
        body = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadFrame("not JSON", str(error)) from error
    if len(body) > MAX_FRAME:
        raise BadFrame(
            "too large", f"{len(body)} bytes of at most {MAX_FRAME}", "put long text into a file and name it"
        )
    return len(body).to_bytes(4, "big") + body


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``.

    Raises:
        BadFrame: not UTF-8, not JSON, not an object, a key twice, or nested too deeply.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise BadFrame("bad frame", "nested too deeply") from error
    except ValueError as error:
        raise BadFrame("bad frame", f"not JSON: {one_line(str(error))}") from error
    if not isinstance(value, dict):
        raise BadFrame("bad frame", f"an object is expected, not {type(value).__name__}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def parse_request(body: bytes) -> Request:
    """The request in a frame's body.

    Raises:
        BadFrame: anything about it is not exactly as documented.
    """
    fields = decode(body)
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        raise BadFrame("bad request", f"unknown field {one_line(unknown[0], 40)!r}")
    if type(fields.get("v")) is not int or fields["v"] != VERSION:
        raise BadFrame(
            "bad request", f"protocol version {VERSION} is expected", "client and watcher differ: restart both"
        )
    request_id, op, args, token = (fields.get(name) for name in ("id", "op", "args", "token"))
    if not isinstance(request_id, str) or not _REQUEST_ID.match(request_id):
        raise BadFrame("bad request", "`id` must be 1 to 80 letters, digits, dots, colons or hyphens")
    if not isinstance(op, str) or not _OP.match(op) or op == DENIED:
        raise BadFrame("bad request", "`op` is not a verb")
    if not isinstance(args, dict):
        raise BadFrame("bad request", "`args` must be an object")
    if token is not None and (not isinstance(token, str) or len(token) > 512):
        raise BadFrame("bad request", "`token` must be text or null")
    _refuse_stamped(args)
    return Request(request_id, op, args, token)


def _refuse_stamped(args: dict[str, Any]) -> None:
    claimed = sorted(args.keys() & _STAMPED)
    if claimed:
        raise BadFrame("bad request", f"`{claimed[0]}` is stamped by the watcher and may not be stated", "leave it out")


def success(result: Mapping[str, Any]) -> dict[str, Any]:
    return {**result, "ok": True}


def failure(error: FleetError) -> dict[str, Any]:
    return {"ok": False, **error.as_dict()}


def result_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer's fields without ``ok``.

    Raises:
        FleetError: the answer is a refusal or failure; the class that it names, with cleaned texts.
    """
    if answer.get("ok") is True:
        return {name: value for name, value in answer.items() if name != "ok"}
    kind = _ERRORS.get(str(answer.get("error")), FleetError)
    title, message, hint = (clean(str(answer.get(name, "")), 4000) for name in ("title", "message", "hint"))
    raise kind(title or "the watcher failed", message, hint)


async def read_frame(reader: asyncio.StreamReader, *, first_byte_s: float = FRAME_LIMIT_S) -> bytes | None:
    """The body of the next frame, or None at a clean end of the stream.

    Raises:
        BadFrame: too large, cut off, or too slow.
    """
    try:
        async with asyncio.timeout(first_byte_s):
            header = await reader.readexactly(4)
        size = int.from_bytes(header, "big")
        if size > MAX_FRAME:
            raise BadFrame("bad frame", f"{size} bytes of at most {MAX_FRAME}")
        async with asyncio.timeout(FRAME_LIMIT_S):
            return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if not error.partial and error.expected == 4:
            return None
        raise BadFrame("bad frame", "cut off") from error
    except TimeoutError as error:
        raise BadFrame("bad frame", f"no complete frame within {first_byte_s:g} s") from error
