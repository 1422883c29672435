"""Identity: the socket, the kernel's word, the token. Real sockets, real processes."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator, protocol, server
from fleet_tui.bus.identity import Caller, Origin, is_alive, peer_of
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import FleetError, Refused
from fleet_tui.domain.users import AgentUser
from tests.bus.bus_helpers import Family, Handler, Raw

LIMIT_S = 20.0

# Becomes the reaper of its descendants, as the runner does, and starts argv[2:] below a child that goes away at once.
DOUBLE_FORK = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if os.fork() == 0:
    os.setsid()
    middle = os.getpid()
    if os.fork() == 0:
        while os.getppid() == middle:
            time.sleep(0.005)
        os.execve(sys.argv[1], sys.argv[1:], {})
    os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""
# Connects to argv[1], asks for op argv[2] with token argv[3], and prints the answer.
ASKER = """
import json, socket, sys
path, op, token = sys.argv[1:4]
sock = socket.socket(socket.AF_UNIX); sock.settimeout(10); sock.connect(path)
body = json.dumps({"v": 1, "id": "r1", "op": op, "args": {}, "token": token or None}).encode()
sock.sendall(len(body).to_bytes(4, "big") + body)
data = b""
while part := sock.recv(65536):
    data += part
    if len(data) >= 4 and len(data) - 4 >= int.from_bytes(data[:4], "big"):
        break
