"""What looking at GitHub costs an hour in requests, points of the rate limit and processor time, with and without tags.

``python benchmarks/poll_cost.py [ROUNDS]``: the real gh against the stand-in GitHub of the tests. Each round makes one
look of each kind after the other, so that both see the same repository: ``ours`` is what the watcher does, ``naive``
the same requests without ``If-None-Match``. A request that is answered with 304 costs no point; one GraphQL query costs
one, from a budget of its own. An hour is reckoned from looks at the default interval; every 15 minutes one of them
asks again about what no list tells of.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.forge.answer import Answer
from fleet_tui.forge.gh import Gh
from fleet_tui.forge.github import GitHubForge
from fleet_tui.settings.schema import Settings
from tests.github.fixture import Site, site
from tests.github.state import Repository, commit

SETTINGS = Settings.model_validate({"forge": {"kind": "github", "repo": "acme/shop"}})
LOOKS_H = 3600 // SETTINGS.forge.poll_s
THOROUGH_H = 4
BUDGET_H = 5000


class Naive(Gh):
    """Remembers no answer, so every request is answered, and counted, in full."""

    def _remember(self, path: str, answer: Answer) -> None:
        pass


@dataclass(frozen=True)
class Scene:
    """A repository in some state. ``change`` happens before each round; of it both kinds of look see all."""

    name: str
    followed: int
    pulls: int
    waiting: int = 0
    """Issues that are ready and not taken."""
    change: Callable[[Repository, int], None] | None = None


@dataclass(frozen=True)
class Cost:
    requests: float
    core: float
    graphql: float
    cpu_ms: float
    wall_ms: float


def talk(shop: Repository, nth: int) -> None:
    """A person says something about one issue, and a check ends."""
    shop.comment(shop.item(1 + nth % 10), f"Word {nth}")
    pull = shop.pulls("open")[nth % len(shop.pulls("open"))]
    shop.check(pull.head_sha, "build", "failure" if nth % 2 else "success")


SCENES = (
    Scene("idle: nothing labelled", 0, 0),
    Scene("idle: 10 tickets, no pull request", 10, 0),
    Scene("idle: 10 tickets, 5 pull requests", 10, 5),
    Scene("idle: 100 tickets wait, 10 taken, 5 pull requests", 10, 5, waiting=100),
    Scene("busy: as the third, an issue and a check change between looks", 10, 5, change=talk),
    Scene("busy: 40 tickets, 40 pull requests, the same", 40, 40, change=talk),
)


def furnish(shop: Repository, scene: Scene) -> tuple[list[int], list[int]]:
    """The issues that a fleet would follow, and its pull requests."""
    issues = []
    for number in range(scene.followed):
        issue = shop.issue(f"Part {number}", "Do it.", ["needs-review" if number < scene.pulls else "in-progress"])
        shop.comment(issue, "Taken by the fleet.", author=shop.hub.viewer)
        issues.append(issue.number)
    issues += [shop.issue(f"Later {number}", "Do it.", ["ready"]).number for number in range(scene.waiting)]
    pulls = []
    for number in range(scene.pulls):
        sha = commit(shop, f"agent/{number}", {f"{number}.txt": "x\n"})
        pulls.append(shop.open_pull(f"agent/{number}", "main", f"Part {number}", author=shop.hub.viewer).number)
        shop.check(sha, "build", "success")
    return issues, pulls


async def look(forge: GitHubForge, issues: Sequence[int], pulls: Sequence[int], *, thoroughly: bool) -> None:
    """What one look of the watcher's asks GitHub (the fetch of the target is git's, and costs no request)."""
    await forge.look(issues, thoroughly=thoroughly)
    if pulls:
        await forge.pulls.rules("main")
    for number in pulls:
        await forge.pulls.view(number)


async def measured(github: Site, forge: GitHubForge, issues: Sequence[int], pulls: Sequence[int], **how: bool) -> Cost:
    budgets = github.server.budgets
    before = (budgets["core"].used, budgets["graphql"].used, len(github.server.seen), _cpu_s(), time.perf_counter())
    await look(forge, issues, pulls, thoroughly=how.get("thoroughly", False))
    after = (budgets["core"].used, budgets["graphql"].used, len(github.server.seen), _cpu_s(), time.perf_counter())
    core, graphql, requests, cpu_s, wall_s = (b - a for a, b in zip(before, after, strict=True))
    return Cost(requests, core, graphql, cpu_s * 1000, wall_s * 1000)


def _cpu_s() -> float:
    """Processor time of the gh processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(c, name) for c in costs) for name in Cost.__dataclass_fields__))


def hourly(plain: Cost, thorough: Cost) -> Cost:
    def total(name: str) -> float:
        return (LOOKS_H - THOROUGH_H) * float(getattr(plain, name)) + THOROUGH_H * float(getattr(thorough, name))

    return Cost(*(total(name) for name in Cost.__dataclass_fields__))


async def run(github: Site, scene: Scene, rounds: int) -> tuple[Cost, Cost]:
    """An hour of ``scene``: ours and naive."""
    shop = github.repository
    issues, pulls = furnish(shop, scene)
    forges = {
        "ours": GitHubForge(Gh(), lambda: SETTINGS, SETTINGS.forge.repo),
        "naive": GitHubForge(Naive(), lambda: SETTINGS, SETTINGS.forge.repo),
    }
    plain: dict[str, list[Cost]] = {name: [] for name in forges}
    thorough: dict[str, list[Cost]] = {name: [] for name in forges}
    for forge in forges.values():  # the first look of a watcher sees everything for the first time
        await look(forge, issues, pulls, thoroughly=True)
    for nth in range(rounds):
        if scene.change is not None:
            scene.change(shop, nth)
        order = list(forges.items())
        for name, forge in order if nth % 2 else reversed(order):
            plain[name].append(await measured(github, forge, issues, pulls))
    for name, forge in forges.items():
        thorough[name].append(await measured(github, forge, issues, pulls, thoroughly=True))
    ours, naive = (hourly(median(plain[name]), median(thorough[name])) for name in ("ours", "naive"))
    return ours, naive


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    how_often = f"{LOOKS_H} looks an hour (every {SETTINGS.forge.poll_s} s)"
    print(f"{how_often}, medians of {rounds} rounds; {BUDGET_H} points of each")
    print("| repository | requests/h | REST points/h | GraphQL points/h | naive REST points/h | ratio | gh s/h |")
    print("|---|---|---|---|---|---|---|")
    for scene in SCENES:
        with pytest.MonkeyPatch.context() as patch, site(patch) as github:
            ours, naive = asyncio.run(run(github, scene, rounds))
        ratio = f"{ours.core / naive.core:.2f}" if naive.core else "-"
        print(
            f"| {scene.name} | {ours.requests:.0f} | {ours.core:.0f} | {ours.graphql:.0f} | {naive.core:.0f} "
            f"| {ratio} | {ours.cpu_ms / 1000:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
