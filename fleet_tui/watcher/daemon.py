"""The watcher process: takes the lock, opens everything, runs the loop, and leaves in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleet_tui import __version__
from fleet_tui.bus.identity import Caller
from fleet_tui.bus.server import BusServer
from fleet_tui.domain.errors import FleetError, SetupError
from fleet_tui.domain.events import (
    ConfigLoaded,
    ConfigRejected,
    IsolationChanged,
    WatcherStarted,
    WatcherStopped,
)
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.domain.text import one_line
from fleet_tui.forge.local import LocalForge
from fleet_tui.git.user import UserRepository
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.load import Loaded, load_settings, policy_version
from fleet_tui.settings.problems import running_on
from fleet_tui.settings.schema import Settings
from fleet_tui.settings.watch import watch_settings
from fleet_tui.store.chain import boot_id
from fleet_tui.store.store import Store
from fleet_tui.tmux import scope
from fleet_tui.tmux.server import TmuxServer
from fleet_tui.watcher import alarms, watchdog
from fleet_tui.watcher.acts import revisions, team_history
from fleet_tui.watcher.confinement import isolation
from fleet_tui.watcher.confinement.commands import Commands
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.desks.agents_desk import AgentsDesk
from fleet_tui.watcher.desks.operator_desk import OperatorDesk
from fleet_tui.watcher.desks.origins import origin_of, record_denied
from fleet_tui.watcher.desks.system_desk import last_good_ns
from fleet_tui.watcher.jobs import Jobs
from fleet_tui.watcher.lock import WatcherLock
from fleet_tui.watcher.loop import Loop
from fleet_tui.watcher.recovery import clear_interrupted
from fleet_tui.watcher.redaction import redact
from fleet_tui.watcher.repos import checkout, repositories
from fleet_tui.watcher.runs import detection, starting
from fleet_tui.watcher.upstream.identity import Identity
from fleet_tui.watcher.upstream.state import open_upstreams

log = logging.getLogger(__name__)
_EFFECTS, _GRACE_S = ("message:", "start:", "stop:", "end:", "discard:"), 10.0
"""Jobs that touch the world: a graceful end lets them come to theirs. Gates are cut off and run again."""


class Watcher:
    """One fleet's watcher. ``run`` returns when it was told to stop; the agents go on unless they were to end too."""

    def __init__(self, paths: FleetPaths, settings: Settings, store: Store, target: str) -> None:
        wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._reason = "signal"
        self._ctx = ctx = Context(
            paths=paths,
            host=socket.gethostname(),
            settings=settings,
            store=store,
            tmux=TmuxServer(paths.tmux_socket_name),
            home=repositories.home(paths, target),
            others=repositories.others(paths, settings),
            forge=LocalForge(paths.tickets),
            bus=BusServer(self._answer, lambda pid: origin_of(self._ctx, pid)),
            commands=Commands(paths.state),
            jobs=Jobs(wake.set),
            wake=wake,
        )
        if settings.forge.kind == "github":
            open_upstreams(ctx)
        self._agents = AgentsDesk(ctx)
        self._operator = OperatorDesk(ctx, self.stop)
        ctx.drain_spool = self._agents.drain
        ctx.reload = self._reload
        self._using = asyncio.Lock()
        repositories.hold_in(ctx)
        ctx.lookout.wake = wake.set

    def stop(self, reason: str) -> None:
        """Ask the watcher to leave: no new work, effects under way are finished or marked."""
        self._reason = reason
        self._stop.set()
        self._ctx.wake.set()

    async def run(self, loaded: Loaded) -> None:
        """Serve until stopped."""
        ctx = self._ctx
        await ctx.home.control.ensure()
        await repositories.open_known(ctx)
        why = await checkout.look(ctx)
        if why:
            raise SetupError(
                "not your configuration", why, f"git switch {ctx.home.control.target}, then start the watcher"
            )
        await ctx.tmux.ensure()
        ctx.level = await asyncio.to_thread(isolation.determine, ctx.paths, ctx.settings.isolation)
        ctx.scopes_lack = await asyncio.to_thread(scope.problem)
        started = WatcherStarted(__version__, os.getpid(), ctx.host, boot_id(), ctx.level.isolation.value)
        await ctx.say(started, "fleet")
        await self._use(loaded)
        await clear_interrupted(ctx)
        for run in ctx.reader.runs(*LIVE_RUNS):
            await self._resume(run)
        await ctx.bus.listen_operator(ctx.paths.operator_socket)
        await self._serve(loaded)
        await self._leave()

    async def _resume(self, run: Run) -> None:
        """Hear a run of before again. Its directory is its agent's: whatever became of it, we start."""
        response = "stop the run, or mend its directory and restart the watcher"
        async with alarms.guarding(
            self._ctx, "socket", f"run:{run.id}", title=f"{run.agent} cannot be heard", response=response
        ):
            if self._ctx.paths.run_dir(run.id).is_dir():
                await starting.listen(self._ctx, run)
        # Beside the start: what an agent asked for meanwhile may take as long as its repository makes it take.
        self._ctx.jobs.start(f"drain:{run.id}", lambda: self._agents.drain(run.id))

    async def _serve(self, loaded: Loaded) -> None:
        helpers = [
            asyncio.create_task(self._follow_settings(loaded), name="settings"),
            asyncio.create_task(self._follow_tickets(), name="tickets"),
            asyncio.create_task(watchdog.watch(self._ctx), name="watchdog"),
        ]
        for follower in helpers:
            follower.add_done_callback(_tell_failure)
        loop = asyncio.create_task(Loop(self._ctx).run(), name="loop")
        stop = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait([loop, stop], return_when=asyncio.FIRST_COMPLETED)
            if loop.done():
                loop.result()  # a loop that ends by itself has failed: let the process end with its error
            if self._reason == "with-agents":
                await self._end_agents()
        finally:
            self._ctx.stopping = True
            self._ctx.wake.set()
            for helper in (*helpers, stop):
                helper.cancel()
            await asyncio.gather(*helpers, stop, loop, return_exceptions=True)

    async def _end_agents(self) -> None:
        """Wait until the passes have stopped and recorded every run."""
        async with asyncio.timeout(60):
            while self._ctx.jobs.running("start:") or self._ctx.reader.runs(*LIVE_RUNS):
                self._ctx.wake.set()
                await asyncio.sleep(0.1)

    async def _leave(self) -> None:
        ctx = self._ctx
        await ctx.bus.close()
        await ctx.lookout.close()
        await ctx.jobs.finish(_EFFECTS, _GRACE_S)
        await ctx.jobs.close()
        if self._reason == "with-agents":
            await ctx.tmux.stop()
        await ctx.say(WatcherStopped(self._reason), "fleet")
        log.info("watcher stopped: %s", self._reason)

    # -- configuration and tickets -------------------------------------------------------------------------------------

    async def _reload(self) -> None:
        await self._use(await asyncio.to_thread(load_settings, self._ctx.paths.repository))

    async def _use(self, loaded: Loaded) -> None:
        """Put a configuration in force, or keep the last good one and say why."""
        async with self._using:
            await self._put_in_force(loaded)

    async def _put_in_force(self, loaded: Loaded) -> None:
        ctx = self._ctx
        if await checkout.look(ctx):
            ctx.wake.set()  # it is told by the pass
            return
        ctx.looked_at = loaded
        if loaded.settings is None:
            problems: list[str] = [one_line(str(problem), 300) for problem in loaded.errors[:20]]
            await ctx.say(ConfigRejected(problems), "fleet")
            await self._tell_rejected(loaded, problems[0] if problems else "it cannot be read")
            return
        if loaded.settings.isolation != ctx.settings.isolation:
            await self._isolate(loaded.settings)
        ctx.settings = loaded.settings
        await detection.reload(ctx, loaded.settings)
        fleet = ctx.reader.fleet()
        if fleet.config_sha != loaded.sha or fleet.config_problems or not _knows_teams(ctx, loaded.settings):
            agents = [_agent_row(loaded.settings, agent.name) for agent in loaded.settings.agents]
            budgets = [rule.as_dict() for rule in loaded.settings.budget_rules]
            await ctx.say(ConfigLoaded(loaded.sha, policy_version(loaded.settings), agents, budgets), "fleet")
        await revisions.look(ctx, loaded.settings)
        await team_history.look(ctx, loaded.settings)
        await alarms.clear(ctx, "config", "fleet", "the configuration is good again")
        ctx.wake.set()

    async def _tell_rejected(self, loaded: Loaded, problem: str) -> None:
        ctx, count = self._ctx, len(loaded.errors)
        since = running_on(last_good_ns(ctx), ctx.policy, ctx.now_ns())
        title = f"config has {count} error{'s' if count > 1 else ''}: {since}: {problem}"
        standing = alarms.active(self._ctx, "config", "fleet")
        if standing is not None and standing.title != one_line(title):
            await alarms.clear(self._ctx, "config", "fleet", "it is rejected for another reason now")
        response = "mend it: screen 8, or `fleet config validate`, shows every problem"
        await alarms.ensure(self._ctx, "config", "fleet", priority=2, title=title, response=response)

    async def _isolate(self, settings: Settings) -> None:
        """Find out anew what holds agents in; running ones stay as they are."""
        ctx = self._ctx
        ctx.level = await asyncio.to_thread(isolation.determine, ctx.paths, settings.isolation)
        await ctx.say(IsolationChanged(ctx.level.isolation.value, ctx.level.refusal or ctx.level.why), "fleet")

    async def _follow_settings(self, loaded: Loaded) -> None:
        async with aclosing(watch_settings(self._ctx.paths.repository, stop=self._stop, since=loaded)) as changes:
            async for changed in changes:
                await self._use(changed)

    async def _follow_tickets(self) -> None:
        async for _ in self._ctx.forge.watch(self._stop):
            self._ctx.look_at_tickets = True
            self._ctx.wake.set()

    # -- the bus -------------------------------------------------------------------------------------------------------

    async def _answer(self, caller: Caller, op: str, args: dict[str, Any], request_id: str) -> dict[str, Any]:
        if op == "denied":
            await record_denied(self._ctx, caller, args)
            return {}
        try:
            if caller.run is not None:
                return await self._agents.answer(caller.run, op, args, request_id)
            return await self._operator.answer(caller.user, op, args, caller.key(request_id))
        except FleetError as error:
            log.info("%s asked %s: %s", caller.principal, one_line(op, 40), error)
            raise


