"""How long from an all stop to every tree frozen and every gate shut, as a ratio to a plain loop on the same trees.

``python benchmarks/all_stop.py [AGENTS [ROUNDS]]``: a watcher as people start it, 50 agents (a shell with three
children, one of them in a session of its own), each below its runner in a pane of the fleet's tmux server, without a
sandbox. Time runs from the moment that the command is sent. The plain loop is told every pid, sends SIGSTOP to each and
waits for the kernel to say so. It leaves out the agents' shells: their runners let them go on when somebody else stops
them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.bus import operator
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.forge.local import LocalForge
from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import Reader
from fleet_tui.tmux import proctable
from fleet_tui.tmux.proctable import Process
from fleet_tui.tmux.records import read_runner
from fleet_tui.watcher import spawn

TREE = 4
AGENT = "sleep 3600 & sleep 3600 & setsid sleep 3600 & wait"
PROMISED_MS = 2_000


def git(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=place, capture_output=True, text=True, check=False)


def until(done: Callable[[], bool], what: str, limit_s: float = 300.0, look_s: float = 0.1) -> None:
    end_s = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end_s:
            raise TimeoutError(what)
        time.sleep(look_s)


def make_fleet(place: Path, agents: int) -> FleetPaths:
    """A repository with as many developers and ready tickets."""
    repository = place / "shop"
    (repository / ".fleet").mkdir(parents=True)
    config = {
        "version": 1,
        "agents": [
            {"name": f"a{n}", "role": "developer", "vendor": "plain", "prompt": "Do it."} for n in range(agents)
        ],
        "vendors": {"plain": {"kind": "command", "argv": ["sh", "-c", AGENT], "prompt": "stdin"}},
        "isolation": {"level": "L0"},
        "limits": {"max_running": agents},
    }
    (repository / ".fleet" / "config.yaml").write_text(yaml.safe_dump(config))
    (repository / ".fleet" / ".gitignore").write_text("/tickets/\n")
    git(repository, "init", "--quiet", "--initial-branch=main")
    git(repository, "add", "--all")
    git(repository, "-c", "user.name=b", "-c", "user.email=b@example.invalid", "commit", "--quiet", "-m", "Start")
    paths = FleetPaths.of(repository)
    forge = LocalForge(paths.tickets)
    for number in range(agents):
        asyncio.run(forge.create_ticket(f"Part {number}", "Do it.", ["ready"]))
    return paths


class Fleet:
    """The started fleet, its trees and gates."""

    def __init__(self, paths: FleetPaths, agents: int) -> None:
        self.paths = paths
        self.reader = Reader.open(paths.database)
        until(lambda: len(self.trees()) == agents, f"{agents} agents at work")
        runs = self.reader.runs(*LIVE_RUNS)
        self.homes = [Path(run.workspace) for run in runs]
        self.allowed = [home.parent / "gate.git" / "fleet-allowed" for home in self.homes]

    def trees(self) -> list[list[Process]]:
        """The trees that are complete."""
        table = proctable.look()
        records = [read_runner(self.paths.run_dir(run.id)) for run in self.reader.runs(*LIVE_RUNS)]
        trees = [proctable.descendants(table, [record.pid]) for record in records if record is not None]
        return [tree for tree in trees if len(tree) == TREE]

    def tell(self, op: str) -> None:
        operator.call(self.paths.operator_socket, op, {"reason": "a benchmark"}, time_limit_s=30)

    def stop_all(self) -> tuple[float, float, float]:
        """Milliseconds until everything stands, until every gate is shut, until the answer is there."""
        members = [process for tree in self.trees() for process in tree]
        answered: list[float] = []
        started = time.perf_counter()

        def asks() -> None:
            self.tell("halt")
            answered.append(since_ms(started))

        asking = threading.Thread(target=asks)
        asking.start()
        stands_ms = when_all(is_halted, members, started)
        shut_ms = when_all(lambda path: path.read_text() == "\n", self.allowed, started)
        asking.join()
        assert all(process.is_halted for tree in self.trees() for process in tree), "the kernel does not agree"
        said = git(self.homes[0], "push", "--porcelain")
        assert "hook declined" in said.stdout, said
        return stands_ms, shut_ms, answered[0]

    def go_on(self) -> None:
        self.tell("lift")
        until(lambda: not any(p.is_halted for tree in self.trees() for p in tree), "all go on")
        until(lambda: all(path.read_text() != "\n" for path in self.allowed), "gates open")

    def plain_loop(self) -> float:
        children = [process for tree in self.trees() for process in tree[1:]]
        started = time.perf_counter()
        for process in children:
            os.kill(process.pid, signal.SIGSTOP)
        took = when_all(is_halted, children, started)
        for process in children:
            os.kill(process.pid, signal.SIGCONT)
        return took


def since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3


def is_halted(process: Process) -> bool:
    now = proctable.look_at(process.pid)
    return now is None or now.is_halted


def when_all(done: Callable[..., bool], things: Iterable[object], started: float) -> float:
    """When the last of ``things`` was done. Each is looked at until it is, so that looking takes little from others."""
    for thing in things:
        until(lambda thing=thing: done(thing), "it never happens", look_s=0.002)  # type: ignore[misc]
    return since_ms(started)


def main(agents: int, rounds: int) -> None:
    place = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp")).resolve()
    os.environ["FLEET_STATE_HOME"], os.environ["FLEET_RUNTIME_DIR"] = str(place / "state"), str(place / "run")
    paths = make_fleet(place, agents)
    try:
        spawn.start(paths)
        fleet = Fleet(paths, agents)
        git(fleet.homes[0], "commit", "--quiet", "--allow-empty", "-m", "work")
        stops, plain = [], []
        for _ in range(rounds):
            stops.append(fleet.stop_all())
            fleet.go_on()
            plain.append(fleet.plain_loop())
        stands, shut, answer = (statistics.median(column) for column in zip(*stops, strict=True))
        loop = statistics.median(plain)
        print(
            f"{agents} agents, {agents * TREE} processes: all stand after {stands:.0f} ms "
            f"({stands / loop:.1f} x the plain loop), "
            f"all gates shut after {shut:.0f} ms, answered after {answer:.0f} ms (slowest of {rounds}: "
            f"{max(map(max, stops)):.0f} ms; promised: {PROMISED_MS} ms), plain loop {loop:.1f} ms"
        )
        fleet.reader.close()
    finally:
        spawn.stop(paths, with_agents=True)
        subprocess.run(["tmux", "-L", paths.tmux_socket_name, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [50, 5][len(numbers) :]))
