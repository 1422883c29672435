"""Gates and the set-up of workspaces at each level, for real: what an attack in a test suite reaches, what works."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet_tui.bus.identity import Origin
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import GateState, Isolation, PullRequestState
from fleet_tui.governance.isolation import Level, choose
from fleet_tui.paths import FleetPaths
from fleet_tui.tmux import sandbox
from fleet_tui.watcher.confinement.command_place import run_lines
from tests import agent_user
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import PYTHON, Fleet, until

pytestmark = pytest.mark.skipif(sandbox.bubblewrap() is None, reason="where there is no bubblewrap all is at L0")
HELD_IN = ["L1", pytest.param("L2", marks=agent_user.only_root)]
# The "test suite" of a hostile branch: says what became of each attempt.
SUITE = """
import json, os, socket, sqlite3, sys
from pathlib import Path
to = json.loads(sys.argv[1])

def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(to["socket"])

attempts = {
    "database": lambda: sqlite3.connect(f"file:{to['database']}?mode=rw", uri=True).execute("select 1 from event"),
    "socket": connect,
    "state": lambda: Path(to["state"], "planted").touch(),
    "its own evidence": lambda: Path(to["state"], "evidence", "planted").touch(),
    "runtime": lambda: Path(to["runtime"], "planted").touch(),
    "repository": lambda: Path(to["repository"], "planted").touch(),
    "hooks": lambda: Path(to["repository"], ".git", "hooks", "post-merge").touch(),
    "read repository": lambda: Path(to["repository"], "app.py").read_text(),
    "key": lambda: Path(to["home"], ".ssh", "id").read_text(),
    "workspace": lambda: Path(to["workspace"], "app.py").read_text(),
    "control": lambda: Path(to["control"], "config").read_text(),
    "process": lambda: os.kill(to["pid"], 9),
    "credential": lambda: os.environ["CLOUD_SECRET"],
}
said = {}
for name, attempt in attempts.items():
    try:
        attempt()
        said[name] = "reached"
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"
print(json.dumps(said))
"""
LEGITIMATE = {
    "Makefile": "all:\n\techo built > built.txt\n\ttest $$HOME != '' && echo x > $$HOME/.cached\n\tmktemp\n",
    "half.py": "def half(n):\n    return n // 2\n",
    "test_half.py": "import half\n\ndef test_it(tmp_path):\n (tmp_path / 'x').touch()\n assert half.half(4) == 2\n",
}


async def at(fleet: Fleet, level: str) -> None:
    """Put ``level`` in force."""
    if level == "L2":
        await fleet.reconfigure(isolation={"user": agent_user.made().name})
    fleet.ctx.level = Level(Isolation(level), "for the test")


async def handed_over(
    fleet: Fleet, files: dict[str, str | None] | None = None, then: Callable[[], None] = lambda: None
) -> None:
    """Ticket 1 is written and has been through its gates, which come first; ``then`` is done before these."""
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    then()
    await fleet.settle()


def evidence(fleet: Fleet, number: int = 0) -> str:
    return (fleet.ctx.paths.evidence / fleet.ctx.reader.gates()[number].log).read_text()


def left_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def targets(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the attack is told: everything is where it says."""
    paths = FleetPaths.of(place / "shop")
    (place / "home" / ".ssh").mkdir()
    (place / "home" / ".ssh" / "id").write_text("secret")
    monkeypatch.setenv("CLOUD_SECRET", "x")
    paths.runtime.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener, subprocess.Popen(["sleep", "300"]) as victim:
        listener.bind(str(paths.operator_socket))
        listener.listen()
        yield {
            "database": str(paths.database),
            "socket": str(paths.operator_socket),
            "state": str(paths.state),
            "runtime": str(paths.runtime),
            "repository": str(paths.repository),
            "home": str(place / "home"),
            "workspace": str(paths.workspaces / "1" / "tree"),
            "control": str(paths.control),
            "pid": victim.pid,
        }
        victim.kill()


@pytest.mark.parametrize("level", ["L0", *HELD_IN])
async def test_what_an_attack_in_a_test_suite_reaches(
    make_fleet: MakeFleet, targets: dict[str, Any], level: str
) -> None:
    fleet = await make_fleet(gates=[{"name": "test", "run": [PYTHON, "suite.py", json.dumps(targets)]}])
    await at(fleet, level)
    await handed_over(fleet, {"suite.py": SUITE})
    said = json.loads(evidence(fleet))
    (gate,) = fleet.ctx.reader.gates()
    assert (gate.state, gate.isolation) == (GateState.PASSED, level)
    assert len(said) == 13
    if level == "L0":
        assert set(said.values()) == {"reached"}, "that is what the level is for"
        return
    assert "reached" not in said.values(), said
    assert psutil.pid_exists(targets["pid"])
    for folder in (fleet.ctx.paths.state, fleet.ctx.paths.runtime, fleet.ctx.paths.repository):
        assert "planted" not in left_in(folder)


