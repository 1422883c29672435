"""A whole fleet whose gates, set-up and teardown run a branch's code: what that code reaches, and that work goes on."""

from __future__ import annotations

import json
import sys

import pytest

from fleet_tui.domain.states import TicketState
from fleet_tui.tmux import sandbox
from tests import agent_user
from tests.e2e.e2e_support import REVIEWER, WRITES, Place, scene

WORKS = sandbox.bubblewrap() is not None
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not WORKS, reason="where there is no bubblewrap all is at L0")]
# Approves its own branch by hand, from a child without parent, session and environment; then looks around.
SUITE = """
import json, os, pathlib, socket, sys
state, runtime, home, note = sys.argv[1:5]

def approve():
    body = json.dumps({"v": 1, "id": "r1", "op": "approve", "args": {"approval": "all"}, "token": None}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.join(runtime, "operator.sock"))
        client.sendall(len(body).to_bytes(4, "big") + body)
        return client.recv(65536)[4:].decode()

def said(attempt):
    try:
        return f"reached: {attempt()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"

if len(sys.argv) == 5:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-I", *sys.argv, "child"], {})
        os._exit(0)
    os.wait()
    while not os.path.exists(note):
        pass
    print(open(note).read())
else:
    found = {
        "approve": said(approve),
        "database": said(lambda: open(os.path.join(state, "fleet.db"), "rb").read(6)),
        "evidence": said(lambda: os.listdir(os.path.join(state, "evidence"))),
        "workspaces": said(lambda: os.listdir(os.path.join(state, "workspaces"))),
        "home": said(lambda: open(os.path.join(home, ".gitconfig")).read()),
        "plant": said(lambda: pathlib.Path(state, "planted").touch()),
    }
    with open(note + ".new", "w") as file:
        json.dump(found, file)
    os.rename(note + ".new", note)
"""


@pytest.mark.parametrize("level", ["L1", pytest.param("L2", marks=agent_user.only_root)])
def test_a_ticket_lands_and_the_branch_s_code_reaches_nothing(place: Place, level: str) -> None:
    place.commit({"suite.py": SUITE}, "Something to run")
    paths = place.paths
    attack = [sys.executable, "suite.py", str(paths.state), str(paths.runtime), str(place.root / "home"), "note.json"]
    ready = "mkdir .deps && echo '*' >.deps/.gitignore && echo x >.deps/ready"
    place.configure(
        [scene("developer", {"run": ["rm", ".deps/ready"]}, *WRITES), REVIEWER],
        gates=[{"name": "attack", "run": attack, "time_limit_s": 60}],
        workspace={"setup": [ready], "teardown": ["test ! -e .deps/ready && rm -r .deps && git status --short"]},
        isolation={"level": level, "user": agent_user.made().name if level == "L2" else ""},
    )
    place.fleet("watcher", "start")
    number = place.ticket("Write it down")
    place.approve(1)
    place.until_ticket(number, TicketState.SHIPPED, 90)
    (gate,) = place.reader.gates()
    assert gate.isolation == level
    told = json.loads(place.run("pr", "gate-log", "1", "--json").json["text"])
    assert len(told) == 6
    assert [name for name, what in told.items() if what.startswith("reached")] == [], told
    assert "gate attack passed in" in place.fleet("pr", "show", "1")
    assert f" at {level} on tree " in place.fleet("pr", "show", "1")
    place.until(lambda: place.events("workspace_removed"), "the teardown went well")
    assert place.events("policy_denied") == []
    assert not (paths.state / "planted").exists()
    assert list(paths.gates.iterdir()) == []