print(data[4:].decode())
"""


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


@pytest.fixture
async def two_runs(bus: BusServer, home: Path) -> dict[str, Path]:
    """Sockets of run-a, run-b and the operator."""
    paths = {name: home / name / "bus.sock" for name in ("run-a", "run-b")}
    for run, path in paths.items():
        await bus.listen_run(run, path, lambda token, run=run: token == f"token-of-{run}")  # type: ignore[misc]
    paths["operator"] = home / "operator" / "operator.sock"
    await bus.listen_operator(paths["operator"])
    return paths


async def test_operator_is_known_by_the_kernel(two_runs: dict[str, Path], handler: Handler) -> None:
    handler.answers["status"] = {"state": "good"}
    assert await operator.acall(two_runs["operator"], "status", {"a": 1}, request_id="req-7") == {"state": "good"}
    ((caller, op, args, request_id),) = handler.calls
    assert (caller.principal, caller.run, caller.uid, caller.pid) == ("operator", None, os.getuid(), os.getpid())
    assert (op, args, request_id) == ("status", {"a": 1}, "req-7")
    assert caller.key("req-7") == "operator/req-7"


async def test_run_is_known_by_socket_ancestor_and_token(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    answer = await in_thread(two_runs["run-a"], token="token-of-run-a")
    assert answer["ok"] is True
    caller = handler.calls[0][0]
    assert (caller.run, caller.principal) == ("run-a", "run:run-a")


async def test_agent_on_the_operators_socket_is_refused_and_named(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    with pytest.raises(Refused, match="run run-a may not use the operator's socket"):
        await operator.acall(two_runs["operator"], "approve", {"approval": "x"})
    ((caller, op, args, _),) = handler.calls
    assert (caller.principal, op) == ("run:run-a", "denied")
    assert args == {"act": "approve", "reason": "a process of run run-a may not use the operator's socket"}


@pytest.mark.parametrize(
    ("origin", "socket_of", "token", "reason"),
    [
        ("run-a", "run-b", "token-of-run-b", "the caller comes from run run-a"),
        ("run-a", "run-b", "token-of-run-a", "the caller comes from run run-a"),
        (None, "run-a", "token-of-run-a", "the caller comes from outside every run"),
        ("run-a", "run-a", "token-of-run-b", "the token is missing, wrong or no longer valid"),
        ("run-a", "run-a", "", "the token is missing, wrong or no longer valid"),
        ("run-a", "run-a", None, "the token is missing, wrong or no longer valid"),
    ],
)
async def test_wrong_socket_or_token(
    two_runs: dict[str, Path],
    handler: Handler,
    family: Family,
    origin: str | None,
    socket_of: str,
    token: str | None,
    reason: str,
) -> None:
    if origin:
        family.runs[os.getpid()] = origin
    answer = await in_thread(two_runs[socket_of], "publish", token=token)
    assert (answer["ok"], answer["error"]) == (False, "Refused")
    assert reason in answer["message"]
    ((caller, op, args, _),) = handler.calls
    assert (op, args["act"], caller.run) == ("denied", "publish", origin)
    assert reason in args["reason"]


async def test_token_is_checked_at_every_request(bus: BusServer, handler: Handler, family: Family, home: Path) -> None:
    family.runs[os.getpid()] = "run-a"
    valid = {"token-1"}
    await bus.listen_run("run-a", home / "r" / "bus.sock", lambda token: token in valid)

    def quarantined_meanwhile() -> tuple[Any, Any]:
        raw = Raw(home / "r" / "bus.sock")
        first = raw.ask("publish", token="token-1")
        valid.clear()
        second = raw.ask("publish", token="token-1")
        raw.close()
        return first, second

    first, second = await asyncio.to_thread(quarantined_meanwhile)
    assert (first["ok"], second["ok"]) == (True, False)
    assert handler.ops() == ["publish", "denied"]


async def test_denied_reports_carry_an_id_that_the_caller_cannot_choose(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    for _ in range(2):
        await in_thread(two_runs["run-a"], token="wrong", id="req-same")
    ids = [request_id for _, op, _, request_id in handler.calls if op == "denied"]
    assert len(set(ids)) == 2
    assert "req-same" not in ids


async def test_replayed_request_keeps_its_id_and_principals_do_not_share_keys(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    for _ in range(2):
        await operator.acall(two_runs["operator"], "pause", {}, request_id="req-x")
    family.runs[os.getpid()] = "run-a"
    await in_thread(two_runs["run-a"], token="token-of-run-a", id="req-x")
    keys = [caller.key(request_id) for caller, _, _, request_id in handler.calls]
    assert keys == ["operator/req-x", "operator/req-x", "run:run-a/req-x"]


async def test_forged_actor_is_rejected_not_ignored(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    family.runs[os.getpid()] = "run-a"
    for args, fields in [({"actor": "operator:kim"}, {}), ({"sender": "boss"}, {}), ({}, {"actor": "operator:kim"})]:
        answer = await in_thread(two_runs["run-a"], "publish", args, token="token-of-run-a", **fields)
        assert answer["error"] == "BadFrame"
    answer = await in_thread(two_runs["run-a"], "denied", {"act": "x", "reason": "y"}, token="token-of-run-a")
    assert answer["error"] == "BadFrame"
    assert handler.calls == []


@pytest.mark.skipif(sys.platform != "linux", reason="sub-reapers are Linux's")
async def test_double_forked_child_without_environment_is_still_its_runs(
    two_runs: dict[str, Path], handler: Handler, family: Family
) -> None:
    async def escapee(path: Path, token: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c",
            DOUBLE_FORK, sys.executable, "-c", ASKER, str(path), "publish", token,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        family.runs[process.pid] = "run-a"
        out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        return out.decode()

    assert '"ok":true' in await escapee(two_runs["run-a"], "token-of-run-a")
    assert "may not use the operator's socket" in await escapee(two_runs["operator"], "")
    assert [(caller.run, op) for caller, op, _, _ in handler.calls] == [("run-a", "publish"), ("run-a", "denied")]


async def test_process_that_connects_and_exits_is_not_taken_for_the_operator(home: Path, handler: Handler) -> None:
    """Its ancestors cannot be looked up any more, so nothing is known about it."""
    asked: list[int] = []

    def forgets(pid: int) -> None:
        asked.append(pid)

    bus = BusServer(handler, forgets)
    await bus.listen_operator(home / "o" / "operator.sock")
    body = protocol.encode(protocol.Request("req-1", "approve", {}).as_dict())
    path = str(home / "o" / "operator.sock")
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({path!r}); s.send({body!r})"
    # The loop does not run meanwhile: when the connection is accepted, its process is gone.
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT_S)  # noqa: ASYNC221
    await until(lambda: asked)
    assert (await operator.acall(home / "o" / "operator.sock", "status", {})) == {}
    assert handler.ops() == ["status"]
    await bus.close()


async def test_liveness_of_a_peer() -> None:
    ours, theirs = socket.socketpair()
    assert peer_of(ours).pid == os.getpid()
    assert is_alive(ours, peer_of(ours))
    ours.close()
    theirs.close()


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


async def test_connections_of_one_principal_are_bounded(two_runs: dict[str, Path], handler: Handler) -> None:
    held = [await asyncio.to_thread(Raw, two_runs["operator"]) for _ in range(server.MAX_CONNECTIONS)]
    await asyncio.to_thread(held[-1].ask, "status")
    answer = await in_thread(two_runs["operator"], "status")
    assert (answer["error"], answer["message"]) == ("SlowDown", "64 connections are open already")
    for raw in held:
        raw.close()
    await until_admitted(two_runs["operator"])


async def until_admitted(path: Path) -> None:
    end_s = time.monotonic() + LIMIT_S
    while (await in_thread(path, "status"))["ok"] is not True:
        assert time.monotonic() < end_s


# -- what the handler does ---------------------------------------------------------------------------------------------


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


async def test_classifier_that_fails_admits_nobody(home: Path, handler: Handler) -> None:
    def broken(_pid: int) -> None:
        raise OSError("no /proc")

    bus = BusServer(handler, broken)
    await bus.listen_operator(home / "o" / "operator.sock")
    with pytest.raises(FleetError, match="cannot be reached"):
        await operator.acall(home / "o" / "operator.sock", "status", {})
    assert handler.calls == []
    await bus.close()


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


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_another_user_is_refused(two_runs: dict[str, Path], handler: Handler) -> None:
    for path in (two_runs["operator"], two_runs["operator"].parent, two_runs["operator"].parent.parent):
        path.chmod(0o777)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import json, os, socket, sys\nos.setuid(12345)\n{ASKER}",
        str(two_runs["operator"]), "approve", "", stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert "uid 12345 is not the owner of this fleet" in out.decode()
    ((caller, op, args, _),) = handler.calls
    assert (caller.uid, op, args["act"]) == (12345, "denied", "approve")


# Becomes another user as a sandbox's first process does, and asks as ASKER does.
AS_ANOTHER = "import json, os, socket, sys\nos.setgroups([]); os.setgid(12345); os.setuid(int(sys.argv.pop()))\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
async def test_a_run_of_another_user_hears_that_user_alone_and_only_below_its_runner(
    bus: BusServer, family: Family, handler: Handler, home: Path
) -> None:
    path = home / "run-a" / "io" / "bus.sock"
    path.parent.parent.mkdir()
    await bus.listen_run("run-a", path, lambda token: token == "good", AgentUser(12345, 12345))
    assert (stat.S_IMODE(path.parent.stat().st_mode), path.parent.stat().st_uid) == (0o710, 0)
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o600, 12345)
    for parent in path.parent.parents:
        if parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(0o711)

    async def ask(uid: int, token: str = "good", *, below: bool = True) -> dict[str, Any]:
        hold = "sys.stdin.read(1)\n"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"{AS_ANOTHER}{hold}{ASKER}", str(path), "publish", token, str(uid),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        if below:
            family.runs[process.pid] = "run-a"
        out, _ = await asyncio.wait_for(process.communicate(b"x"), LIMIT_S)
        answer: dict[str, Any] = json.loads(out)
        return answer

    assert (await ask(12345))["ok"]
    assert "the caller comes from outside every run" in (await ask(12345, below=False))["message"]
    assert "token is missing, wrong" in (await ask(12345, "bad"))["message"]
    assert "uid 0 is not whom run run-a runs as" in (await ask(0))["message"]
    assert [(call[0].uid, call[1]) for call in handler.calls] == [
        (12345, "publish"), (12345, "denied"), (12345, "denied"), (0, "denied"),
    ]  # fmt: skip
    await bus.close_run("run-a")
    assert not path.exists()
    await bus.listen_run("run-a", path, lambda _token: True, AgentUser(12345, 12345))
    with pytest.raises(FleetError, match="open to group or others"):
        await bus.listen_run("run-a", path, lambda _token: True, AgentUser(12345, 54321))


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


# -- abuse -------------------------------------------------------------------------------------------------------------


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
    process = subprocess.Popen([sys.executable, "-c", flooder, str(two_runs["run-a"])])  # noqa: ASYNC220
    family.runs[process.pid] = "run-a"
    try:
        await until(lambda: handler.ops("run:run-a").count("publish") >= server.BURST)
        started_s = time.monotonic()
        for _ in range(50):
            await operator.acall(two_runs["operator"], "status", {})
        elapsed_s = time.monotonic() - started_s
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert handler.ops("run:run-a").count("publish") <= server.BURST + server.RATE_PER_S * (elapsed_s + LIMIT_S)


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


async def test_absent_socket_means_no_watcher(two_runs: dict[str, Path]) -> None:
    with pytest.raises(FleetError, match="is not running"):
        await operator.acall(two_runs["operator"].with_name("absent.sock"), "status", {})


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
