"""`fleet guard` fails closed: only a clear yes of the watcher is a yes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from fleet_tui.bus import client
from fleet_tui.bus.server import BusServer
from fleet_tui.bus.shim import write_guards, write_shim
from fleet_tui.domain.errors import Refused
from tests.bus.bus_helpers import Agent, Family, Handler

CALL = json.dumps({"tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": "/work"}).encode()


@pytest.fixture
async def served(bus: BusServer, family: Family, home: Path) -> Agent:
    family.runs[os.getpid()] = "run-a"
    await bus.listen_run("run-a", home / "run-a" / "bus.sock", lambda token: token == "token-a")
    return Agent(home)


async def test_yes(served: Agent, handler: Handler) -> None:
    handler.answers["guard"] = {"verdict": "allow", "rule": "default", "reason": ""}
    done = await served("guard", stdin=CALL)
    assert (done.code, done.out, done.err) == (0, "", "")
    (call,) = handler.calls
    assert call[2] == {"tool": "Bash", "input": {"command": "ls"}, "cwd": "/work"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"verdict": "deny", "reason": "no \x1b[31mred"}, "refused: no [31mred"),
        ({"verdict": "ask", "reason": "a person was asked"}, "not yet: a person was asked"),
        ({"verdict": "perhaps"}, "refused"),
        ({}, "refused"),
    ],
)
async def test_everything_else_is_no(served: Agent, handler: Handler, answer: dict[str, str], said: str) -> None:
    handler.answers["guard"] = answer
    done = await served("guard", stdin=CALL)
    assert done.code == 2
    assert said in done.err


async def test_refusal_and_failure_of_the_watcher(served: Agent, handler: Handler) -> None:
    handler.errors["guard"] = Refused("refused", "unknown run")
    assert (await served("guard", stdin=CALL)).code == 2
    handler.errors["guard"] = RuntimeError("broken")
    assert (await served("guard", stdin=CALL)).code == 2


@pytest.mark.parametrize("stdin", [b"", b"nonsense", b"[]", b"\xff\xfe", b"{"])
async def test_garbage_is_no(served: Agent, handler: Handler, stdin: bytes) -> None:
    handler.answers["guard"] = {"verdict": "allow"}
    done = await served("guard", stdin=stdin)
    assert (done.code, handler.calls) == (2, [])


async def test_without_a_watcher(home: Path) -> None:
    done = await Agent(home)("guard", stdin=CALL)
    assert done.code == 2
    assert "the watcher is away" in done.err
    assert not (home / "run-a" / "spool" / "new").exists(), "an act is never judged later"


async def test_garbage_from_the_socket_and_a_closed_one(home: Path) -> None:
    for reply in (b"\0\0\0\x04nope", b""):
        (home / "run-a").mkdir()
        path = home / "run-a" / "bus.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def serve(listener: socket.socket = listener, reply: bytes = reply, path: Path = path) -> None:
            connection, _ = listener.accept()
            shutil.rmtree(path.parent)  # the run is over: nobody waits for a better answer
            connection.recv(65536)
            connection.sendall(reply)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        done = await Agent(home)("guard", stdin=CALL)
        thread.join()
        listener.close()
        assert done.code == 2


async def test_an_act_waits_for_a_watcher_that_died_and_comes_back(
    bus: BusServer, family: Family, handler: Handler, home: Path
) -> None:
    family.runs[os.getpid()] = "run-a"
    handler.answers["guard"] = {"verdict": "allow"}
    path = home / "run-a" / "bus.sock"
    path.parent.mkdir(mode=0o700)
    dying = socket.socket(socket.AF_UNIX)
    dying.bind(str(path))
    dying.listen()
    act = asyncio.create_task(Agent(home)("guard", stdin=CALL))
    connection, _ = await asyncio.to_thread(dying.accept)
    connection.close()
    dying.close()
    path.unlink()
    await bus.listen_run("run-a", path, lambda token: token == "token-a")
    assert (await act).code == 0


async def test_a_watcher_that_stays_away_is_no(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "run-a").mkdir()
    for name, value in Agent(home).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "AWAY_S", 0.3)
    assert client.guard(["exec", "git", "push"]) == 2
    assert "the watcher is away" in capsys.readouterr().err


async def test_wrong_use_is_no(served: Agent) -> None:
    assert (await served("guard", "--help-me", stdin=CALL)).code == 2


@pytest.fixture
def shims(home: Path) -> Path:
    write_shim(home / "bin")
    write_guards(home / "bin")
    return home / "bin"


async def shimmed(agent: Agent, shims: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = agent.environment | {"PATH": f"{shims}:{os.environ['PATH']}", "HOME": str(agent.home)}
    return await asyncio.to_thread(
        subprocess.run, argv, env=environment, cwd=agent.home, capture_output=True, text=True, timeout=30, check=False
    )


async def test_a_shim_asks_and_then_runs_the_real_program(served: Agent, handler: Handler, shims: Path) -> None:
    handler.answers["guard"] = {"verdict": "allow"}
    done = await shimmed(served, shims, "git", "init", "-q", "a b")
    assert done.returncode == 0, done.stderr
    assert (served.home / "a b" / ".git").is_dir()
    assert handler.calls[0][2]["input"] == {"argv": ["git", "init", "-q", "a b"]}


async def test_a_shim_stops_what_is_refused(served: Agent, handler: Handler, shims: Path) -> None:
    handler.answers["guard"] = {"verdict": "deny", "reason": "terminals are not yours"}
    done = await shimmed(served, shims, "sh", "-c", "tmux -V")
    assert done.returncode == 2
    assert "terminals are not yours" in done.stderr
    assert done.stdout == ""


async def test_harmless_git_commands_go_through_without_asking(home: Path, shims: Path) -> None:
    done = await shimmed(Agent(home), shims, "git", "status")
    assert "not a git repository" in done.stderr, "the real git answered, though no watcher is there"
    assert (await shimmed(Agent(home), shims, "git", "push")).returncode == 2
