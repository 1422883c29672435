"""Requests, answers, places of the sockets, and the end. Real sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator, protocol
from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import FleetError, Refused
from tests.bus.bus_helpers import LIMIT_S, Family, Handler, Raw, in_thread


async def test_handlers_refusals_and_failures(two_runs: dict[str, Path], handler: Handler) -> None:
    handler.errors["approve"] = Refused("no", "you wrote it", "ask another")
    handler.errors["broken"] = ZeroDivisionError("secret detail")
    handler.errors["typed"] = FleetError("cannot", "because")
    handler.answers["large"] = {"text": "x" * protocol.MAX_FRAME}
    with pytest.raises(Refused, match="you wrote it"):
        await operator.acall(two_runs["operator"], "approve", {})
    with pytest.raises(FleetError) as caught:
        await operator.acall(two_runs["operator"], "broken", {})
    assert "secret detail" not in str(caught.value)
    with pytest.raises(FleetError, match="cannot: because"):
        await operator.acall(two_runs["operator"], "typed", {})
    with pytest.raises(FleetError, match="answer too large"):
        await operator.acall(two_runs["operator"], "large", {})
    assert await operator.acall(two_runs["operator"], "status", {}) == {}


async def test_failing_log_of_a_denial_does_not_admit(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    handler.errors["denied"] = FleetError("log is full")
    with pytest.raises(Refused):
        await operator.acall(two_runs["operator"], "approve", {})


async def test_several_requests_on_one_connection(two_runs: dict[str, Path], handler: Handler) -> None:
    def ask() -> list[Any]:
        raw = Raw(two_runs["operator"])
        raw.send(protocol.encode(protocol.Request("r1", "one", {}).as_dict()) * 3)
        found = [raw.answer() for _ in range(3)]
        raw.close()
        return found

    assert await asyncio.to_thread(ask) == [{"ok": True}] * 3


@pytest.mark.parametrize("turns", range(8))
async def test_closing_cuts_off_who_is_just_connecting(home: Path, handler: Handler, turns: int) -> None:
    """However far the connection has come: not accepted yet, accepted, or its conversation not begun."""
    bus = BusServer(handler, lambda _pid: None)
    await bus.listen_operator(home / "o" / "operator.sock")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(home / "o" / "operator.sock"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await bus.close()
        await asyncio.sleep(0)
        gc.collect()  # asyncio itself lets go of a connection that it was about to hand to the closed server
        client.settimeout(LIMIT_S)
        assert await asyncio.to_thread(_ended, client)
    assert handler.calls == []


def _ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("turns", range(8))
def test_the_end_of_the_loop_is_silent_while_somebody_connects(home: Path, handler: Handler, turns: int) -> None:
    complaints: list[dict[str, Any]] = []

    async def leave() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        await BusServer(handler, lambda _pid: None).listen_operator(home / "o" / "operator.sock")
        client.connect(str(home / "o" / "operator.sock"))
        for _ in range(turns):
            await asyncio.sleep(0)

    with socket.socket(socket.AF_UNIX) as client:
        asyncio.run(leave())
    assert complaints == []


# -- sockets and directories -------------------------------------------------------------------------------------------


async def test_sockets_are_private_and_removed(bus: BusServer, home: Path) -> None:
    path = home / "new" / "operator.sock"
    await bus.listen_operator(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await bus.close()
    assert not path.exists()


async def test_stale_socket_is_replaced_but_a_live_one_is_not(bus: BusServer, home: Path, handler: Handler) -> None:
    path = home / "operator.sock"
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(path))
    left_behind.close()
    await bus.listen_operator(path)
    other = BusServer(handler, lambda _pid: None)
    with pytest.raises(FleetError, match="another process listens"):
        await other.listen_operator(path)
    assert await operator.acall(path, "status", {}) == {}


async def test_unsafe_places_are_refused(bus: BusServer, home: Path) -> None:
    (home / "open").mkdir(mode=0o755)
    (home / "open").chmod(0o755)
    (home / "real").mkdir(mode=0o700)
    (home / "link").symlink_to(home / "real")
    (home / "file").touch()
    (home / "real" / "taken.sock").touch()
    (home / "real" / "linked.sock").symlink_to(home / "elsewhere")
    for path, message in [
        (home / "open" / "a.sock", "open to group or others"),
        (home / "link" / "a.sock", "is not a directory"),
        (home / "file" / "a.sock", "cannot create the socket's directory"),
        (home / "real" / "taken.sock", "is not a socket of ours"),
        (home / "real" / "linked.sock", "is not a socket of ours"),
        (home / ("x" * 100) / "a.sock", "socket path too long"),
    ]:
        with pytest.raises(FleetError, match=message):
            await bus.listen_operator(path)
    if os.getuid() == 0:
        (home / "foreign").mkdir(mode=0o700)
        os.chown(home / "foreign", 12345, 12345)
        with pytest.raises(FleetError, match="belongs to uid 12345"):
            await bus.listen_operator(home / "foreign" / "a.sock")


async def test_listening_again_keeps_connections_and_takes_the_new_check(
    bus: BusServer, family: Family, home: Path
) -> None:
    family.runs[os.getpid()] = "run-a"
    path = home / "r" / "bus.sock"
    await bus.listen_run("run-a", path, lambda token: token == "old")
    raw = await asyncio.to_thread(Raw, path)

    async def accepted(token: str) -> bool:
        answer = await asyncio.to_thread(raw.ask, "publish", token=token)
        return answer is not None and answer["ok"] is True

    assert await accepted("old")
    await asyncio.gather(*(bus.listen_run("run-a", path, lambda token: token == "new") for _ in range(3)))
    assert not await accepted("old")
    assert await accepted("new")
    raw.close()


async def test_removed_socket_is_made_again(bus: BusServer, family: Family, home: Path) -> None:
    family.runs[os.getpid()] = "run-a"
    path = home / "r" / "bus.sock"
    await bus.listen_run("run-a", path, lambda _token: True)
    path.unlink()
    await bus.listen_run("run-a", path, lambda _token: True)
    assert (await in_thread(path, token="t"))["ok"] is True


async def test_closing_a_run_cuts_its_connections_only(
    two_runs: dict[str, Path], bus: BusServer, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    raw = await asyncio.to_thread(Raw, two_runs["run-a"])
    await asyncio.to_thread(raw.ask, "publish", token="token-of-run-a")
    await bus.close_run("run-a")
    await bus.close_run("run-a")
    assert await asyncio.to_thread(raw.answer) is None
    raw.close()
    assert not two_runs["run-a"].exists()
    family.runs[os.getpid()] = "run-b"
    assert (await in_thread(two_runs["run-b"], token="token-of-run-b"))["ok"] is True


async def test_handler_under_way_is_cancelled_at_close(home: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(_caller: Caller, _op: str, _args: dict[str, Any], _id: str) -> dict[str, Any]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    bus = BusServer(slow, lambda _pid: None)
    await bus.listen_operator(home / "o" / "operator.sock")
    call = asyncio.create_task(operator.acall(home / "o" / "operator.sock", "wait", {}))
    await asyncio.wait_for(begun.wait(), LIMIT_S)
    await asyncio.wait_for(bus.close(), LIMIT_S)
    assert ended.is_set()
    with pytest.raises(FleetError):
        await call


async def test_absent_socket_means_no_watcher(two_runs: dict[str, Path]) -> None:
    with pytest.raises(FleetError, match="is not running"):
        await operator.acall(two_runs["operator"].with_name("absent.sock"), "status", {})
