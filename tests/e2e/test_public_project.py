"""A project as one finds it: `fleet init`, programs that are no scripted players, a failing gate, three landings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet_tui.domain.model import Approval
from fleet_tui.domain.states import ApprovalState, TicketState
from tests.e2e.e2e_support import Place
from tests.e2e.room import room

pytestmark = pytest.mark.slow

PROJECT = {
    "README.md": "# calc\n",
    ".gitignore": "__pycache__/\n",
    "calc/__init__.py": "from calc.add import add\n",
    "calc/add.py": "def add(a, b):\n    return a + b\n",
    "tests/__init__.py": "",
    "tests/test_add.py": (
        "import unittest\n\nfrom calc import add\n\n\nclass TestAdd(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
    ),
}

DEVELOPER = '''
"""Writes the function that its ticket asks for; the second ticket's is wrong until the gate complains."""
import os, pathlib, subprocess, sys

name = {"1": "sub", "2": "mul", "3": "neg"}[os.environ["FLEET_TICKET"]]
body = {"sub": "a - b", "mul": "a * b", "neg": "-a"}[name]
if name == "mul" and os.environ["FLEET_TRIGGER"] != "pr_changes_requested":
    body = "a + b"
elif name == "mul":
    assert "Gate test failed" in sys.stdin.read(), "the findings are in the prompt"
pathlib.Path(f"calc/{name}.py").write_text(f"def {name}(a, b=0):\\n    return {body}\\n")
pathlib.Path(f"tests/test_{name}.py").write_text(
    "import unittest\\n\\nfrom calc." + name + " import " + name + "\\n\\n\\nclass TestIt(unittest.TestCase):\\n"
    f"    def test_it(self):\\n        self.assertEqual({name}(3, 4), {dict(sub=-1, mul=12, neg=-3)[name]})\\n"
)
subprocess.run(["git", "add", "--all"], check=True)
subprocess.run(["git", "commit", "--quiet", "-m", f"Add {name}"], check=True)
if "--tells" in sys.argv:
    subprocess.run(["git", "push", "--quiet"], check=True)
    subprocess.run(["fleet", "publish", "pr_created", "--summary", f"Add {name}"], check=True)
'''
REVIEWER = '''
"""Looks at the change and says yes, through the agents' own command."""
import subprocess
assert "calc/" in subprocess.run(["git", "show", "--stat", "HEAD"], check=True, capture_output=True, text=True).stdout
subprocess.run(["fleet", "publish", "pr_approved", "--summary", "Reads well."], check=True)
'''
RELEASE = """
import subprocess
decision = '{"decision": "merge"}'
subprocess.run(["fleet", "publish", "release_decided", "--payload", decision, "--summary", "Small."], check=True)
"""
PROGRAMS = {"developer": DEVELOPER, "reviewer": REVIEWER, "release": RELEASE}
TICKETS = ("Add subtraction", "Add multiplication", "Add negation")


def settle_fleet(place: Place) -> None:
    """`fleet init`, then every agent gets a program: of the developers only the second tells the fleet anything."""
    gate = f"test={sys.executable} -m unittest -q"
    said = place.fleet("init", "--preset", "minimal", "--developers", "2", "--gate", gate)
    assert "wrote .fleet/config.yaml, and agent and prompt of dev-1, dev-2, reviewer, release" in said
    place.fleet("config", "validate")
    agents = place.root / "agents"
    agents.mkdir()
    for name, text in PROGRAMS.items():
        (agents / f"{name}.py").write_text(text)
    config_file = place.repository / ".fleet" / "config.yaml"
    config: dict[str, Any] = yaml.safe_load(config_file.read_text())
    programs = {"dev-1": "plain", "dev-2": "telling", "reviewer": "reviewer", "release": "release"}
    for name, vendor in programs.items():
        file = place.repository / ".fleet" / "agents" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"vendor": vendor}))
    config["vendors"] = {
        "plain": _vendor(agents / "developer.py"),
        "telling": _vendor(agents / "developer.py", "--tells"),
        "reviewer": _vendor(agents / "reviewer.py"),
        "release": _vendor(agents / "release.py"),
    }
    config["approval"]["hold_s"] = 0
    config_file.write_text(yaml.safe_dump(config, sort_keys=False))
    place.commit({}, "Add fleet configuration")


def _vendor(program: Path, *words: str) -> dict[str, Any]:
    return {"kind": "command", "argv": [sys.executable, str(program), *words], "prompt": "stdin"}


def approve_in_the_room(place: Place) -> int:
    """As a person does it: 2 for the approvals, read the oldest, A, y. Its pull request's number."""

    def oldest() -> Approval | None:
        return min(place.reader.approvals(ApprovalState.REQUESTED), key=lambda a: a.requested_ns, default=None)

    approval = place.until(oldest, "an approval is requested")
    number, title = approval.pr, TICKETS[approval.ticket - 1]
    with room(place) as terminal:
        terminal.until("WALL", title)
        terminal.keys("2")
        terminal.until("2 APPROVALS", f"PR {number} {title}", approval.head_sha[:7], "+def ", "you have seen")
        terminal.keys("A")
        terminal.until(f"APPROVE PR {number} {title}", f"head {approval.head_sha[:7]}", "merge into main")
        terminal.insist("y", lambda: bool(place.events("approval_granted")), "the approval is granted")
        terminal.keys("q")
        terminal.until("WALL")
        terminal.insist("q", lambda: "EXIT-" in terminal.screen(), "the room is left")
        assert "EXIT-0" in terminal.screen()
    (granted,) = place.events("approval_granted")
    assert (granted.payload["approval"], granted.payload["pr"]) == (approval.id, number)
    assert granted.payload["shown"]["seen"] != [], "what was on the screen is in the log"
    return number


def test_three_tickets_of_a_plain_project_land(bare: Place) -> None:
    place = bare
    place.init_git(PROJECT)
    settle_fleet(place)
    for title in TICKETS:
        place.ticket(title)
    assert place.fleet("up", "--no-room") == "watcher started\n"
    first = approve_in_the_room(place)
    place.until(lambda: len(place.events("pr_merged")) == 1, "the first landing")
    for landed, number in enumerate({1, 2, 3} - {first}, 2):
        place.approve(number)
        place.until(lambda count=landed: len(place.events("pr_merged")) == count, "the next landing")  # type: ignore[misc]
    for number in (1, 2, 3):
        place.until_ticket(number, TicketState.SHIPPED)
    place.until(lambda: (place.repository / "calc" / "neg.py").exists(), "the checkout follows")
    place.until(lambda: place.git("rev-parse", "main") == place.reader.fleet().target_sha, "main is the target")
    assert (place.repository / "calc" / "mul.py").read_text() == "def mul(a, b=0):\n    return a * b\n"
    assert place.git("status", "--porcelain") == ""
    assert len(place.events("gate_failed")) == 1
    authors = {event.payload["agent"] for event in place.events("pr_created")}
    assert authors == {"dev-1", "dev-2"}, "both ways of handing over were used"
    place.fleet("verify", "--deep")
    place.fleet("watcher", "stop", "--with-agents")
    assert place.processes() == []
    place.fleet("verify", "--deep")
