"""One trial: the demo with somebody killed at seeded points of its story; everything must come out as without the kill.

``python -m tests.faults.trial VICTIM --seed N`` runs one in this process and prints the outcome as JSON; the trials of
a series are processes of their own, so that they share nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from fleet_tui.demo import outcome, project
from fleet_tui.demo.person import Person
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import Event
from fleet_tui.paths import FleetPaths
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.tmux import proctree
from fleet_tui.watcher import spawn
from tests.faults import places
from tests.faults.victims import VICTIMS, Kill, Room

NAMES = ("none", *VICTIMS, "room")
_LAST_EVENT = 540
"""A little less than the undisturbed story has, so that every kill falls into it."""
_MOST_KILLS = {"watcher": 3, "supervisor": 2, "boundary": 3}
_BOUNDARIES = (
    ("effect_attempted", "pr:", 2),
    ("effect_attempted", "pr:", 2),
    ("effect_attempted", "run:", 6),
    ("effect_done", "pr:", 2),
    ("message_delivered", "run:", 6),
    ("run_queued", "", 6),
    ("run_started", "run:", 6),
    ("run_finished", "run:", 6),
    ("gate_started", "pr:", 3),
    ("pr_created", "pr:", 2),
    ("pr_approved", "pr:", 2),
    ("approval_granted", "pr:", 2),
    ("target_published", "fleet", 2),
    ("blocker", "ticket:", 1),
    ("budget_report_asked", "run:", 1),
    ("budget_extended", "agent:", 1),
    ("risk_changed", "run:", 4),
    ("agent_quarantined", "agent:", 2),
)
"""Kind, beginning of the subject, and the most occurrences to let pass before the kill."""
_STORY_S = 240.0
_BACK_S = 30.0
_LOOK_S = 0.005
_LOOK_CLOSELY_S = 0.001


@dataclass(slots=True)
class Outcome:
    """How a trial went. ``tree`` is the final tree of the target branch; ``kept`` where a failed one lies."""

    victim: str
    seed: int
    kills: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tree: str = ""
    seconds: float = 0.0
    kept: str = ""


class Killer(threading.Thread):
    """Kills at drawn points of the story: when the log has a drawn length, or right behind a drawn kind of event."""

    def __init__(self, paths: FleetPaths, name: str, kill: Kill, seed: int) -> None:
        super().__init__(name="killer", daemon=True)
        self._paths = paths
        self._kill = kill
        self._boundary = name == "boundary"
        self._chance = random.Random(f"{name}:{seed}")
        count = self._chance.randint(1, _MOST_KILLS.get(name, 1))
        self._points = sorted(self._chance.randint(5, _LAST_EVENT) for _ in range(count))
        self.kills: list[str] = []
        self.problems: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        reader = Reader.open(self._paths.database)
        try:
            for point in self._points:
                if self._boundary:
                    self._strike(reader, self._behind_boundary(reader))
                else:
                    self._await(lambda point=point: reader.last_seq() >= point, _LOOK_S)  # type: ignore[misc]
                    self._over.wait(self._chance.uniform(0, 0.15))
                    self._strike(reader, "")
        except Exception:
            self.problems.append(f"the killer failed: {traceback.format_exc()}")
        finally:
            reader.close()

    def stop(self) -> None:
        """Kill and start nobody any more."""
        self._over.set()
        self.join(60)

    def finish(self) -> None:
        """The story is over: stop waiting for its points."""
        self.stop()
        if not self.kills:
            self.problems.append("nobody was killed")

    def _behind_boundary(self, reader: Reader) -> str:
        """Wait for a drawn event from now on: behind it an act is under way, or its consequences are due."""
        kind, subject, most = self._chance.choice(_BOUNDARIES)
        nth = self._chance.randint(1, most)
        after = reader.last_seq()

        def reached() -> bool:
            found = reader.events(EventFilter(kinds=(kind,)), after=after, limit=1_000)
            return sum(event.subject.startswith(subject) for event in found) >= nth

        self._await(reached, _LOOK_CLOSELY_S)
        return f" behind {kind} {subject}"

    def _strike(self, reader: Reader, why: str) -> None:
        while not self._over.is_set():
            victim = self._kill(self._paths, self._chance)
            if victim is not None:
                self.kills.append(f"{victim} at #{reader.last_seq()}{why}")
                return
            self._over.wait(_LOOK_S)

    def _await(self, reached: Callable[[], bool], look_s: float) -> None:
        while not self._over.is_set() and not reached():
            self._over.wait(look_s)


def run_trial(victim: str, seed: int, speed: float, place: Path) -> Outcome:
    """Play the demo in ``place`` with ``victim`` killed; the environment's state and runtime homes must lie there."""
    result = Outcome(victim, seed)
    plan = project.Plan(speed=speed, hold_s=0)
    tickets = project.tickets(plan)
    shipping = project.shipping(tickets)
    started = time.monotonic()
    paths = project.create(place, plan)
    os.environ.update({"FLEET__limits__restore": "auto"})  # the person of the demo decides about pull requests alone
    spawn.start(paths)
    with contextlib.ExitStack() as stack:
        room = Room(paths) if victim == "room" else None
        if room is not None:
            stack.callback(room.close)
        killer = None if victim == "none" else Killer(paths, victim, room.kill if room else VICTIMS[victim], seed)
        if killer is not None:
            stack.callback(killer.stop)
            killer.start()
        try:
            Person(paths, tickets, _nothing).play(_STORY_S)
        except FleetError as error:
            result.problems.append(str(error))
        if killer is not None:
            killer.finish()
            result.kills, result.problems = killer.kills, result.problems + killer.problems
    result.problems += _stopped(paths)
    result.problems += _checked(paths, shipping, victim, place)
    result.tree = _git(paths.repository, "rev-parse", "main^{tree}")
    result.seconds = time.monotonic() - started
    return result