@pytest.mark.parametrize("level", HELD_IN)
async def test_honest_gates_pass_and_leave_nothing_behind(make_fleet: MakeFleet, level: str) -> None:
    gates: list[dict[str, Any]] = [
        {"name": "make", "run": "make"},
        {"name": "test", "run": f"{PYTHON} -m pytest -q -p no:cacheprovider && ls __pycache__", "env": {"MINE": "yes"}},
        {"name": "clean", "run": "test ! -e built.txt && ls -A ~ && ls -A /tmp && echo said >/dev/stderr"},
    ]
    fleet = await make_fleet(gates=gates)
    await at(fleet, level)
    await handed_over(fleet, dict(LEGITIMATE))
    results = fleet.ctx.reader.gates()
    assert [(g.name, g.state) for g in results] == [(g["name"], GateState.PASSED) for g in gates], results[-1].tail
    assert "1 passed" in results[1].tail
    assert "half." in results[1].tail, "byte code is written"
    assert results[2].tail == "said", "neither home nor /tmp has anything of the gates before"
    assert left_in(fleet.ctx.paths.gates) == []


@pytest.mark.parametrize("level", HELD_IN)
async def test_the_time_limit_ends_all_of_it(make_fleet: MakeFleet, level: str) -> None:
    nap = f"3{os.getpid()}"
    run = f"(setsid env -i sleep {nap} &); exec sleep {nap}"
    fleet = await make_fleet(gates=[{"name": "slow", "run": run, "time_limit_s": 1}])
    await at(fleet, level)
    await handed_over(fleet)
    (gate,) = fleet.ctx.reader.gates()
    assert (gate.state, gate.reason, gate.exit_code) == (GateState.FAILED, "time limit of 1 s", None)
    assert [p.pid for p in psutil.process_iter(["cmdline"]) if nap in (p.info["cmdline"] or [])] == []


@pytest.mark.parametrize("level", HELD_IN)
async def test_set_up_works_in_the_workspace_and_reaches_no_further(fleet: Fleet, level: str) -> None:
    await at(fleet, level)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    tree = Path(run.workspace)
    venv = [PYTHON, "-m", "venv", "--without-pip", ".venv"]
    lines = [
        venv,
        "git log -1 --format=%s >log.txt",
        "git fetch --quiet origin main",
        "touch ~/shared",
        "ls ~ >home.txt",
    ]
    await run_lines(fleet.ctx, fleet.ctx.home, lines, tree, Origin("a test"))
    assert (tree / ".venv" / "bin" / "python").exists()
    assert (tree / "log.txt").read_text() != ""
    assert (tree / "home.txt").read_text() == "shared\n", "one home for one set-up"
    uid = agent_user.made().uid if level == "L2" else os.getuid()
    assert {path.lstat().st_uid for path in (tree, tree / "log.txt", tree / ".git" / "config")} == {uid}
    gate, control = tree.parent / "gate.git", fleet.ctx.paths.control
    for line in (f"cat {control}/config", f"cat {gate}/config", f"touch {control}/refs/heads/mine"):
        with pytest.raises(FleetError, match=r"No such file|Read-only"):
            await run_lines(fleet.ctx, fleet.ctx.home, [line], tree, Origin("a test"))
    assert left_in(fleet.ctx.paths.gates) == []
    assert left_in(fleet.ctx.paths.repository) == [".fleet", ".git", "app.py"]


async def test_a_program_that_the_configuration_names_is_shown_with_its_installation(
    make_fleet: MakeFleet, place: Path
) -> None:
    tool = place / "home" / "tools" / "bin" / "tool"
    tool.parent.mkdir(parents=True)
    (tool.parent.parent / "words.txt").write_text("found\n")
    tool.write_text('#!/bin/sh\ncat "$(dirname "$0")/../words.txt"\n')
    tool.chmod(0o755)
    gates = [{"name": "list", "run": [str(tool)]}, {"name": "line", "run": f"A=b {tool} && ls {place}/home"}]
    fleet = await make_fleet(gates=[*gates, {"name": "other", "run": f"true; {tool}"}])
    await at(fleet, "L1")
    await handed_over(fleet)
    one, two, three = fleet.ctx.reader.gates()
    assert (one.state, one.tail) == (GateState.PASSED, "found")
    assert (two.state, two.tail) == (GateState.PASSED, "found\ntools")
    assert (three.state, three.exit_code) == (GateState.FAILED, 127)
    assert "isolation.read_only" in three.reason


