"""A small fleet for the watcher's tests: real store, real git, real sockets; agents' acts are driven by hand."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.events import (
    ConfigLoaded,
    Event,
    Payload,
    RunFinished,
    RunStarted,
    RunStateChanged,
    WorkspaceCreated,
)
from fleet_tui.domain.ids import branch_for
from fleet_tui.domain.model import Agent, Alarm, Approval, PullRequest, Run, Ticket
from fleet_tui.domain.states import LIVE_RUNS, AlarmState, ApprovalState, PullRequestState, RunState, TicketState
from fleet_tui.forge.local import LocalForge
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.load import load_settings, policy_version
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.store.reader import EventFilter
from fleet_tui.store.store import Store
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher.confinement.commands import Commands
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.cursor import Cursor
from fleet_tui.watcher.desks.agents_desk import AgentsDesk
from fleet_tui.watcher.desks.operator_desk import OperatorDesk
from fleet_tui.watcher.jobs import Jobs
from fleet_tui.watcher.loop import passes
from fleet_tui.watcher.repos import repositories
from fleet_tui.watcher.upstream.state import open_upstreams

SECOND = 1_000_000_000
TOKEN = "t" * 64
PYTHON = sys.executable
BESIDES_PROCESSES = frozenset({"observe runs", "start runs", "messages"})
"""Passes that need tmux: tests that play the agents themselves leave them out."""


def agent(name: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "vendor": "shell", "prompt": f"You are {name}.", **more}


def configuration(agents: Sequence[dict[str, Any]], **sections: Any) -> dict[str, Any]:
    """A configuration document; ``sections`` replace the ones here."""
    standing: dict[str, Any] = {
        "version": 1,
        "target_branch": "main",
        "agents": list(agents),
        "gates": [],
        "approval": {"when": "always", "hold_s": 0},
        "vendors": {"shell": {"argv": ["sh", "-c", "true"], "prompt": "file"}},
    }
    return standing | sections


async def until(condition: Callable[[], Any], limit_s: float = 40.0) -> Any:
    """The first true value of ``condition``; fails after ``limit_s``."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        value = await value if isinstance(value, Awaitable) else value
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {limit_s} s; last value {value!r}"
        await asyncio.sleep(0.01)


