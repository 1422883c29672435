"""The runner's control socket: JSON lines over a unix socket, without a thread and without ever blocking the runner."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 4096
"""A longer request line ends the connection."""
MOST_CLIENTS = 16

Handler = Callable[[dict[str, Any]], dict[str, Any]]


class ControlSocket:
    """Listens on ``path`` (mode 0600) and answers each request line with what ``handle`` returns."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, handle: Handler) -> None:
        self._path = path
        self._selector = selector
        self._handle = handle
        self._clients: dict[socket.socket, bytearray] = {}
        self._listener = _bind(path)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Stop listening and drop every client: to them the end of the connection is the end of the run."""
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            if len(self._clients) >= MOST_CLIENTS or not _same_user(client):
                client.close()
                return
            client.setblocking(False)
            self._clients[client] = bytearray()
            self._selector.register(client, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        buffer = self._clients[client]
        buffer += data
        if not data or (len(buffer) > MOST_BYTES and b"\n" not in buffer):
            self._drop(client)
            return
        while b"\n" in buffer and client in self._clients:
            line, _, rest = bytes(buffer).partition(b"\n")
            buffer[:] = rest
            self._answer(client, line)

    def _answer(self, client: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            reply = self._handle(request) if isinstance(request, dict) else {"error": "not an object"}
        except ValueError as error:
            reply = {"error": f"bad request: {error}"}
        try:
            client.send(json.dumps(reply).encode() + b"\n")
        except OSError:
            # A client that does not read its short answer gets no second one: the runner must never wait.
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._selector.unregister(client)
        client.close()


def _bind(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(8)
    return listener


def _same_user(client: socket.socket) -> bool:
    if sys.platform != "linux":
        return True  # the socket's mode keeps others out
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return bool(uid == os.getuid())