async def test_where_the_level_cannot_be_had_no_gate_runs(make_fleet: MakeFleet, place: Path) -> None:
    fleet = await make_fleet(gates=[{"name": "test", "run": f"touch {place}/ran"}])

    def cannot_be_had() -> None:
        fleet.ctx.level = choose("L1", "bubblewrap (bwrap) is not installed")

    await handed_over(fleet, then=cannot_be_had)
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW
    assert "no gate runs: isolation L1 is demanded" in fleet.pr().reason
    assert fleet.ctx.reader.gates() == []
    with pytest.raises(FleetError, match="isolation L1 is demanded"):
        await run_lines(
            fleet.ctx,
            fleet.ctx.home,
            [f"touch {place}/ran"],
            fleet.ctx.paths.workspaces / "1" / "tree",
            Origin("a test"),
        )
    assert not (place / "ran").exists()
    fleet.ctx.level = Level(Isolation.L0, "for the test")
    await fleet.settle()
    assert (place / "ran").exists()


async def test_a_sandbox_that_went_away_runs_nothing_outside(
    make_fleet: MakeFleet, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make_fleet(gates=[{"name": "test", "run": f"touch {place}/ran"}])
    await at(fleet, "L1")
    await handed_over(fleet, then=lambda: monkeypatch.setattr(sandbox, "bubblewrap", lambda: None))
    assert fleet.ctx.reader.gates() == []
    assert not (place / "ran").exists()
    assert fleet.pr().state is PullRequestState.NEEDS_REVIEW, "it is not its author's to mend"


def proxies(fleet: Fleet) -> list[int]:
    """The proxies of commands of ``fleet`` that are alive."""
    gates = str(fleet.ctx.paths.gates)
    found = psutil.process_iter(["cmdline"])
    return [p.pid for p in found if any(word.startswith(gates) and ".log" in word for word in p.info["cmdline"] or [])]


@pytest.mark.parametrize("level", HELD_IN)
async def test_a_gate_reaches_the_hosts_that_agents_may_and_says_which_others_it_asked(
    make_fleet: MakeFleet, level: str
) -> None:
    served = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = served.sockets[0].getsockname()[1]
    direct = f"{PYTHON} -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'"
    gates = [
        {"name": "fetch", "run": f"curl -sS http://127.0.0.1:{port}/ && ! curl -sS --fail https://evil.example/x"},
        {"name": "direct", "run": direct},
    ]
    fleet = await make_fleet(gates=gates, isolation={"network": [f"127.0.0.1:{port}"]})
    await at(fleet, level)
    async with served:
        await handed_over(fleet)
    fetch = fleet.ctx.reader.gates()[0]
    assert fetch.state is GateState.PASSED, fetch.tail
    assert "served" in fetch.tail
    assert fetch.tail.endswith(
        "fleet: no network: evil.example:443: evil.example is not in isolation.network; ask the operator"
    )
    (direct_gate,) = [gate for gate in fleet.ctx.reader.gates() if gate.name == "direct"]
    assert direct_gate.state is GateState.FAILED
    assert "Connection refused" in direct_gate.tail
    assert proxies(fleet) == []
    assert left_in(fleet.ctx.paths.gates) == []


async def test_a_gate_that_is_ended_at_its_limit_leaves_no_proxy(make_fleet: MakeFleet) -> None:
    slow = {"name": "slow", "run": "curl -sS http://evil.example/; sleep 600", "time_limit_s": 2}
    fleet = await make_fleet(gates=[slow], isolation={"network": ["example.com"]})
    await at(fleet, "L1")
    await handed_over(fleet)
    (gate,) = fleet.ctx.reader.gates()
    assert (gate.state, gate.reason) == (GateState.FAILED, "time limit of 2 s")
    assert "fleet: evil.example is not in isolation.network" in gate.tail, "it had one"
    assert proxies(fleet) == []


async def test_a_killed_sub_reaper_leaves_no_proxy(make_fleet: MakeFleet) -> None:
    waits = "curl -sS http://evil.example/; touch up; sleep 600"
    fleet = await make_fleet(isolation={"network": ["example.com"]})
    await at(fleet, "L1")
    await fleet.ticket()
    await fleet.settle()
    tree = Path((await fleet.queued("dev")).workspace)
    running = asyncio.create_task(run_lines(fleet.ctx, fleet.ctx.home, [waits], tree, Origin("a test")))
    await until((tree / "up").exists)
    (proxy,) = proxies(fleet)
    reaper = psutil.Process(proxy).parent()
    assert reaper is not None
    reaper.kill()
    with pytest.raises(FleetError, match="its first process was killed"):
        await running
    await until(lambda: proxies(fleet) == [])


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nserved\n")
    await writer.drain()
    writer.close()
