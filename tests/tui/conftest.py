"""A real store filled by real events, a real operator socket, and a room over both with a frozen clock."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from fleet_tui.bus.server import BusServer
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.spending import Rule
from fleet_tui.store.store import Store
from fleet_tui.tui.app import RoomApp
from fleet_tui.tui.context import RoomContext
from fleet_tui.tui.theme import choose
from tests.parsed_styles import parse_once

parse_once()
DEFAULTS = {"live": False, "tmux_socket_name": "fleet-test-none", "look": choose("grey", {})}
SHA = {name: (name * 40)[:40] for name in "abcdef"}


@dataclass
class World:
    """What stands behind a room under test. ``calls`` are the operator's requests as they arrived, but for what only
    looks."""

    directory: Path
    store: Store
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """By command: an answer, an error, or what makes an answer of the arguments."""
    before: dict[str, Callable[[str], Awaitable[None]]] = field(default_factory=dict)
    """What happens, for a request of that id, before the answer to an operation is given."""
    server: BusServer | None = None
    offset_ns: int = 0

    @property
    def socket(self) -> Path:
        return self.directory / "operator.sock"

    def now_ns(self) -> int:
        """Frozen: the newest event's time plus what the test added."""
        event = self.store.reader.event(self.store.reader.last_seq())
        return (event.at_ns if event else 0) + self.offset_ns

    def add(self, *drafts: ev.Draft) -> list[ev.Event]:
        return self.store.append(list(drafts)).result(10)

    async def serve(self) -> None:
        self.server = BusServer(self._handle, lambda pid: None)
        await self.server.listen_operator(self.socket)

    async def _handle(self, caller: object, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
        if op not in {"status", "diff", "system", "plan"}:
            self.calls.append((op, args))
        if op in self.before:
            await self.before[op](request)
        answer = self.answers.get(op, {})
        if isinstance(answer, FleetError):
            raise answer
        made: dict[str, Any] = answer(args) if callable(answer) else answer
        return made

    def room(self, **changes: Any) -> RoomApp:
        options: dict[str, Any] = {**DEFAULTS, "clock": self.now_ns, **changes}
        context = RoomContext(database=self.directory / "fleet.db", operator_socket=self.socket, **options)
        return RoomApp(context)


DIFF = {
    "files": [
        {
            "path": "src/keys.py", "old_path": None, "status": "M", "added": 2, "deleted": 1, "binary": False,
            "hunks": [{"header": "@@ -1,2 +1,3 @@ def rotate():", "lines": [
                [" ", 1, 1, "def rotate():"], ["-", 2, None, "    return keys[0]"],
                ["+", None, 2, "    key = pick()"], ["+", None, 3, "    return key"]]}],
        },
        {
            "path": "tests/test_keys.py", "old_path": None, "status": "A", "added": 1, "deleted": 0, "binary": False,
            "hunks": [{"header": "@@ -0,0 +1 @@", "lines": [["+", None, 1, "assert rotate() == 1\u202e"]]}],
        },
    ],
    "truncated": False,
}  # fmt: skip


POLICY = "policy: every merge needs a person"


def config(names: dict[str, str], **teams: list[str]) -> ev.Draft:
    agents: list[dict[str, Any]] = [
        {"name": name, "role": role, "vendor": "claude-code", "model": None, "enabled": True, "max_concurrent": 1,
         "department": None, "reports_to": None, "subscribes_to": [], "budget_s": 3600,
         "teams": [team for team, members in teams.items() if name in members]}
        for name, role in names.items()
    ]  # fmt: skip
    budgets = [Rule("agent", name, "seconds", 3600).as_dict() for name in names]
    return ev.draft(ev.ConfigLoaded("0" * 64, "v-1234567890ab", agents, budgets), "fleet")


def running(number: int, agent: str, role: str, title: str) -> list[ev.Draft]:
    """A ticket in the hands of a running agent."""
    run, pane, branch = f"run-{agent}-{number}", f"pane-{agent}", f"agent/{number}-work"
    about, ticket = f"run:{run}", f"ticket:{number}"
    text = f"{title}.\nDo it well."
    return [
        ev.draft(ev.TicketCreated(number, title, text, "0" * 64, ["ready"], [], 0), ticket),
        ev.draft(ev.TicketReady(number), ticket),
        ev.draft(ev.RunQueued(run, agent, role, "claude-code", None, "ticket_ready", ticket=number), about),
        ev.draft(ev.TicketClaimed(number, agent, run), ticket),
        ev.draft(ev.RunStarted(run, run, pane, "/w", branch, SHA["a"], "L0", 1, "0" * 64), about),
        ev.draft(ev.RunStateChanged(run, "running", "hook"), about),
        ev.draft(ev.RunMetered(run, agent, 600_000 + number * 60_000), about),
    ]


def approval(
    number: int,
    ticket: int,
    agent: str,
    now_ns: int,
    *,
    reasons: tuple[str, ...] = ("policy: every merge needs a person",),
    head: str = "c",
) -> list[ev.Draft]:
    """A reviewed and gated pull request that waits for a person; ``head`` names its commit and the approval."""
    run, tree = f"run-{agent}-{ticket}", SHA["d"]
    ident, gate = f"apr-{number}-{head}", f"gate-{number}"
    return [
        ev.draft(
            ev.PullRequestCreated(
                number, ticket, f"Change {number}", "Why and how.", f"agent/{ticket}-work", "main", agent, run,
                SHA[head], SHA["b"], 2, 3, 1,
            ),
            f"pr:{number}",
        ),
        ev.draft(ev.PullRequestApproved(number, "rev", "run-rev", "reviewer", SHA[head], "reads well"), f"pr:{number}"),
        ev.draft(ev.GateStarted(gate, "unit", number, tree, SHA[head], SHA["b"], "make test"), f"pr:{number}"),
        ev.draft(ev.GatePassed(gate, "unit", number, tree, 8_200, 0, "unit.log", "12 passed"), f"pr:{number}"),
        ev.draft(
            ev.ApprovalRequested(
                ident, number, ticket, SHA[head], SHA["b"], tree, "gates-1", "v-1234567890ab", list(reasons),
                now_ns + 86_400_000_000_000 + number,
            ),
            f"pr:{number}",
        ),
    ]  # fmt: skip


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short, because a unix socket goes into it."""
    path = Path(tempfile.mkdtemp(prefix="fl", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def world(directory: Path) -> AsyncIterator[World]:
    """An empty log with a served operator socket."""
    store = Store.open(directory / "fleet.db", host="test", blobs=directory / "blobs")
    made = World(directory, store, answers={"diff": DIFF, "status": {"pid": 1, "isolation": "L0"}})
    await made.serve()
    yield made
    if made.server is not None:
        await made.server.close()
    store.close()


TICKETS = ((1, "dev-1", "Add paging"), (2, "dev-2", "Rotate the keys"), (3, "dev-3", "Tidy the log"))
ALARM = ev.AlarmRaised("alm-1", "secrets", 1, "secret pattern in a diff", "quarantine the agent", "agent:dev-3")


@pytest.fixture
async def fleet(world: World) -> World:
    """Five agents: two with approvals, one with a P1 alarm, a reviewer and a spare that idle."""
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    world.add(config({**dict.fromkeys(("dev-1", "dev-2", "dev-3", "spare"), "developer"), "rev": "reviewer"}))
    for number, agent, title in TICKETS:
        world.add(*running(number, agent, "developer", title))
    now = world.now_ns()
    world.add(*approval(1, 1, "dev-1", now), *approval(2, 2, "dev-2", now))
    world.add(ev.draft(ALARM, "agent:dev-3"))
    return world


Until = Callable[[Callable[[], bool]], Any]


@pytest.fixture
def until() -> Until:
    """Wait for a condition of the screen; only a failure reaches the limit, also on a machine with much to do."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(40):
            while not condition():  # noqa: ASYNC110 - conditions of a screen have no event
                await asyncio.sleep(0.01)

    return wait


def screen_text(app: RoomApp) -> str:
    """What is on the screen, as text."""
    strips = app.screen._compositor.render_strips(app.screen.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


@pytest.fixture
def text() -> Callable[[RoomApp], str]:
    return screen_text


@pytest.fixture
def pull_request() -> Callable[..., list[ev.Draft]]:
    return approval