def _nothing(event: Event) -> None:
    """The person of a trial tells nobody."""


def _stopped(paths: FleetPaths) -> list[str]:
    # The last kill may have been a moment ago: whoever stops a fleet waits for its watcher to be back.
    deadline = time.monotonic() + _BACK_S
    while not spawn.answers(paths) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    try:
        return [] if spawn.stop(paths, with_agents=True) else ["no watcher was running at the end"]
    except FleetError as error:
        return [str(error)]


def _checked(paths: FleetPaths, shipping: set[int], victim: str, place: Path) -> list[str]:
    problems = outcome.check(paths, shipping, story=True)
    problems += _command(paths, "audit", "verify") + _command(paths, "verify", "--deep")
    reader = Reader.open(paths.database)
    try:
        events = reader.events(EventFilter(), after=0, limit=1_000_000)
    finally:
        reader.close()
    problems += _landings(events) + _respawns(events) + _charges(events)
    if victim == "room":
        problems += _undisturbed(events)
    return problems + _left(place)


def _landings(events: list[Event]) -> list[str]:
    """Every landing was decided by a person, by a decision of its own."""
    used = Counter(event.payload.get("approval") for event in events if event.kind == "pr_merged")
    return [f"{count} landings under approval {name}" for name, count in used.items() if name is None or count > 1]


def _respawns(events: list[Event]) -> list[str]:
    """No run is replaced twice, and none that nobody had lost."""
    queued = Counter(event.payload.get("previous") for event in events if event.kind == "run_queued")
    queued.pop(None, None)
    crashed = {event.payload["run"] for event in events if event.kind == "run_crashed"}
    twice = [f"{run} was replaced {count} times" for run, count in queued.items() if count > 1]
    return twice + [f"{run} was replaced but had not crashed" for run in queued if run not in crashed]


def _charges(events: list[Event]) -> list[str]:
    """A run ends once."""
    ends = Counter(event.payload["run"] for event in events if event.kind in ("run_finished", "run_crashed"))
    return [f"{run} ended {count} times" for run, count in ends.items() if count > 1]


def _undisturbed(events: list[Event]) -> list[str]:
    """A room is only looked through: its death changes nothing."""
    kinds = Counter(event.kind for event in events)
    strange = {kind: kinds[kind] for kind in ("run_crashed", "tmux_lost", "effect_uncertain") if kinds[kind]}
    if kinds["watcher_started"] != 1:
        strange["watcher_started"] = kinds["watcher_started"]
    return [f"the room's death was felt: {strange}"] if strange else []


def _command(paths: FleetPaths, *words: str) -> list[str]:
    argv = [sys.executable, "-m", "fleet_tui", *words, "--repo", str(paths.repository)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    return [] if done.returncode == 0 else [f"`fleet {' '.join(words)}`: {(done.stdout + done.stderr)[-1500:]}"]


def _left(place: Path) -> list[str]:
    """Processes that belong to the trial, by what they were started with."""
    left = []
    for process in places.belonging(place):
        with contextlib.suppress(psutil.Error):
            left.append(f"process {process.pid} is left: {' '.join(process.cmdline())[:200]}")
    return left


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """Run one trial and print its outcome; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.trial", description=__doc__)
    parser.add_argument("victim", choices=NAMES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=20.0)
    options = parser.parse_args(arguments)
    places.end_on_signals()
    proctree._prctl(proctree._PR_SET_PDEATHSIG, signal.SIGTERM)  # with the series, and in order
    with places.opened() as place:
        os.environ["FLEET_STATE_HOME"] = str(place / "state")
        os.environ["FLEET_RUNTIME_DIR"] = str(place / "run")
        try:
            result = run_trial(options.victim, options.seed, options.speed, place)
        except Exception:
            result = Outcome(options.victim, options.seed, problems=[traceback.format_exc()])
        if result.problems:
            places.keep(place)
            result.kept = str(place)
    print(json.dumps(asdict(result)))
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
