"""At L0 a branch's test suite runs with the operator's rights: however it asks, it is not the operator."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import EventFilter
from tests.watcher.test_daemon import Daemon
from tests.watcher.watcher_support import agent, commit, configuration, make_repository, until

# The "test suite": tries to approve in the way argv[1] and leaves the answer in argv[3].
ATTACK = """
import json, os, socket, subprocess, sys, time
how, path, note = sys.argv[1:4]

def ask():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    body = json.dumps({"v": 1, "id": "r1", "op": "approve", "args": {"approval": "all"}, "token": None}).encode()
    client.sendall(len(body).to_bytes(4, "big") + body)
    answer = client.recv(65536)[4:]
    with open(note + ".new", "wb") as file:
        file.write(answer)
    os.rename(note + ".new", note)

def leave_the_parent():
    if os.fork():
        os._exit(0)
    os.setsid()
    middle = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == middle:
        time.sleep(0.005)

if how == "itself":
    ask()
elif how == "env -i":
    subprocess.run([sys.executable, __file__, "itself", path, note], env={}, check=True)
else:
    if os.fork() == 0:
        leave_the_parent()
        if how == "double fork":
            ask()
        else:
            os.execve(sys.executable, [sys.executable, __file__, "itself", path, note], {})
        os._exit(0)
    os.wait()
    end = time.monotonic() + 60
    while not os.path.exists(note) and time.monotonic() < end:
        time.sleep(0.01)
"""
AUTHOR = """
import pathlib, subprocess
pathlib.Path("feature.py").write_text("print(2)")
subprocess.run(["git", "add", "--all"], check=True)
subprocess.run(["git", "commit", "--quiet", "-m", "Add the feature"], check=True)
"""
REVIEWER = """
import subprocess
subprocess.run(["fleet", "publish", "pr_approved", "--summary", "fine"], check=True)
"""
WAYS = ["itself", "env -i", "double fork", "double fork, env -i"]


def vendor(code: str) -> dict[str, Any]:
    return {"argv": [sys.executable, "-c", code], "prompt": "file"}


@pytest.fixture
def attacked(place: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A watcher whose gate runs the attack, with a ticket that gets there by itself."""
    team = [agent("dev", "developer", vendor="author"), agent("lee", "tech-lead", vendor="reviewer")]
    socket = FleetPaths.of(place / "shop").operator_socket
    gate = {"name": "check", "run": [sys.executable, "suite.py", request.param, str(socket), str(place / "answer")]}
    vendors = {"author": vendor(AUTHOR), "reviewer": vendor(REVIEWER)}
    config = configuration(team, vendors=vendors, gates=[gate], isolation={"level": "L0"})
    repository = make_repository(place, config)
    commit(repository, {"suite.py": ATTACK})
    tickets = repository / ".fleet" / "tickets"
    tickets.mkdir()
    (tickets / "0001-feature.md").write_text("---\nid: 1\ntitle: Feature\nlabels: [ready]\n---\nDo it.\n")
    daemon = Daemon(repository)
    yield daemon
    daemon.clean_up()


@pytest.mark.parametrize("attacked", WAYS, indirect=True)
async def test_approval_by_a_gate_is_refused_and_recorded(attacked: Daemon, place: Path) -> None:
    await attacked.up()
    answer = json.loads(await until(lambda: (place / "answer").exists() and (place / "answer").read_text(), 60))
    assert answer["error"] == "Refused", answer
    assert answer["message"] == "a process of gate check of PR 1 may not use the operator's socket"
    (denied,) = await until(
        lambda: attacked.reader.events(EventFilter(kinds=("policy_denied",)), after=0, limit=10), 60
    )
    assert (denied.subject, denied.actor) == ("pr:1", "command")
    assert (denied.payload["act"], denied.payload["reason"]) == ("approve", answer["message"])
    assert (denied.payload["agent"], denied.payload["run"]) == (None, None)
    (alarm,) = await until(lambda: [a for a in attacked.events("alarm_raised") if a["rule"] == "command-denied"])
    assert (alarm["about"], alarm["priority"]) == ("pr:1", 1)
    (passed,) = await until(lambda: attacked.events("gate_passed"), 60)
    assert passed["name"] == "check"
    assert attacked.reader.agent("dev").denials == 0  # type: ignore[union-attr]
    assert (await attacked.up())["epoch"] == 1, "the operator is still let in"
