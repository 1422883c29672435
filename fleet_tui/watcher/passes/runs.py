"""Runs: start what is queued, see how the living ones are, take note of their ends, replace the crashed."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    Draft,
    RunCrashed,
    RunFinished,
    RunMetered,
    RunStateChanged,
    draft,
)
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import (
    ENDED_RUNS,
    LIVE_RUNS,
    OPEN_MESSAGES,
    STANDING_ALARMS,
    RunState,
    TicketState,
)
from fleet_tui.domain.text import one_line
from fleet_tui.governance import budgets, lifecycle
from fleet_tui.governance.dispatch import places, takes_work
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.records import RUNNER, SPEC, ExitRecord, read_exit, read_meter_ms
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.watcher import alarms, refusals
from fleet_tui.watcher.acts import stopping
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.merging.handover import collect_work, has_asked, has_delivered, last_refusal
from fleet_tui.watcher.merging.parties import at_high_risk
from fleet_tui.watcher.passes import containment, listening, tickets
from fleet_tui.watcher.repos import checkout
from fleet_tui.watcher.runs import accounts, ending, programs, reading, restoring, spending, starting
from fleet_tui.watcher.runs.admission import Admission
from fleet_tui.watcher.runs.queueing import lineage, respawn
from fleet_tui.watcher.runs.replacing import begun_again, held_ticket, still_wanted, stopped_too_late, told
from fleet_tui.watcher.runs.withdrawing import after_stop, why_stopped, withdrawn
from fleet_tui.watcher.upstream import claiming

_IDLE_NS = 30_000_000_000
_LAST_WORDS_NS = 15_000_000_000
"""How long an agent that has handed its work over may go on before it is ended."""

_COLLECTING_TRIES = 3
_NO_ISOLATION = "see `fleet doctor --security`; then restart the watcher, or set isolation.level to auto"
METER_STALE_MS = 5_000
"""How old the persisted run time may be: runners write it down every five seconds."""


async def start_queued(ctx: Context) -> None:
    """Start queued runs, lost work and then the oldest first, while the fleet and their agents have room."""
    if ctx.reader.fleet().halted:
        return
    waiting = restoring.start_order(ctx, ctx.reader.runs(RunState.QUEUED))
    # A start takes a while; until it is done its run is still queued, but has taken its place.
    begun = [run for run in waiting if ctx.jobs.running(f"start:{run.id}")]
    taken = [*ctx.reader.runs(*LIVE_RUNS), *begun]
    room = ctx.settings.limits.max_running - len(taken)
    busy = Counter(run.agent for run in taken)
    agents, risky = {agent.name: agent for agent in ctx.reader.agents()}, at_high_risk(ctx)
    look, host = programs.Look(ctx), Admission(ctx, taken)
    unlike = await checkout.look(ctx) if waiting else ""
    for run in waiting:
        if run in begun:
            continue
        agent = agents.get(run.agent)
        if agent is None or not takes_work(agent) or run.stop_requested:
            await _drop_if_stopped(ctx, run)
            continue
        if run.held:
            continue  # a person has not restored it yet
        full = bool(ctx.level.refusal or unlike) or room <= 0 or busy[run.agent] >= places(agent, risky)
        if ctx.ending or full or run.not_before_ns > ctx.now_ns() or not spending.has_room(ctx, run):
            continue
        if not (claiming.may_begin(ctx, run) and ctx.usable(run)):
            continue
        if accounts.held_by(ctx, run) is not None:
            continue  # it is let begin in its turn when the usage limit of its account is over
        if not (await look.finds(run) and await host.admits()):
            continue
        if ctx.jobs.start(f"start:{run.id}", lambda run=run: starting.start(ctx, run)):  # type: ignore[misc]
            room -= 1
            busy[run.agent] += 1
    await look.tell([run for run in waiting if run not in begun])
    await host.tell()
    refused = {"fleet": ctx.level.refusal} if ctx.level.refusal else {}
    await alarms.keep(ctx, "isolation", refused, priority=1, response=_NO_ISOLATION, over="agents may start")


async def _drop_if_stopped(ctx: Context, run: Run) -> None:
    if run.stop_requested:
        await ctx.say(RunFinished(run.id, "stopped", None, None, 0, "stopped before it began"), f"run:{run.id}")


async def observe(ctx: Context) -> None:
    """Compare the live runs with their panes, runners and exit records."""
    ctx.statuses.clear()
    live = [run for run in ctx.reader.runs(*LIVE_RUNS) if not ctx.jobs.running(f"start:{run.id}")]
    for rule in ("idle", "delivery", "sessions"):
        await alarms.only(ctx, rule, [f"run:{run.id}" for run in live], "the run has ended")
    if not live:
        return
    panes = await ctx.tmux.panes()  # younger than the list of runs: what was spawned before is in it
    by_session = {pane.session: pane for pane in panes or ()}
    lost = await restoring.notice(ctx, live, by_session)
    ctx.panes = {pane.session: pane.pid for pane in panes or () if not pane.dead}
    await containment.hold_still(ctx, live)
    for run in live:
        async with alarms.guarding(ctx, "observe", f"run:{run.id}", title=f"{run.agent} cannot be looked after"):
            await _observe_one(ctx, run, by_session.get(run.session), lost=run.id in lost)
    sweep(ctx, by_session)


def sweep(ctx: Context, sessions: Iterable[str]) -> None:
    """Clear away what interrupted ends of runs left: panes, processes, checkouts."""
    for session in sessions:
        run = ctx.reader.run(session)
        if run is not None and run.state in ENDED_RUNS:
            _ended(ctx, run, ctx.paths.run_dir(run.id))


async def _observe_one(ctx: Context, run: Run, pane: PaneInfo | None, *, lost: bool) -> None:
    run_dir = ctx.paths.run_dir(run.id)
    began = _ever_ran(run_dir)  # before the look at the runner: one that says only now that it lives is not dead
    alive = runner_client.runner_alive(run_dir)
    record = read_exit(run_dir)  # after the look at the runner: a dead one writes nothing any more
    if alive:
        if record is None:
            await _alive(ctx, run, run_dir)
        return  # with a record it is just leaving: the next look finds it gone
    if record is None and not began:
        if pane is not None and not pane.dead:
            if run.stop_requested:  # it said so once, and what it wrote down was removed
                ctx.jobs.start(f"stop:{run.id}", lambda: asyncio.to_thread(runner_client.kill_tree, pane.pid))
            return  # else its runner is about to say that it runs
        if run.state is RunState.STARTING and (run_dir / SPEC).is_file() and not lost:
            ctx.jobs.start(f"start:{run.id}", lambda: starting.spawn(ctx, run))
            return
    _ended(ctx, run, run_dir)


def _ever_ran(run_dir: Path) -> bool:
    return (run_dir / RUNNER).exists()


async def _alive(ctx: Context, run: Run, run_dir: Path) -> None:
    if run.state is RunState.STARTING:
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, "runner"), f"run:{run.id}")
    agent = ctx.reader.agent(run.agent)
    contained = agent is not None and agent.quarantined
    if run.stop_requested:
        ctx.jobs.start(f"stop:{run.id}", lambda: _stop(run_dir))
        return
    wanted = RunState.QUARANTINED if contained else RunState.PAUSED if agent and agent.paused else None
    if wanted and run.state is not wanted:
        await ctx.say(
            RunStateChanged(run.id, wanted, "operator" if wanted is RunState.PAUSED else "rule"), f"run:{run.id}"
        )
    elif wanted is None and run.state is RunState.PAUSED:
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING, "operator", "resumed"), f"run:{run.id}")
    try:
        status = await runner_client.status(run_dir)
    except FleetError:
        return  # it is just ending; the next look will find its record
    ctx.statuses[run.id] = status
    if status.frozen and not _is_held(ctx, run):
        if run.ticket is not None:
            ctx.home.workspaces.gates.open(run.ticket)  # first: what it was about to push is not to be refused now
        status = await runner_client.thaw(run_dir)
    held = _is_held(ctx, run)  # also who was let go, when that crossed a person's act
    if held and not status.frozen:
        await runner_client.freeze(run_dir)
    await notice_idle(ctx, run)
    if has_delivered(ctx, run) and not held and not ctx.jobs.running(f"stop:{run.id}"):
        await _let_go(ctx, run, run_dir)


def _is_held(ctx: Context, run: Run) -> bool:
    """Whether it is to stand still, as things are now: an act of a person waits for no look at a runner."""
    agent, now = ctx.reader.agent(run.agent), ctx.reader.run(run.id) or run
    return now.state is RunState.LIMITED or (agent is not None and (agent.quarantined or agent.paused))


async def notice_idle(ctx: Context, run: Run) -> None:
    """An agent whose turn is over without a result, a question or a text on its way waits for nobody: tell a person."""
    told = ctx.reader.messages(*OPEN_MESSAGES, run=run.id)
    fused = ctx.fused.get(run.id)
    asks = has_asked(ctx, run) or (fused is not None and fused.says == "dialog")  # for which there is an alarm already
    idle = run.state is RunState.WAITING and not (told or asks or has_delivered(ctx, run))
    if idle and ctx.now_ns() - run.state_ns > _IDLE_NS and _owes_result(ctx, run):
        title = f"{run.agent} ended its turn without handing its work over"
        response = "attach and look, send it a message, or stop it"
        await alarms.ensure(ctx, "idle", f"run:{run.id}", priority=3, title=title, response=response)
    elif not idle:
        await alarms.clear(ctx, "idle", f"run:{run.id}", "it works again")


async def _let_go(ctx: Context, run: Run, run_dir: Path) -> None:
    """An interactive agent that has handed its work over is ended once its turn is over, to free its place."""
    since_ns = ctx.delivered_ns.setdefault(run.id, ctx.now_ns())
    if run.state is RunState.WAITING or ctx.now_ns() - since_ns > _LAST_WORDS_NS:
        ctx.jobs.start(f"stop:{run.id}", lambda: _stop(run_dir))


async def _stop(run_dir: Path) -> None:
    await runner_client.stop(run_dir, grace_s=5)


def _ended(ctx: Context, run: Run, run_dir: Path) -> None:
    """Record the end of a run whose processes are gone, after everything it still had to say was heard."""
    ctx.jobs.start(f"end:{run.id}", lambda: _conclude(ctx, run, run_dir))


async def _conclude(ctx: Context, run: Run, run_dir: Path) -> None:
    """Everything here may be repeated: a run that has ended is swept again until nothing of it is left."""
    if runner_client.runner_alive(run_dir):
        if (ctx.reader.run(run.id) or run).state not in ENDED_RUNS:
            return  # the look that led here was wrong
        await _stop(run_dir)
    await runner_client.kill_leftovers(run_dir)
    await ctx.drain_spool(run.id)
    fresh = ctx.reader.run(run.id) or run
    await ending.keep_output(ctx, fresh)
    await refusals.tell(ctx, fresh)
    title = f"what {run.agent} used last could not be counted"
    async with alarms.guarding(ctx, "metering", f"run:{run.id}", title=title):  # its end is recorded all the same
        await listening.finish(ctx, fresh)
    fresh = ctx.reader.run(run.id) or fresh  # a person may have stopped it meanwhile
    if fresh.state not in ENDED_RUNS:  # the look that led here may be older than its end
        await _record_end(ctx, fresh, run_dir)
    await ctx.bus.close_run(run.id)
    ctx.delivered_ns.pop(run.id, None)
    await _tidy(ctx, fresh, run_dir)
    await ctx.tmux.kill(run.session or run.id)  # last: as long as there is a pane, the rest is tried again


async def _record_end(ctx: Context, run: Run, run_dir: Path) -> None:
    record = read_exit(run_dir)
    exit_code = record.exit_code if record else None
    signal = record.signal if record else None
    active_ms = record.active_ms if record else read_meter_ms(run_dir)
    subject = f"run:{run.id}"
    drafts: list[Draft] = []
    # With a record its time is known, and the rest of the last slice is given back; without one it is forfeited.
    charged_ms = active_ms if record else _at_most(ctx, run, active_ms)
    if charged_ms != run.charged_ms:
        metered = RunMetered(run.id, run.agent, charged_ms, settled=record is not None)
        drafts.append(draft(metered, f"run:{run.id}"))
    collected = ""
    if exit_code == 0 and not run.stop_requested:
        collected = await _collect(ctx, run)
    delivered = has_delivered(ctx, run) or has_asked(ctx, run)
    ended_well = delivered or (exit_code == 0 and not _owes_result(ctx, run))
    why = _why(ctx, run, record, run_dir)
    if not ended_well:
        run = await stopping.before_its_time(ctx, run)
    if run.stop_requested:
        reason = why_stopped(ctx, run)
        drafts.append(draft(RunFinished(run.id, "stopped", exit_code, signal, active_ms, reason), subject))
        drafts += withdrawn(ctx, run)
        drafts += begun_again(ctx, run)
    elif ended_well:
        drafts.append(draft(RunFinished(run.id, "finished", exit_code, signal, active_ms, why), subject))
    else:
        reason = ending.without_result(why, exit_code, collected or last_refusal(ctx, run))
        drafts.append(draft(RunCrashed(run.id, exit_code, signal, active_ms, reason), subject))
    await ctx.record(*drafts)


async def _collect(ctx: Context, run: Run) -> str:
    """Take in what the run left, or say why that is refused.

    Git may be hindered for a moment, then the job that ends the run tries again; in the end the run ends anyway.
    """
    if ctx.jobs.failures(f"end:{run.id}") < _COLLECTING_TRIES - 1:
        return await collect_work(ctx, run)
    title = f"the work of {run.agent} could not be collected"
    response = "look at its workspace and the watcher's log; its commits are still there"
    async with alarms.guarding(ctx, "collect", f"ticket:{run.ticket}", title=title, response=response):
        return await collect_work(ctx, run)
    return ""


def _why(ctx: Context, run: Run, record: ExitRecord | None, run_dir: Path) -> str:
    """How it ended; a loss of its surroundings is told apart from a crash of its own."""
    if record is not None:
        return f"{lifecycle.LOST}its tmux server ended" if record.reason == "hangup" else one_line(record.reason, 400)
    if not (run_dir / SPEC).is_file() or runner_client.is_of_another_boot(run_dir):
        return f"{lifecycle.LOST}the host was restarted"
    if not _ever_ran(run_dir):
        return f"{lifecycle.LOST}its tmux server ended before it began"
    if restoring.is_lost(ctx, run):
        return f"{lifecycle.LOST}its tmux server and its runner were killed"
    return "the runner died without a record"


def _at_most(ctx: Context, run: Run, persisted_ms: int) -> int:
    """What to charge a run whose runner died: it may have run for some seconds after it wrote its meter down."""
    if not persisted_ms:
        return run.charged_ms
    room = budgets.room_ms(spending.of_run(ctx, run))
    likely_ms = max(run.charged_ms, persisted_ms + METER_STALE_MS)
    return max(persisted_ms, likely_ms if room is None else min(likely_ms, run.charged_ms + room))


def _owes_result(ctx: Context, run: Run) -> bool:
    """Whether somebody waits for what this run was to hand over."""
    return ctx.settings.family(run.role).name in {"author", "reviewer", "release"} and (
        run.ticket is not None or run.pr is not None
    )


async def _tidy(ctx: Context, run: Run, run_dir: Path) -> None:
    if ctx.settings.family(run.role).name != "author" or run.ticket is None:
        await ctx.home.workspaces.remove_review(run.id)
    await reading.forget(ctx.paths, run.id)
    shutil.rmtree(run_dir / "bin", ignore_errors=True)


async def replace_crashed(ctx: Context) -> None:
    """Give crashed runs their next attempt, or stop with an alarm when the attempts are used up."""
    for run in ctx.reader.runs(RunState.CRASHED, limit=200):
        if ctx.reader.has_key(f"respawn:{run.id}") or ctx.reader.has_key(f"given-up:{run.id}"):
            continue
        async with alarms.guarding(ctx, "replace", f"run:{run.id}", title=f"{run.agent} cannot be started again"):
            await _replace(ctx, run)
    await _clear_crash_loops(ctx)


async def _replace(ctx: Context, run: Run) -> None:
    if not still_wanted(ctx, run):
        return
    if over := stopped_too_late(ctx, run):
        await ctx.record(*over)
        return
    losses = _losses(ctx, run)
    ended_ns = run.ended_ns or ctx.now_ns()
    # A program that ends at the usage limit of its account has failed at nothing.
    at_limit = accounts.ended_at_limit(ctx, run)
    restart = lifecycle.restart_after(run, ctx.settings, ended_ns, losses=losses, at_limit=at_limit)
    if restart is not None:
        held = restoring.asks_about(ctx, run)
        await ctx.record(*respawn(run, restart, claims=held_ticket(ctx, run), told=told(ctx, run), held=held))
    else:
        await _give_up(ctx, run, losses)


async def _clear_crash_loops(ctx: Context) -> None:
    """The alarm of a given-up run stands until its work goes on."""
    for alarm in ctx.reader.alarms(*STANDING_ALARMS, rule="crash-loop"):
        run = ctx.reader.run(alarm.about.removeprefix("run:"))
        if run is not None and ctx.reader.has_key(f"given-up:{run.id}") and _went_on(ctx, run):
            await alarms.clear(ctx, "crash-loop", alarm.about, "the work goes on")


def _went_on(ctx: Context, run: Run) -> bool:
    """Whether a person let the ticket of ``run`` go on; without a ticket, whether its agent ended a later run well."""
    if run.ticket is not None:
        ticket = ctx.reader.ticket(run.ticket)
        return ticket is None or ticket.state is not TicketState.BLOCKED
    later = ctx.reader.runs(RunState.FINISHED, agent=run.agent)
    return any(other.queued_ns > run.queued_ns for other in later)


def _losses(ctx: Context, run: Run) -> int:
    """How many runs of this piece of work were lost with their surroundings."""
    return sum(one.state_reason.startswith(lifecycle.LOST) for one in lineage(ctx, run))


async def _give_up(ctx: Context, run: Run, losses: int) -> None:
    title = f"{run.agent} {lifecycle.ends_in_words(run, losses)}: {ending.how(run)}"
    response = f"fleet agent logs {run.agent} --run {run.id}"
    await alarms.ensure(ctx, "crash-loop", f"run:{run.id}", priority=2, title=title, response=response)
    if run.ticket is not None:
        await tickets.block(ctx, run.ticket, title)
    await ctx.say(
        RunStateChanged(run.id, RunState.CRASHED, "rule", "attempts used up"), f"run:{run.id}", key=f"given-up:{run.id}"
    )


async def requeue_released(ctx: Context) -> None:
    """Tickets whose author run was stopped: ready again after a release, else held for the person who stopped it."""
    for ticket in ctx.reader.tickets(TicketState.IN_PROGRESS):
        run = ctx.reader.run(ticket.run) if ticket.run else None
        if run is not None and run.state is RunState.STOPPED:
            await ctx.say(after_stop(ctx, run, ticket.number), f"ticket:{ticket.number}")
