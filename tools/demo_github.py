"""The headless demo with GitHub as its forge: ``make demo-github``. Real watcher, agents, git and `gh`; GitHub is the
stand-in of the tests, on a unix socket: no network, no account.

Issues labelled ready become tickets, claims are seen there, agents work, pull requests are opened, reviewed, checked
and merged there, and the person who is played releases what has landed. What GitHub shows is printed between the events
of the fleet's log, and at the end it is compared with what must be there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleet_tui.bus import operator
from fleet_tui.cli.common import count, degrade_output, say
from fleet_tui.cli.log import as_line
from fleet_tui.demo import leftovers, outcome, places, project
from fleet_tui.demo.person import Person
from fleet_tui.domain.errors import FleetError
from fleet_tui.paths import FleetPaths, state_home
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.watcher import spawn
from tests.github.played import Played
from tests.github.server import Server, write_config
from tests.github.state import Hub, Issue, Protection, Repository

NAME = "acme/textkit"
CHECK = "build"
VERSION = "v0.1.0"
_SETTLED_S = 60.0


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--speed", type=float, default=20.0, help="divides the agents' pauses")
    asked.add_argument("--time-limit", type=float, default=600.0, help="seconds for the story")
    asked.add_argument("--keep", action="store_true", help="keep the project, its log and what GitHub had")
    options = asked.parse_args()
    degrade_output()
    if shutil.which("gh") is None:
        say("the demo needs GitHub's program `gh` (2.23 or newer): https://cli.github.com", err=True)
        return 78
    home = state_home()
    leftovers.clear(home, say)
    place = Path(tempfile.mkdtemp(prefix="fleet-", dir="/tmp")).resolve()  # short, for the sockets in it
    there = places.DemoPlace.of(place, project.NAME)
    there.enter()
    try:
        with places.written_down(there, home, keep=options.keep), _github(place) as (server, shop):
            return _story(place, server, shop, options)
    finally:
        if options.keep:
            say(f"kept: {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _github(place: Path) -> Iterator[tuple[Server, Repository]]:
    """The stand-in, and an environment in which `gh` knows nothing else. What ``gh`` keeps lies in ``place``."""
    for name in [name for name in os.environ if name.startswith(("GH_", "GITHUB_"))]:
        del os.environ[name]
    for name in ("hub", "tmp"):
        (place / name).mkdir()
    hub = Hub(place / "hub")
    shop = hub.create(NAME)
    shop.protections["main"] = Protection(contexts=(CHECK,))
    server = Server(hub, place / "hub.sock")
    write_config(place / "gh", place / "hub.sock")
    os.environ |= {"GH_CONFIG_DIR": str(place / "gh"), "GH_TOKEN": "test", "GH_PROMPT_DISABLED": "1"}
    os.environ["TMPDIR"] = str(place / "tmp")
    server.start()
    try:
        yield server, shop
    finally:
        server.stop()


def _story(place: Path, server: Server, shop: Repository, options: argparse.Namespace) -> int:
    plan = project.Plan(speed=options.speed, hold_s=max(0, round(10 / max(1.0, options.speed))))
    forge = {"kind": "github", "repo": NAME, "remote": str(shop.git_dir), "poll_s": 5}
    paths = project.create(place, plan, forge)
    shop.git("fetch", "--quiet", "--force", str(paths.repository), "main:main")
    told = project.tickets(plan)
    issues = [_issue(shop, ticket) for ticket in told]
    say(f"demo in {paths.repository}: {count(len(issues), 'issue')} on {NAME} (a stand-in), labelled ready")
    started = time.monotonic()
    try:
        with Played(server, shop, lambda line: say(f"{'GitHub':>6} {line}"), name=CHECK, unlucky=2):
            try:
                spawn.start(paths)
                Person(paths, told, lambda event: say(as_line(event))).play(options.time_limit)
                _settle(shop, issues, project.shipping(told))
                _release(paths, shop)
            finally:
                spawn.stop(paths, with_agents=True)
    except FleetError as error:
        say(f"fleet: {error}", err=True)
        return 1
    took_s = time.monotonic() - started
    say(f"the story ended after {took_s:.1f} s; {_requests(server, took_s)}")
    problems = [*_wrong_there(paths, shop, issues, project.shipping(told))]
    problems += outcome.check(paths, project.shipping(told), story=True)
    for problem in problems:
        say(f"WRONG {problem}")
    if not problems:
        say(
            "outcome checked: issues closed and shipped, one claim each, merged pull requests, a check that ran again, "
            "nothing of contained agents on GitHub, the release, branch content, log and promises, nothing left running"
        )
    return 1 if problems else 0


def _issue(shop: Repository, ticket: dict[str, Any]) -> Issue:
    needs = ticket.get("depends_on", [])
    blocked = f"\n\nBlocked by {', '.join(f'#{number}' for number in needs)}" if needs else ""
    priority = [f"P{ticket['priority']}"] if "priority" in ticket else []
    return shop.issue(ticket["title"], ticket["body"] + blocked, ["ready", *priority])


def _settle(shop: Repository, issues: list[Issue], shipping: set[int]) -> None:
    """The labels follow a moment after the merges."""
    deadline = time.monotonic() + _SETTLED_S
    while time.monotonic() < deadline and not all(_is_shipped(i) for i in issues if i.number in shipping):
        time.sleep(0.2)
    shop.sync()


def _is_shipped(issue: Issue) -> bool:
    return issue.state == "closed" and "shipped" in issue.labels


def _release(paths: FleetPaths, shop: Repository) -> None:
    told = operator.call(paths.operator_socket, "tag_release", {"version": VERSION}, time_limit_s=60)
    say(str(told["message"]))
    for line in str(shop.releases.get(VERSION, {}).get("body", "")).splitlines():
        say(f"    | {line}")


def _requests(server: Server, took_s: float) -> str:
    with server.lock:
        seen = list(server.seen)
    points = sum(one.counted for one in seen)
    unchanged = sum(one.status == 304 for one in seen)
    graphql = sum(one.path == "/graphql" for one in seen)
    return (
        f"{len(seen)} requests of gh ({unchanged} not modified, {graphql} GraphQL), {points} counted, in {took_s:.0f} s"
    )


def _wrong_there(paths: FleetPaths, shop: Repository, issues: list[Issue], shipping: set[int]) -> Iterator[str]:
    """What is not on GitHub as it must be."""
    pulls = shop.pulls()
    for issue in issues:
        merged = [p for p in pulls if p.merged and f"Closes #{issue.number}\n" in f"{p.body}\n"]
        claims = [c for c in issue.comments if "fleet:claim" in c.body]
        if issue.number in shipping:
            if not _is_shipped(issue) or "in-progress" in issue.labels:
                yield f"issue #{issue.number} is {issue.state} and labelled {issue.labels}"
            if len(merged) != 1 or "shipped" not in merged[0].labels:
                yield f"issue #{issue.number} has {len(merged)} merged pull requests, or one without its label"
            if len(claims) != 1:
                yield f"issue #{issue.number} was claimed {len(claims)} times"
        elif issue.state != "open" or merged:
            yield f"issue #{issue.number} of a contained agent is {issue.state}"
    for branch, sha in shop.heads().items():
        files = shop.git("ls-tree", "-r", "--name-only", sha).split()
        yield from (
            f"{name} of a contained agent is on GitHub ({branch})" for name in outcome.FORBIDDEN if name in files
        )
    if shop.releases.get(VERSION, {}).get("body", "").count("\n- ") != len(shipping):
        yield f"the release {VERSION} does not tell of {len(shipping)} pull requests"
    with suppress(FleetError):
        reader = Reader.open(paths.database)
        kinds = {event.kind for event in reader.events(EventFilter(), after=0, limit=1_000_000)}
        reader.close()
        yield from (
            f"the story lacks {kind}" for kind in ("check_rerun", "ci_passed", "claim_decided") if kind not in kinds
        )


if __name__ == "__main__":
    sys.exit(main())
