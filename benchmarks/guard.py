"""What a decision about an act costs, as a ratio to starting the parser alone, in the same run.

``python benchmarks/guard.py [CALLS]``: prints medians and ratios for lines new to the cache, for lines seen before, and
for rules alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.governance.guard.acts import Act, Surroundings
from fleet_tui.governance.guard.policy import decide
from fleet_tui.paths import shipped_config
from fleet_tui.settings.guard import Guard
from fleet_tui.watcher.desks.shell_parser import parse, parser_program

GUARD = Guard.model_validate(yaml.safe_load((shipped_config() / "guard.yaml").read_text("utf-8"))["guard"])
WHO = Surroundings("developer", "author", "/space/ws", "/people/u", "agent/3-login")
LINE = "cd src && env A=1 sh -c 'git -C . push origin HEAD:main' && python -m pytest -q | tee out/{}.log"


def median_us(act: Callable[[int], object], calls: int) -> float:
    times = []
    for number in range(calls):
        started = time.perf_counter()
        act(number)
        times.append((time.perf_counter() - started) * 1e6)
    return statistics.median(times)


def main(calls: int) -> None:
    def bare(_number: int) -> object:
        return subprocess.run([parser_program()], input=b"ls", capture_output=True, check=True, close_fds=False, env={})

    def judge(number: int) -> object:
        return decide(Act("Bash", line=LINE.format(number)), WHO, GUARD, parse)

    def file(number: int) -> object:
        return decide(Act("Write", writes=(f"src/{number}.py",)), WHO, GUARD, parse)

    base = median_us(bare, calls)
    cases = (
        ("shfmt alone", base),
        ("a line new to the cache (two parses)", median_us(judge, calls)),
        ("the same lines again", median_us(judge, calls)),
        ("a file, no line", median_us(file, calls)),
    )
    for name, time_us in cases:
        print(f"{name:40} median {time_us:9.0f} us  {time_us / base:6.3f} x shfmt alone")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
