"""``python -m tests.faults --victim watcher --trials 20 --seed 1``: a line per trial and a summary; 1 if any failed."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.faults import places
from tests.faults.series import as_line, series
from tests.faults.trial import NAMES


def main() -> int:
    """Run the series that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    victims = [name for name in NAMES if name != "none"]
    parser.add_argument("--victim", choices=[*victims, "all"], default="all")
    parser.add_argument("--trials", type=int, default=20, help="per victim")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the others follow")
    parser.add_argument("--speed", type=float, default=20.0, help="divides the pauses of the story")
    parser.add_argument("--jobs", type=int, default=1, help="trials at the same time")
    options = parser.parse_args()
    places.end_on_signals()
    for place in places.clear_abandoned():
        print(f"removed {place}: its trial was killed", file=sys.stderr)
    chosen = victims if options.victim == "all" else [options.victim]
    tried, failed = Counter[str](), Counter[str]()
    seeds = range(options.seed, options.seed + options.trials)
    for outcome in series(chosen, seeds, options.speed, options.jobs):
        print(as_line(outcome), flush=True)
        tried[outcome.victim] += 1
        failed[outcome.victim] += bool(outcome.problems)
    for victim, count in tried.items():
        print(f"{victim}: {count} trials, {failed[victim]} failed")
    return 1 if failed.total() else 0


if __name__ == "__main__":
    sys.exit(main())