def _tell_failure(task: asyncio.Task[None]) -> None:
    """What only informs may fail: the passes look at files by themselves too, less often."""
    if not task.cancelled() and task.exception() is not None:
        log.error("following %s failed", task.get_name(), exc_info=task.exception())


def _knows_teams(ctx: Context, settings: Settings) -> bool:
    """A fleet of before recorded no teams, and its configuration may not have changed since."""
    return all(agent.teams == settings.teams_of(agent.name) for agent in ctx.reader.agents() if agent.configured)


def _agent_row(settings: Settings, name: str) -> dict[str, Any]:
    agent = settings.agent(name)
    teams = settings.teams_of(name)
    return {
        "name": agent.name,
        "role": agent.role,
        "vendor": agent.vendor,
        "model": agent.model,
        "enabled": agent.enabled,
        "max_concurrent": agent.max_concurrent,
        "department": agent.department,
        "reports_to": agent.reports_to,
        "subscribes_to": list(agent.subscriptions(settings)),
        "budget_s": agent.budget_s,
        **({"teams": list(teams)} if teams else {}),
    }


def serve(repository: Path) -> None:
    """Run the watcher of ``repository`` in this process until it is told to stop.

    Raises:
        SetupError: cannot start: configuration, repository, state directory, or another watcher.
        Exception: it failed; the log has it too.
    """
    paths = FleetPaths.of(repository)
    loaded = load_settings(paths.repository)
    settings = loaded.require()
    paths = replace(paths, others=tuple(repo.place(paths.repository) for repo in settings.repos.values()))
    paths.create()
    with WatcherLock(paths.lock):
        try:
            asyncio.run(_serve(paths, loaded, settings))
        except Exception:
            log.exception("the watcher failed")
            raise


async def _serve(paths: FleetPaths, loaded: Loaded, settings: Settings) -> None:
    target = await _target(paths, settings)
    store = Store.open(paths.database, host=socket.gethostname(), blobs=paths.blobs, redact=redact)
    try:
        Identity(paths.state / "forge").require(settings.forge, has_tickets=bool(store.reader.tickets()))
        watcher = Watcher(paths, settings, store, target)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, watcher.stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a closed terminal is no reason to leave
        await watcher.run(loaded)
    finally:
        await asyncio.to_thread(store.close)


async def _target(paths: FleetPaths, settings: Settings) -> str:
    """The branch that work lands on: configured, else the one found at the first start and remembered."""
    if settings.target_branch is not None:
        return settings.target_branch
    remembered = paths.state / "target"
    if remembered.is_file():
        return remembered.read_text(encoding="utf-8").strip()
    state = await UserRepository(paths.repository).inspect()
    if state.branch is None:
        raise SetupError(
            "HEAD is detached",
            f"{paths.repository} has no branch checked out, so it is unclear where work should land",
            "git switch main, or set `target_branch: main` in .fleet/config.yaml",
        )
    remembered.write_text(state.branch, encoding="utf-8")
    return state.branch
