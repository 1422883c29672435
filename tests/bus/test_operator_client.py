"""The operator's client, in both its forms, against a real server and against bad ones."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator, protocol
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError, WatcherUnavailable
from tests.bus.bus_helpers import Handler

Call = Callable[..., Awaitable[dict[str, Any]]]


async def in_a_thread(*arguments: Any, **named: Any) -> dict[str, Any]:
    return await asyncio.to_thread(operator.call, *arguments, **named)


@pytest.fixture(params=["call", "acall"])
def call(request: pytest.FixtureRequest) -> Call:
    return in_a_thread if request.param == "call" else operator.acall


@pytest.fixture
async def path(bus: BusServer, home: Path) -> Path:
    await bus.listen_operator(home / "o" / "operator.sock")
    return home / "o" / "operator.sock"


@contextmanager
def answering(path: Path, answer: bytes, *, read: bool = True) -> Iterator[None]:
    """A server that sends ``answer`` to one connection and closes it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        if read:
            connection.recv(65536)
        connection.sendall(answer)
        if not answer:
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        listener.close()


async def test_answer_without_its_ok(call: Call, path: Path, handler: Handler) -> None:
    handler.answers["approve"] = {"event": "e-1", "held_s": 10}
    assert await call(path, "approve", {"approval": "a"}) == {"event": "e-1", "held_s": 10}
    assert handler.calls[0][2] == {"approval": "a"}


async def test_same_id_same_act(call: Call, path: Path, handler: Handler) -> None:
    await call(path, "a", {}, request_id="req-1")
    await call(path, "a", {}, request_id="req-1")
    await call(path, "a", {})
    ids = [request_id for _, _, _, request_id in handler.calls]
    assert ids[:2] == ["req-1", "req-1"]
    assert ids[2] not in ids[:2]


@pytest.mark.parametrize("kind", [FleetError, Refused, Conflict, UsageError])
async def test_errors_by_class(call: Call, path: Path, handler: Handler, kind: type[FleetError]) -> None:
    handler.errors["x"] = kind("title", "message", "hint")
    with pytest.raises(kind) as caught:
        await call(path, "x", {})
    assert type(caught.value) is kind
    assert caught.value.hint == "hint"


async def test_nobody_there(call: Call, home: Path) -> None:
    for left_behind in (False, True):
        if left_behind:
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(home / "x.sock"))
        with pytest.raises(WatcherUnavailable, match="the watcher is not running") as caught:
            await call(home / "x.sock", "status", {})
        assert "fleet up" in caught.value.hint


async def test_no_answer_in_time(call: Call, home: Path) -> None:
    with answering(home / "x.sock", b""), pytest.raises(WatcherUnavailable, match="does not answer"):
        await call(home / "x.sock", "status", {}, 0.3)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"\0\0", "cannot be reached"),
        (b"\0\0\0\x08{}", "cannot be reached"),
        (b"\xff\xff\xff\xff", "bad answer"),
        (b"\0\0\0\x02[]", "an object is expected"),
        (b"\0\0\0\x02{}", "the watcher failed"),
    ],
)
async def test_bad_answers(call: Call, home: Path, answer: bytes, message: str) -> None:
    with answering(home / "x.sock", answer), pytest.raises(FleetError, match=message):
        await call(home / "x.sock", "status", {})


async def test_refused_before_it_was_read(call: Call, home: Path) -> None:
    refusal = protocol.encode(protocol.failure(Refused("refused", "you are an agent")))
    with answering(home / "x.sock", refusal, read=False), pytest.raises(Refused, match="you are an agent"):
        await call(home / "x.sock", "status", {"text": "x" * 100})


async def test_too_large_is_said_before_sending(call: Call, path: Path, handler: Handler) -> None:
    with pytest.raises(FleetError, match="too large"):
        await call(path, "status", {"text": "x" * protocol.MAX_FRAME})
    assert handler.calls == []


async def test_no_connection_is_left_open(path: Path, bus: BusServer, handler: Handler) -> None:
    for _ in range(100):
        await operator.acall(path, "status", {})
    (listener,) = bus._listeners.values()
    await asyncio.wait_for(asyncio.gather(*listener.tasks), 60)
    assert sum(listener.open.values()) == 0
