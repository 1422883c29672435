"""Floods, slow readers, rubbish and silence: each costs only the one who does it. Real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator, protocol, server
from fleet_tui.bus.identity import Origin
from fleet_tui.bus.server import BusServer
from tests.bus.bus_helpers import LIMIT_S, Family, Handler, Raw, in_thread, until


async def test_stranger_connections_do_not_use_up_the_operators(
    two_runs: dict[str, Path], handler: Handler, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    family.runs[os.getpid()] = "run-a"
    strangers = [await asyncio.to_thread(Raw, two_runs["operator"]) for _ in range(server.MAX_STRANGERS)]
    refused = await in_thread(two_runs["operator"], "approve")
    assert refused["error"] == "SlowDown"
    family.runs.clear()
    assert await operator.acall(two_runs["operator"], "status", {}) == {}
    for raw in strangers:
        raw.close()


async def until_admitted(path: Path) -> None:
    end_s = time.monotonic() + LIMIT_S
    while (await in_thread(path, "status"))["ok"] is not True:
        assert time.monotonic() < end_s


async def test_connections_of_one_principal_are_bounded(two_runs: dict[str, Path], handler: Handler) -> None:
    held = [await asyncio.to_thread(Raw, two_runs["operator"]) for _ in range(server.MAX_CONNECTIONS)]
    await asyncio.to_thread(held[-1].ask, "status")
    answer = await in_thread(two_runs["operator"], "status")
    assert (answer["error"], answer["message"]) == ("SlowDown", "64 connections are open already")
    for raw in held:
        raw.close()
    await until_admitted(two_runs["operator"])


async def test_slow_and_silent_connections_are_ended(
    two_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "FRAME_LIMIT_S", 0.2)

    def slow(start: bytes) -> dict[str, Any] | None:
        raw = Raw(two_runs["operator"])
        raw.send(start)
        found = raw.answer()
        raw.close()
        return found

    for start in (b"", b"\0", b"\0\0\0\x10", b"\0\0\0\x10{"):
        answer = await asyncio.wait_for(asyncio.to_thread(slow, start), LIMIT_S)
        assert answer is not None
        assert answer["error"] == "BadFrame"
        assert "no complete frame within 0.2 s" in answer["message"]


async def test_reader_that_takes_no_answers_is_cut(
    two_runs: dict[str, Path], handler: Handler, bus: BusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "FRAME_LIMIT_S", 0.3)
    handler.answers["large"] = {"text": "x" * 200_000}
    raw = await asyncio.to_thread(Raw, two_runs["operator"])
    await asyncio.to_thread(raw.send, protocol.encode(protocol.Request("r1", "large", {}).as_dict()) * 20)
    (listener,) = (found for found in bus._listeners.values() if found.run is None)
    await until(lambda: listener.tasks)
    await until(lambda: not listener.tasks)
    raw.close()


async def test_oversize_frame_is_refused_before_it_is_read(two_runs: dict[str, Path]) -> None:
    def send() -> Any:
        raw = Raw(two_runs["operator"])
        raw.send((protocol.MAX_FRAME + 1).to_bytes(4, "big"))
        answer, end = raw.answer(), raw.answer()
        raw.close()
        return answer, end

    answer, end = await asyncio.to_thread(send)
    assert answer["message"] == f"{protocol.MAX_FRAME + 1} bytes of at most {protocol.MAX_FRAME}"
    assert end is None


async def test_fuzzed_connections_get_one_error_each_and_the_server_lives(
    two_runs: dict[str, Path], handler: Handler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import random

    monkeypatch.setattr(server, "RATE_PER_S", 1e9)
    monkeypatch.setattr(server, "BURST", 10**9)

    def fuzz() -> int:
        chance, errors = random.Random(2), 0
        for _ in range(1500):
            raw = Raw(two_runs["operator"])
            size = chance.randint(0, 40)
            data = chance.randbytes(size)
            length = size if chance.random() < 0.8 else chance.randrange(2**32)
            try:
                raw.send(length.to_bytes(4, "big") + data)
                raw.socket.shutdown(socket.SHUT_WR)
                answer = raw.answer()
            except (BrokenPipeError, OSError):
                answer = None
            errors += answer is not None and answer["error"] == "BadFrame"
            raw.close()
        return errors

    assert await asyncio.to_thread(fuzz) >= 1490
    assert handler.calls == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert await operator.acall(two_runs["operator"], "status", {}) == {}


async def test_flood_of_one_principal_leaves_the_other_responsive(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    flooder = textwrap.dedent("""
        import json, socket, sys, threading
        body = json.dumps({"v": 1, "id": "r1", "op": "publish", "args": {}, "token": "token-of-run-a"}).encode()
        frame = len(body).to_bytes(4, "big") + body
        def flood():
            while True:
                try:
                    sock = socket.socket(socket.AF_UNIX); sock.connect(sys.argv[1])
                    while True:
                        sock.sendall(frame * 20)
                        sock.recv(65536)
                except OSError:
                    pass
        for _ in range(6):
            threading.Thread(target=flood, daemon=True).start()
        threading.Event().wait()
    """)
    started_s = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", flooder, str(two_runs["run-a"])])  # noqa: ASYNC220
    family.runs[process.pid] = "run-a"
    try:
        await until(lambda: handler.ops("run:run-a").count("publish") >= server.BURST)
        for _ in range(50):
            await operator.acall(two_runs["operator"], "status", {})
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    published, elapsed_s = handler.ops("run:run-a").count("publish"), time.monotonic() - started_s
    assert published <= server.BURST + server.RATE_PER_S * elapsed_s


async def test_token_bucket_says_slow_down_and_recovers(
    two_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BURST", 3)

    def ask() -> list[str]:
        raw = Raw(two_runs["operator"])
        found = [(raw.ask("status") or {}).get("error", "ok") for _ in range(4)]
        end_s = time.monotonic() + LIMIT_S
        while (raw.ask("status") or {}).get("ok") is not True:
            assert time.monotonic() < end_s
        raw.close()
        return found

    assert await asyncio.to_thread(ask) == ["ok", "ok", "ok", "SlowDown"]


async def test_reports_of_denials_are_bounded(two_runs: dict[str, Path], handler: Handler, family: Family) -> None:
    family.runs[os.getpid()] = "run-a"
    for _ in range(40):
        await in_thread(two_runs["operator"], "approve")
    assert 10 <= handler.ops().count("denied") <= 20


async def test_connect_flood_of_a_run_is_not_looked_up_each_time(
    home: Path, handler: Handler, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "RATE_PER_S", 0.0)
    monkeypatch.setattr(server, "BURST", 5)
    looked_up: list[int] = []

    def classify(pid: int) -> Origin | None:
        looked_up.append(pid)
        return family(pid)

    flooder = textwrap.dedent("""
        import socket, sys
        made = 0
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(sys.argv[1])
                sock.shutdown(socket.SHUT_WR)
                sock.recv(65536)
                made += 1
            except OSError:
                continue
            finally:
                sock.close()
            if made == 300:
                print("flooding", flush=True)
    """)
    bus = BusServer(handler, classify)
    try:
        await bus.listen_run("run-a", home / "run-a" / "bus.sock", lambda _token: True)
        await bus.listen_operator(home / "operator" / "operator.sock")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", flooder, str(home / "run-a" / "bus.sock"), stdout=subprocess.PIPE
        )
        family.runs[process.pid] = "run-a"
        assert process.stdout is not None
        try:
            assert await asyncio.wait_for(process.stdout.readline(), LIMIT_S) == b"flooding\n"
            for _ in range(3):
                assert await operator.acall(home / "operator" / "operator.sock", "status", {}) == {}
        finally:
            process.kill()
            await process.wait()
    finally:
        await bus.close()
    assert looked_up.count(process.pid) <= 5
    assert handler.ops("operator") == ["status"] * 3
