"""The operator's client: one call over the watcher's socket, for the command line and the control room."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
import time
from pathlib import Path
from typing import Any

from fleet_tui.bus import protocol
from fleet_tui.domain.errors import FleetError, Unanswered, WatcherUnavailable

_START_HINT = "start it: fleet up"


def call(
    socket: Path, op: str, args: dict[str, Any], time_limit_s: float = 10, *, request_id: str | None = None
) -> dict[str, Any]:
    """The watcher's answer to ``op``, without ``ok``. A repeat with the same ``request_id`` is the same act.

    Raises:
        WatcherUnavailable: nobody is there to be asked.
        Unanswered: it was asked and did not answer within the time limit; the log may know the request.
        FleetError: the watcher refused or failed; the subclass that its answer names.
    """
    frame = _frame(op, args, request_id)
    deadline_s, is_asked = time.monotonic() + time_limit_s, False
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        try:
            connection.settimeout(time_limit_s)
            connection.connect(str(socket))
            is_asked = True
            # A refused caller's connection may be closed before it has written; the refusal is still there to read.
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(frame)
            size = _size(_receive(connection, 4, deadline_s))
            body = _receive(connection, size, deadline_s)
        except (OSError, EOFError) as error:
            raise _unavailable(socket, error, is_asked=is_asked) from error
    return protocol.result_of(protocol.decode(body))


async def acall(
    socket: Path, op: str, args: dict[str, Any], time_limit_s: float = 10, *, request_id: str | None = None
) -> dict[str, Any]:
    """Like :func:`call`, for an event loop."""
    frame, is_asked = _frame(op, args, request_id), False
    # Not through asyncio's streams: when sending fails they throw away the answer that is there to read.
    loop = asyncio.get_running_loop()
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            async with asyncio.timeout(time_limit_s):
                await loop.sock_connect(connection, str(socket))
                is_asked = True
                with contextlib.suppress(BrokenPipeError):
                    await loop.sock_sendall(connection, frame)
                size = _size(await _areceive(connection, 4))
                body = await _areceive(connection, size)
        except (OSError, EOFError) as error:
            raise _unavailable(socket, error, is_asked=is_asked) from error
    return protocol.result_of(protocol.decode(body))


def new_request() -> str:
    """An id for a request that may have to be looked up in the log."""
    return protocol.new_request_id()


def key_of(request_id: str) -> str:
    """The key of the event that a person's request with this id has recorded."""
    return protocol.request_key("operator", request_id)


async def _areceive(connection: sockets.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        parts += _some(await asyncio.get_running_loop().sock_recv(connection, min(65536, size - len(parts))))
    return bytes(parts)


def _frame(op: str, args: dict[str, Any], request_id: str | None) -> bytes:
    return protocol.encode(protocol.Request(request_id or protocol.new_request_id(), op, args).as_dict())


def _size(header: bytes) -> int:
    size = int.from_bytes(header, "big")
    if size > protocol.MAX_FRAME:
        raise FleetError("bad answer", f"{size} bytes of at most {protocol.MAX_FRAME}")
    return size


def _receive(connection: sockets.socket, size: int, deadline_s: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("no answer in time")
        connection.settimeout(left_s)
        parts += _some(connection.recv(min(65536, size - len(parts))))
    return bytes(parts)


def _some(received: bytes) -> bytes:
    if not received:
        raise EOFError("the connection ended without an answer")
    return received


def _unavailable(socket: Path, error: Exception, *, is_asked: bool) -> WatcherUnavailable:
    kind = Unanswered if is_asked else WatcherUnavailable
    if isinstance(error, TimeoutError):
        return kind("the watcher does not answer", f"no answer on {socket} in time", "fleet watcher status")
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return WatcherUnavailable("the watcher is not running", f"nobody listens on {socket}", _START_HINT)
    return kind("the watcher cannot be reached", f"{socket}: {error}", _START_HINT)
