"""Tries what an agent might: reads, writes, connects, signals. Run by path inside a sandbox; standard library only.

``reacher.py JSON``: a list of ``[kind, target]``; prints a JSON list of what became of each: empty when it was
reached, else why not. Nothing that it reaches is changed.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_LIMIT_S = 3.0


def _read(target: str) -> None:
    path = Path(target)
    if path.is_dir():
        if not os.listdir(target):  # noqa: PTH208 - it is listed, not walked
            raise OSError("empty here")
    else:
        with path.open("rb") as file:
            file.read(1)


def _write(target: str) -> None:
    if Path(target).is_dir():
        with tempfile.NamedTemporaryFile(dir=target, prefix=".fleet-doctor-"):
            return
    os.close(os.open(target, os.O_WRONLY | os.O_APPEND))


def _connect(target: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_LIMIT_S)
        connection.connect(target)


def _command(target: str) -> None:
    body = json.dumps({"v": 1, "id": "doctor", "op": "status", "args": {}, "token": None}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_LIMIT_S)
        connection.connect(target)
        connection.sendall(len(body).to_bytes(4, "big") + body)
        with connection.makefile("rb") as said:
            answer = json.loads(said.read(int.from_bytes(said.read(4), "big")))
    if not answer["ok"]:
        raise OSError(answer["message"])


def _signal(target: str) -> None:
    os.kill(int(target), 0)


def _tcp(target: str) -> None:
    with socket.create_connection(("127.0.0.1", int(target)), timeout=_LIMIT_S):
        return


def _ask(target: str) -> None:
    """Whether the proxy of this place admits ``target``; whether it is there at all is another question."""
    address = os.environ["HTTPS_PROXY"].rpartition("/")[2]
    with socket.create_connection(("127.0.0.1", int(address.partition(":")[2])), timeout=_LIMIT_S) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        try:
            said = connection.makefile("rb").readline().decode("utf-8", "replace")
        except TimeoutError:
            return  # it still looks for it: a refusal comes at once
    status, _, why = said.partition(" ")[2].strip().partition(" ")
    if status not in {"200", "502"}:
        raise OSError(why or "no answer")


_ATTEMPTS: dict[str, Callable[[str], None]] = {
    "read": _read,
    "write": _write,
    "connect": _connect,
    "command": _command,
    "signal": _signal,
    "tcp": _tcp,
    "ask": _ask,
}


def attempt(kind: str, target: str) -> str:
    """Why ``target`` was not reached; empty when it was."""
    try:
        _ATTEMPTS[kind](target)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


if __name__ == "__main__":
    print(json.dumps([attempt(kind, target) for kind, target in json.loads(sys.argv[1])]))  # noqa: T201
