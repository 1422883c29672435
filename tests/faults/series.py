"""Series of trials, each compared with an undisturbed run of the same story."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.trial import Outcome

_ROOT = Path(__file__).resolve().parents[2]
_TRIAL_S = 420


def one(victim: str, seed: int, speed: float) -> Outcome:
    """Run one trial in a process of its own."""
    argv = [sys.executable, "-m", "tests.faults.trial", victim, "--seed", str(seed), "--speed", str(speed)]
    try:
        done = subprocess.run(argv, cwd=_ROOT, capture_output=True, text=True, timeout=_TRIAL_S, check=False)
        return Outcome(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Outcome(victim, seed, problems=[f"the trial did not end within {_TRIAL_S} s"])
    except (IndexError, ValueError, TypeError):
        return Outcome(victim, seed, problems=[f"the trial broke: {done.stderr[-2000:]}"])


def series(victims: list[str], seeds: range, speed: float, jobs: int) -> Iterator[Outcome]:
    """First an undisturbed run, then every victim with every seed; a different final tree is a problem too."""
    calm = one("none", 0, speed)
    yield calm
    wanted = [(victim, seed) for seed in seeds for victim in victims]
    with ThreadPoolExecutor(jobs) as pool:
        for outcome in pool.map(lambda pair: one(pair[0], pair[1], speed), wanted):
            if calm.tree and outcome.tree != calm.tree:
                outcome.problems.append(f"the final tree is {outcome.tree[:12]}, undisturbed it is {calm.tree[:12]}")
            yield outcome


def as_line(outcome: Outcome) -> str:
    """One line for people."""
    verdict = "ok  " if not outcome.problems else "FAIL"
    line = f"{verdict} {outcome.victim:10} seed {outcome.seed:<4} {outcome.seconds:6.1f} s  {'; '.join(outcome.kills)}"
    kept = f"\n     kept: {outcome.kept}" if outcome.kept else ""
    return line + "".join(f"\n     - {problem.strip()[:1500]}" for problem in outcome.problems) + kept
