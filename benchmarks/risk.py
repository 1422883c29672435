"""What a look after one changed file costs in a large repository, as a ratio to `git status` in the same run.

``python benchmarks/risk.py [FILES] [ROUNDS]``: 20 000 files without arguments. The look is everything from the notice
of a changed path to the score: reading the file, the diff, credentials, tests, dependencies, points.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.git.worktree import Worktree
from fleet_tui.governance.risk.evidence import bounded
from fleet_tui.governance.risk.score import Score, kinds, score
from fleet_tui.paths import shipped_config
from fleet_tui.settings.risk import Risk
from fleet_tui.watcher.risk.diffs import evidence_of

RULES = Risk.model_validate(yaml.safe_load((shipped_config() / "risk.yaml").read_text("utf-8"))["risk"])


def git(cwd: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make(place: Path, files: int) -> tuple[Path, str]:
    """A working tree of so many files in a hundredth as many folders; its commit."""
    tree = place / "tree"
    for number in range(files):
        file = tree / f"part{number // 2000}" / f"module{number // 100}" / f"file{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"def value():\n    return {number}\n" * 20)
    git(place, "init", "--quiet", "tree")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "-m", "all")
    git(place, "clone", "--quiet", "--bare", "tree", "control.git")
    return tree, git(tree, "rev-parse", "HEAD")


async def median_ms(act: Callable[[int], Awaitable[object]], rounds: int) -> float:
    times = []
    for number in range(rounds):
        started = time.perf_counter()
        await act(number)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


async def measure(place: Path, files: int, rounds: int) -> None:
    tree, base = make(place, files)
    worktree = Worktree(place / "control.git", tree, base, place / "scratch")
    touched = tree / "part0" / "module0" / "file0.py"

    async def points() -> Score:
        seen = evidence_of(await worktree.diff(), RULES, ())
        return score(bounded(seen, kinds(RULES, None)), RULES, time.time_ns())

    async def status(number: int) -> object:
        touched.write_text(f"# {number}\n")
        process = await asyncio.create_subprocess_exec("git", "status", "--porcelain", cwd=tree, stdout=-3)
        return await process.wait()

    async def one_file(number: int) -> object:
        touched.write_text(f"assert {number} == value()\n")
        await worktree.look([str(touched)])
        return await points()

    async def everything(_number: int) -> object:
        await worktree.look()
        return await points()

    started = time.perf_counter()
    await worktree.look()
    first = (time.perf_counter() - started) * 1e3
    base_ms = await median_ms(status, rounds)
    cases = (
        ("git status", base_ms),
        ("after one changed file, from the notice to the score", await median_ms(one_file, rounds)),
        ("everything looked at again", await median_ms(everything, rounds)),
        ("the first look (every file is read)", first),
    )
    print(f"{files} files, {rounds} rounds")
    for name, time_ms in cases:
        print(f"{name:55} median {time_ms:8.1f} ms  {time_ms / base_ms:6.2f} x git status")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]] + [20_000, 15][len(sys.argv) - 1 :]
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Path(directory), *numbers))
