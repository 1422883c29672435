"""Series of trials, each compared with an undisturbed run of the same story."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults import places
from tests.faults.trial import Outcome

_ROOT = Path(__file__).resolve().parents[2]
_TRIAL_S = 420
_CLEANING_S = 60


class Trials:
    """The trials under way, so that whoever ends the series can end them in order."""

    def __init__(self) -> None:
        self._under_way: set[subprocess.Popen[str]] = set()
        self._over = False

    def run(self, argv: list[str]) -> tuple[str, str]:
        """What it printed and what it complained about, once it has ended and cleaned up.

        Raises:
            subprocess.TimeoutExpired: it took too long, and was ended.
        """
        process = subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._under_way.add(process)
        try:
            if self._over:
                process.terminate()
            return process.communicate(timeout=_TRIAL_S)
        finally:
            self._end(process)
            self._under_way.discard(process)

    def end(self) -> None:
        """Ask all of them to end and let none begin."""
        self._over = True
        for process in list(self._under_way):
            process.terminate()

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=_CLEANING_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                places.clear_abandoned()


TRIALS = Trials()


def one(victim: str, seed: int, speed: float) -> Outcome:
    """Run one trial in a process of its own."""
    argv = [sys.executable, "-m", "tests.faults.trial", victim, "--seed", str(seed), "--speed", str(speed)]
    said = complaint = ""
    try:
        said, complaint = TRIALS.run(argv)
        return Outcome(**json.loads(said.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Outcome(victim, seed, problems=[f"the trial did not end within {_TRIAL_S} s"])
    except (IndexError, ValueError, TypeError):
        return Outcome(victim, seed, problems=[f"the trial broke: {complaint[-2000:]}"])


def series(victims: list[str], seeds: range, speed: float, jobs: int) -> Iterator[Outcome]:
    """First an undisturbed run, then every victim with every seed; a different final tree is a problem too."""
    calm = one("none", 0, speed)
    yield calm
    wanted = [(victim, seed) for seed in seeds for victim in victims]
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for outcome in pool.map(lambda pair: one(pair[0], pair[1], speed), wanted):
                if calm.tree and outcome.tree != calm.tree:
                    outcome.problems.append(
                        f"the final tree is {outcome.tree[:12]}, undisturbed it is {calm.tree[:12]}"
                    )
                yield outcome
        except BaseException:
            TRIALS.end()  # or the pool would wait for all of them
            raise


def as_line(outcome: Outcome) -> str:
    """One line for people."""
    verdict = "ok  " if not outcome.problems else "FAIL"
    line = f"{verdict} {outcome.victim:10} seed {outcome.seed:<4} {outcome.seconds:6.1f} s  {'; '.join(outcome.kills)}"
    kept = f"\n     kept: {outcome.kept}" if outcome.kept else ""
    return line + "".join(f"\n     - {problem.strip()[:1500]}" for problem in outcome.problems) + kept