def git(path: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(["git", *words], cwd=path, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, (words, done.stderr)
    return done.stdout.strip()


def commit(path: Path, files: dict[str, str | None], message: str = "change") -> str:
    """Write ``files`` (None removes) and commit them, as a person or an agent would."""
    for name, text in files.items():
        file = path / name
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(path, "add", "--all", "--force", *files)
    git(path, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(path, "rev-parse", "HEAD")


def make_repository(place: Path, config: dict[str, Any]) -> Path:
    """A user's repository with a committed fleet configuration and one source file."""
    repository = place / "shop"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    (repository / ".fleet").mkdir()
    (repository / ".fleet" / ".gitignore").write_text("/tickets/\n")
    text = yaml.safe_dump(config, sort_keys=False)
    commit(repository, {".fleet/config.yaml": text, "app.py": "print('one')\n", ".fleet/.gitignore": "/tickets/\n"})
    return repository


@dataclass
class Fleet:
    """The fleet's Context, a clock that stands still, and the acts of its agents and its person."""

    ctx: Context
    desk: AgentsDesk
    person: OperatorDesk
    stops: list[str]
    clock_ns: int = field(default_factory=time.time_ns)
    _requests: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    async def open(cls, repository: Path) -> Fleet:
        """Everything the daemon opens, without its loop."""
        paths = FleetPaths.of(repository)
        paths.create()
        store = Store.open(paths.database, host="host-a", blobs=paths.blobs)
        settings = load_settings(repository).require()
        wake = asyncio.Event()

        async def unheard(caller: Caller, op: str, args: dict[str, Any], request: str) -> dict[str, Any]:
            raise AssertionError("nobody talks over sockets here")

        ctx = Context(
            paths=paths,
            host="host-a",
            settings=settings,
            store=store,
            tmux=TmuxServer(paths.tmux_socket_name),
            home=repositories.home(paths, "main"),
            others=repositories.others(paths, settings),
            forge=LocalForge(paths.tickets),
            bus=BusServer(unheard, lambda _pid: None),
            commands=Commands(paths.state),
            jobs=Jobs(wake.set),
            wake=wake,
        )
        stops: list[str] = []
        fleet = cls(ctx, AgentsDesk(ctx), OperatorDesk(ctx, stops.append), stops)
        ctx.now_ns = lambda: fleet.clock_ns
        ctx.drain_spool = fleet.desk.drain
        repositories.hold_in(ctx)
        await ctx.home.control.ensure()
        if ctx.settings.forge.kind == "github":
            open_upstreams(ctx)
        await fleet.use(ctx.settings)
        return fleet

    async def close(self) -> None:
        await self.ctx.bus.close()
        await self.ctx.jobs.close()
        await asyncio.to_thread(self.ctx.store.close)

    # -- configuration and time ----------------------------------------------------------------------------------------

    async def use(self, settings: Settings) -> None:
        """Put ``settings`` in force, as the daemon does."""
        self.ctx.settings = settings
        agents = [_row(settings, a) for a in settings.agents]
        version = policy_version(settings)
        budgets = [rule.as_dict() for rule in settings.budget_rules]
        await self.ctx.say(ConfigLoaded(f"sha-{next(self._requests)}", version, agents, budgets), "fleet")

    async def reconfigure(self, **sections: Any) -> None:
        """Change sections of the configuration in force (not the committed file)."""
        data = self.ctx.settings.model_dump(mode="json")
        for name, value in sections.items():
            data[name] = data[name] | value if isinstance(value, dict) else value
        await self.use(Settings.model_validate(data))

    def later(self, seconds: float) -> None:
        self.clock_ns += round(seconds * SECOND)

    # -- the loop ------------------------------------------------------------------------------------------------------

    async def settle(self, *, without: frozenset[str] = BESIDES_PROCESSES) -> None:
        """All passes (but ``without``) and the jobs they start, until a whole round records nothing."""
        steps = [
            step for step in passes(Cursor(self.ctx.paths.state / "subscriptions.cursor")) if step[0] not in without
        ]
        self.ctx.look_at_tickets = True
        for repository in self.ctx.repositories:
            repository.looked_at_target_ns = 0
        if self.ctx.others:
            repositories.look(self.ctx)
            await self.ctx.jobs.idle()  # while one is looked at, nothing lands there
        for _ in range(30):
            before = self.ctx.reader.last_seq()
            for _name, step in steps:
                await step(self.ctx)
            await self.ctx.jobs.idle()
            if self.ctx.reader.last_seq() == before and not self.ctx.look_at_tickets:
                return
        raise AssertionError("the passes never come to rest")

    # -- tickets and runs ----------------------------------------------------------------------------------------------

    async def ticket(self, title: str = "Say two", body: str = "Print two.", *, ready: bool = True, **more: Any) -> int:
        """A new ticket file; its number."""
        record = await self.ctx.forge.create_ticket(title, body, ["ready"] if ready else [], **more)
        return record.number

    async def begin(self, run: Run) -> Run:
        """What starting a run leaves behind, without a process: workspace, identity, state."""
        ctx = self.ctx
        family = ctx.settings.family(run.role).name
        repository = ctx.repository_of(run)
        base, branch, path = run.head_sha or await repository.base(), "", Path()
        if family == "author" and run.ticket is not None:
            known = ctx.reader.workspace(run.ticket)
            ticket = ctx.reader.ticket(run.ticket)
            branch = known.branch if known else branch_for(run.ticket, ticket.title if ticket else "")
            base = known.base_sha if known else base
            paths = await repository.workspaces.create(run.ticket, branch, base)
            path, branch = paths.path, paths.branch
            if known is None:
                await ctx.say(WorkspaceCreated(run.ticket, branch, base, str(path)), f"ticket:{run.ticket}")
        ctx.paths.run_dir(run.id).mkdir(parents=True, exist_ok=True)
        epoch = self.agent(run.agent).epoch
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        level = ctx.level.isolation.value
        started = RunStarted(run.id, run.id, "f" * 32, str(path) if branch else "", branch, base, level, epoch, digest)
        await ctx.say(started, f"run:{run.id}")
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, "runner"), f"run:{run.id}")
        return self.run(run.id)

    async def end(self, run: Run, outcome: str = "finished") -> None:
        await self.ctx.say(RunFinished(run.id, outcome, 0, None, 1000), f"run:{run.id}")

    async def queued(self, name: str | None = None) -> Run:
        """The one queued run (of agent ``name``), begun."""
        waiting = [run for run in self.ctx.reader.runs(RunState.QUEUED) if not run.stop_requested]
        found = [run for run in waiting if name in (None, run.agent)]
        assert len(found) == 1, [(run.agent, run.trigger) for run in found]
        return await self.begin(found[0])

    async def publish(
        self, run: Run, event: str, summary: str = "because", request: str = "", **args: Any
    ) -> dict[str, Any]:
        request = request or f"request-{next(self._requests)}"
        return await self.desk.answer(run.id, "publish", {"event": event, "summary": summary, **args}, request)

    async def author(self, files: dict[str, str | None] | None = None, name: str = "dev") -> tuple[Run, PullRequest]:
        """The queued author writes, pushes and hands over; the run has ended."""
        run = await self.queued(name)
        pull_request = await self.handed_over(run, files)
        await self.end(run)
        return run, pull_request

    async def handed_over(self, run: Run, files: dict[str, str | None] | None = None) -> PullRequest:
        """The author at work writes, pushes and hands over; the run goes on."""
        commit(Path(run.workspace), files or {"app.py": f"print('two {next(self._requests)}')\n"})
        git(Path(run.workspace), "push", "--quiet")
        answer = await self.publish(run, "pr_created")
        return self.pr(answer["pr"])

    async def verdict(self, name: str, event: str = "pr_approved", summary: str = "looks right") -> Run:
        """The queued reviewer ``name`` gives its verdict; the run has ended."""
        run = await self.queued(name)
        await self.publish(run, event, summary)
        await self.end(run)
        return run

    async def to_approval(self, files: dict[str, str | None] | None = None) -> Approval:
        """A ticket, written, reviewed by ``lee`` and gated: its request for approval."""
        await self.ticket(f"Ticket {next(self._requests)}")
        await self.settle()
        _run, pull_request = await self.author(files)
        await self.settle()
        await self.verdict("lee")
        await self.settle()
        return self.open_approval(pull_request.number)

    async def approve(self, approval: Approval, user: str = "kim") -> None:
        await self.person.answer(user, "approve", {"approval": approval.id, "head": approval.head_sha})

    # -- reading -------------------------------------------------------------------------------------------------------

    def agent(self, name: str = "dev") -> Agent:
        found = self.ctx.reader.agent(name)
        assert found is not None
        return found

    def run(self, run: str) -> Run:
        found = self.ctx.reader.run(run)
        assert found is not None
        return found

    def pr(self, number: int = 1) -> PullRequest:
        found = self.ctx.reader.pull_request(number)
        assert found is not None
        return found

    def of_ticket(self, number: int = 1) -> Ticket:
        found = self.ctx.reader.ticket(number)
        assert found is not None
        return found

    def open_approval(self, pr: int = 1) -> Approval:
        (found,) = self.ctx.reader.approvals(ApprovalState.REQUESTED, ApprovalState.HELD, pr=pr)
        return found

    def events(self, *kinds: str) -> list[Event]:
        return self.ctx.reader.events(EventFilter(kinds=kinds), after=0, limit=10_000)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events()]

    def alarms(self, rule: str | None = None) -> list[Alarm]:
        standing = self.ctx.reader.alarms(AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED)
        return [alarm for alarm in standing if rule in (None, alarm.rule)]

    def occupying(self) -> list[Run]:
        return self.ctx.reader.runs(RunState.QUEUED, *LIVE_RUNS)

    @property
    def states(self) -> tuple[TicketState, PullRequestState]:
        """Of ticket 1 and pull request 1."""
        return self.of_ticket().state, self.pr().state

    async def say(self, payload: Payload, subject: str, **more: Any) -> Event:
        return await self.ctx.say(payload, subject, **more)


def _row(settings: Settings, a: AgentSettings) -> dict[str, Any]:
    return {
        "name": a.name,
        "role": a.role,
        "vendor": a.vendor,
        "enabled": a.enabled,
        "max_concurrent": a.max_concurrent,
        "subscribes_to": list(a.subscriptions(settings)),
        "budget_s": a.budget_s,
    }
