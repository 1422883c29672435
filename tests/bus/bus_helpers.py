"""A handler that remembers, a raw client, and processes that play agents."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from fleet_tui.bus import protocol
from fleet_tui.bus.identity import Caller, Origin
from fleet_tui.bus.shim import client_argv

LIMIT_S = 60.0


@dataclass
class Handler:
    """Remembers every call; ``answers`` (or what gives them) and ``errors`` are returned or raised for an op."""

    calls: list[tuple[Caller, str, dict[str, Any], str]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, caller: Caller, op: str, args: dict[str, Any], request_id: str) -> dict[str, Any]:
        self.calls.append((caller, op, args, request_id))
        self.arrived.set()
        if op in self.errors:
            raise self.errors[op]
        answer = self.answers.get(op, {})
        return dict(answer(args) if callable(answer) else answer)

    def ops(self, principal: str | None = None) -> list[str]:
        return [op for caller, op, _, _ in self.calls if principal in (None, caller.principal)]


class Family:
    """Which run a process belongs to: the one that a listed ancestor (or itself) was entered with."""

    def __init__(self) -> None:
        self.runs: dict[int, str] = {}

    def __call__(self, pid: int) -> Origin | None:
        try:
            process = psutil.Process(pid)
            line = [process.pid, *(parent.pid for parent in process.parents())]
        except psutil.Error:
            return None
        run = next((self.runs[member] for member in line if member in self.runs), None)
        return Origin(f"run {run}", f"run:{run}", run) if run is not None else None


class Raw:
    """A blocking client that sends any bytes; used in a thread beside the server's loop."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(str(path))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> dict[str, Any] | None:
        """The next answer, or None when the connection has ended."""
        header = self._exactly(4)
        return None if header is None else protocol.decode(self._exactly(int.from_bytes(header, "big")) or b"")

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data

    def ask(self, op: str, args: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any] | None:
        body = protocol.Request("req-1", op, args or {}).as_dict() | fields
        self.send(protocol.encode(body))
        return self.answer()

    def close(self) -> None:
        self.socket.close()


@dataclass
class Finished:
    code: int
    out: str
    err: str


@dataclass
class Agent:
    """Runs the agents' client as agents do, in a process of its own."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "FLEET_SOCKET": str(self.home / "run-a" / "bus.sock"),
            "FLEET_TOKEN": "token-a",
            "FLEET_SPOOL": str(self.home / "run-a" / "spool"),
            "FLEET_RUN": "run-a",
        }

    async def __call__(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Finished:
        process = await asyncio.create_subprocess_exec(
            *client_argv(),
            *arguments,
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), 30)
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())


async def until(done: Callable[[], Any]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < end_s, "did not happen in time"
        await asyncio.sleep(0.01)


async def in_thread(
    path: Path, op: str = "publish", args: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        raw = Raw(path)
        try:
            return raw.ask(op, args, **fields) or {}
        finally:
            raw.close()

    return await asyncio.to_thread(ask)
