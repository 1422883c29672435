"""``fleet demo``: a fleet that really works, on a project made for it in a temporary place."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.common import say
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.paths import state_home

if TYPE_CHECKING:
    from fleet_tui.demo.project import Plan

_ENDINGS = {number: 128 + number for number in (signal.SIGHUP, signal.SIGTERM)}
"""What ends a demo as leaving it does, by its exit code: its terminal was closed, or it was stopped."""


@click.command()
@click.option("--agents", type=click.IntRange(8, 60), default=8, show_default=True, help="How many agents.")
@click.option("--seed", type=int, default=1, show_default=True, help="Varies the pauses.")
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True, help="Divides the pauses.")
@click.option(
    "--headless", is_flag=True, help="No room: plays the person too, checks the outcome, exits 0 or says what is wrong."
)
@click.option("--keep", is_flag=True, help="Keep the project and its log afterwards.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where to make it; default: a temporary directory.")
@click.option(
    "--time-limit", type=click.IntRange(5), default=600, show_default=True, help="Seconds for the headless story."
)
def demo(
    agents: int, seed: int, speed: float, headless: bool, keep: bool, directory: Path | None, time_limit: int
) -> None:
    """Seven tickets, five roles, no network: a rejection, a failed gate, a question, and three agents that are stopped.

    One spends its budget and is held until you extend it, one approves itself, one drifts into .github/ and a secret.

    \b
    Examples:
      fleet demo                          open the control room on it; approvals wait for you
      fleet demo --agents 30 --speed 2
      fleet demo --headless --speed 10    print the story and check the outcome
      fleet --demo status                 of the demo that runs, in another terminal and any directory
    """
    from fleet_tui.demo import leftovers, places, project

    home = state_home()
    leftovers.clear(home, say)
    place = _place(directory)
    there = places.DemoPlace.of(place, project.NAME)
    there.enter()
    plan = project.Plan(agents, seed, speed, hold_s=max(0, round(10 / max(1.0, speed))))
    code = 1
    previous = {number: signal.signal(number, _end) for number in _ENDINGS}
    try:
        with places.written_down(there, home, keep=keep):
            code = _run(place, plan, time_limit if headless else None)
    except _Ended as ended:
        code = ended.code
    finally:
        for number in previous:
            signal.signal(number, signal.SIG_IGN)  # a second one would leave half of it behind
        # Whatever ended it, also an error: what stays behind is said. Who lost the terminal wants to keep nothing.
        # Nobody may be there to read that, which is no reason to leave anything behind either.
        with contextlib.suppress(OSError):
            _clear(place, keep=keep or code not in (0, *_ENDINGS.values()), headless=headless)
        for number, handler in previous.items():
            signal.signal(number, handler)
    raise click.exceptions.Exit(code)


class _Ended(BaseException):
    """A signal ended the demo where no room was there to end by it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _end(number: int, frame: object) -> None:  # noqa: ARG001 - as signal handlers are called
    for each in _ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    raise _Ended(128 + number)


def _run(place: Path, plan: Plan, time_limit: int | None) -> int:
    """The demo from its first commit to its last process; with a time limit without a room. The exit code."""
    from fleet_tui.demo import project
    from fleet_tui.watcher import spawn

    paths = project.create(place, plan)
    try:
        spawn.start(paths)
        code = _show(paths.repository) if time_limit is None else _play(paths.repository, plan, time_limit)
    finally:
        spawn.stop(paths, with_agents=True)
    return _check(paths.repository, plan) if time_limit is not None and code == 0 else code


def _place(directory: Path | None) -> Path:
    if directory is None:
        # Unix socket paths are short, so the place is too.
        return Path(tempfile.mkdtemp(prefix="fleet-", dir="/tmp")).resolve()
    if directory.exists() and any(directory.iterdir()):
        raise UsageError("directory not empty", str(directory), "name a new one")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory.resolve()


def _play(repository: Path, plan: Plan, time_limit: int) -> int:
    from fleet_tui.cli.log import as_line
    from fleet_tui.demo import project
    from fleet_tui.demo.person import Person
    from fleet_tui.paths import FleetPaths

    told = project.tickets(plan)
    started = time.monotonic()
    say(f"demo in {repository}: {len(told)} tickets, {plan.agents} agents, speed {plan.speed:g}, seed {plan.seed}")
    person = Person(FleetPaths.of(repository), told, lambda event: say(as_line(event)))
    try:
        person.play(time_limit)
    except FleetError as error:
        say(f"fleet: {error}", err=True)
        return 1
    say(f"the story ended after {time.monotonic() - started:.1f} s")
    return 0


def _check(repository: Path, plan: Plan) -> int:
    from fleet_tui.demo import outcome, project
    from fleet_tui.paths import FleetPaths

    paths, told = FleetPaths.of(repository), project.tickets(plan)
    for scene in outcome.scenes(paths):
        say(f"{scene.name:<9} {scene.told or 'did not happen'}")
    problems = outcome.check(paths, project.shipping(told), story=True)
    for problem in problems:
        say(f"WRONG {one_line(problem, 2000)}")
    if not problems:
        say(
            "outcome checked: branch content, one merge per ticket, the three scenes of governance, log and promises "
            "verified, nothing left running"
        )
    return 1 if problems else 0


def _show(repository: Path) -> int:
    if not sys.stdout.isatty():
        raise UsageError("no terminal", "the room needs one", "fleet demo --headless")
    from fleet_tui.cli.room import DEMO, fleet_words
    from fleet_tui.cli.up import open_fleet

    say(f"in a second terminal: {' '.join(fleet_words(DEMO))} status")
    return open_fleet(repository, start=False, demo=True)


def _clear(place: Path, *, keep: bool, headless: bool) -> None:
    from fleet_tui.demo import places, project
    from fleet_tui.paths import FleetPaths

    if keep:
        say(f"the demo has ended, its agents too; kept: {place}")
        say(
            f"  FLEET_STATE_HOME={place}/state FLEET_RUNTIME_DIR={place}/run fleet --repo {place / project.NAME} status"
        )
        return
    try:
        saved = places.keep_saved(FleetPaths.of(place / project.NAME), Path.cwd())
    except OSError as error:
        say(f"what you saved cannot be written here ({error.strerror}); kept: {place}", err=True)
        return
    shutil.rmtree(place, ignore_errors=True)
    if not headless:
        say("the demo has ended: its agents are stopped, its repository, tickets and log are removed")
    for file in saved:
        say(f"kept what you saved: {one_line(str(file), 1000)}")
