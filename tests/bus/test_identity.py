"""Who asks: known by the socket, the kernel's word and the token, whatever the request says. Real processes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus import operator, protocol
from fleet_tui.bus.identity import is_alive, peer_of
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import FleetError, Refused
from fleet_tui.domain.users import AgentUser
from tests.bus.bus_helpers import LIMIT_S, Family, Handler, Raw, in_thread, until

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


async def test_classifier_that_fails_admits_nobody(home: Path, handler: Handler) -> None:
    def broken(_pid: int) -> None:
        raise OSError("no /proc")

    bus = BusServer(handler, broken)
    await bus.listen_operator(home / "o" / "operator.sock")
    with pytest.raises(FleetError, match="cannot be reached"):
        await operator.acall(home / "o" / "operator.sock", "status", {})
    assert handler.calls == []
    await bus.close()


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
