"""Budgets: run time bought ahead, warnings, and at the ceiling: a report asked for, then a hold, then an end."""

from __future__ import annotations

import contextlib

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import (
    BudgetExhausted,
    BudgetReportAsked,
    BudgetWarning,
    RunMetered,
    RunStateChanged,
    RunStopRequested,
    draft,
)
from fleet_tui.domain.model import Run
from fleet_tui.domain.standing import Standing, standings
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.governance import budgets
from fleet_tui.governance.approval_policy import for_extension
from fleet_tui.governance.budgets import Verdict
from fleet_tui.tmux import runner_client
from fleet_tui.tmux.runner_client import RunnerStatus
from fleet_tui.watcher import alarms
from fleet_tui.watcher.acts import extending
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import accounts, memory, spending, starting

_METERED = (RunState.STARTING, RunState.RUNNING, RunState.WAITING, RunState.LIMITED)
_ACTED_NS = 10_000_000_000
"""Who acted a moment ago works, whatever it said of waiting."""
_LOOKED_NS = 5_000_000_000
_BUSY_SHARE = 0.1
"""More than this part of a processor, over five seconds, is work: a program that waits uses a few hundredths."""


async def meter(ctx: Context) -> None:
    """Charge every live run, and do what the budgets demand."""
    metered = ctx.reader.runs(*_METERED)
    for forgotten in set(ctx.computed) - {run.id for run in metered}:
        del ctx.computed[forgotten]
        ctx.acted_ns.pop(forgotten, None)
    for run in metered:
        status = ctx.statuses.get(run.id)
        now = ctx.reader.run(run.id)
        if status is not None and now is not None and now.state in _METERED:
            # Else starting, contained meanwhile, or just ending: the end of a run charges what is left.
            await _run(ctx, now, status)
    await _report(ctx)


async def _run(ctx: Context, run: Run, status: RunnerStatus) -> None:
    _note_work(ctx, run, status)
    found = spending.of_run(ctx, run)
    asked = spending.asked(ctx, run, found)
    reporting = asked is not None and not asked.reported
    room = budgets.room_ms(found)
    if room is not None and asked is not None and reporting:
        room = max(room, asked.until_ms - run.charged_ms)
    charged_ms = budgets.buy(run.charged_ms, status.active_ms, room)
    if charged_ms > run.charged_ms:
        await ctx.say(RunMetered(run.id, run.agent, charged_ms), f"run:{run.id}")
        run = ctx.reader.run(run.id) or run
        if run.state not in _METERED:
            return
        found = spending.of_run(ctx, run)
        asked = spending.asked(ctx, run, found)
    verdict = budgets.decide(found, run, status.active_ms, asked)
    used_up = budgets.to_name(budgets.binding(found, run, status.active_ms, asked))
    await _enforce(ctx, run, verdict, used_up, status.active_ms)
    idle = not reporting and is_idle(ctx, run)
    limit_ms = spending.limit_ms(run, found, asked, ctx.reader.runs(*LIVE_RUNS))
    await _tell_runner(ctx, run, status, limit_ms, idle=idle)


async def _enforce(ctx: Context, run: Run, verdict: Verdict, used_up: Standing | None, active_ms: int) -> None:
    about = f"run:{run.id}"
    if used_up is None:
        if run.state is RunState.LIMITED and not accounts.is_parked(run) and not memory.holds(run):
            await ctx.say(RunStateChanged(run.id, RunState.RUNNING.value, "operator", "budget extended"), about)
    elif verdict == "refuse":
        await _ask(ctx, run, used_up, active_ms)
    elif verdict == "exhausted" and run.state is not RunState.LIMITED:
        await ctx.say(RunStateChanged(run.id, RunState.LIMITED.value, "rule", spending.describe(used_up)), about)
    elif verdict == "stop" and not run.stop_requested:
        reason = f"{spending.describe(used_up)}, and it gave no report"
        # A budget of each run would be full again for the next one: only then a person must let the work go on.
        key = f"stop-{'run-' if used_up.rule.scope == 'run' else ''}budget:{run.id}"
        await ctx.say(RunStopRequested(run.id, reason), about, key=key)


async def _ask(ctx: Context, run: Run, used_up: Standing, active_ms: int) -> None:
    """Once per run and ceiling, and with the text for its pane in the same transaction."""
    key = f"budget-asked:{run.id}:{used_up.key}"
    if ctx.reader.has_key(key):
        return
    grace_s = used_up.rule.grace_s
    text = (
        f"Stop here: {spending.describe(used_up)}. Nothing else will be allowed now. Within {grace_s} seconds say what "
        "is done and what is left, with `fleet blocker 'Done: ... Left: ...'`, and end your turn. A person decides "
        "whether you go on."
    )
    asked = BudgetReportAsked(run.id, run.agent, used_up.key, active_ms, grace_s)
    await ctx.record(
        draft(asked, f"run:{run.id}", key=key),
        starting.message(ctx, run.id, spending.REPORT, text, key=f"budget-message:{run.id}:{used_up.key}"),
    )


def is_idle(ctx: Context, run: Run) -> bool:
    """Whether the run waits for a person: its turn is over or it asked, and it has done nothing since."""
    acted_ns = max(ctx.acted_ns.get(run.id, 0), ctx.lookout.changed_ns(run.id))
    return run.state is RunState.WAITING and ctx.now_ns() - acted_ns > _ACTED_NS


def _note_work(ctx: Context, run: Run, status: RunnerStatus) -> None:
    """Processes that compute are an act, also of who says that its turn is over."""
    if status.cpu_s is None:
        return
    now_ns = ctx.now_ns()
    then_ns, then_s = ctx.computed.setdefault(run.id, (now_ns, status.cpu_s))
    if now_ns - then_ns < _LOOKED_NS and status.cpu_s >= then_s:
        return
    ctx.computed[run.id] = (now_ns, status.cpu_s)
    if (status.cpu_s - then_s) * 1e9 > _BUSY_SHARE * (now_ns - then_ns):
        ctx.acted_ns[run.id] = now_ns


async def _tell_runner(ctx: Context, run: Run, status: RunnerStatus, limit_ms: int | None, *, idle: bool) -> None:
    if (status.limit_ms, status.idle) != (limit_ms, idle):
        with contextlib.suppress(
            FleetError
        ):  # just ending, or of an older version: what it ran is charged all the same
            ctx.statuses[run.id] = await runner_client.meter(ctx.paths.run_dir(run.id), limit_ms=limit_ms, idle=idle)


# -- what a person is told ---------------------------------------------------------------------------------------------


async def _report(ctx: Context) -> None:
    """Warnings, ceilings and unknown prices of everybody, also of those who run nothing now."""
    found = [standing for standing in everybody(ctx) if standing.warns or standing.spent or standing.unknown]
    used_up = [standing for standing in found if standing.spent and not _is_bought_only(ctx, standing)]
    warned = [standing for standing in found if standing.warns]
    for standing in warned:
        await _say_once(ctx, standing, "warning")
    for standing in used_up:
        await _say_once(ctx, standing, "exhausted")
    await alarms.keep(
        ctx,
        "budget",
        {standing.subject: _title(standing, used_up=True) for standing in used_up},
        priority=2,
        response="extend it with `fleet budget extend` or `B` in the room, or leave it",
        over="the budget has room again, or nobody spends from it any more",
    )
    await alarms.keep(
        ctx,
        "budget-warning",
        {standing.subject: _title(standing, used_up=False) for standing in warned if standing not in used_up},
        priority=3,
        response="extend it in time, or let it come to its end",
        over="no longer so",
    )
    await alarms.keep(
        ctx,
        "budget-price",
        {standing.subject: _unknown(standing) for standing in found if standing.unknown},
        priority=2,
        response="add the model to `prices:` in the configuration; `fleet log --type usage_reported` names it",
        over="every price is known",
    )
    await alarms.keep(
        ctx,
        "budget-wanted",
        _wanted(ctx),
        priority=3,
        response="another person asks for the same amount with `fleet budget extend`, or it lapses",
        over="it was added, or nobody seconded it in time",
    )


def _wanted(ctx: Context) -> dict[str, str]:
    """What waits for another person, by what it is about."""
    told: dict[str, list[str]] = {}
    waiting = extending.pending(ctx, everybody(ctx)) if for_extension(ctx.settings.approval).quorum > 1 else ()
    for one in waiting:
        by = f"{', '.join(one.by)}; {len(one.by)} of {one.quorum} persons"
        told.setdefault(one.standing.subject, []).append(f"{one.what} ({by})")
    return {about: f"{about} is to get {', or '.join(wanted)}" for about, wanted in told.items()}


def _is_bought_only(ctx: Context, standing: Standing) -> bool:
    """Whether the last run time was bought, but a run has not used it yet."""
    if standing.room_ms is None:
        return False
    runs = [run for run in ctx.reader.runs(*_METERED) if run.state is not RunState.LIMITED]
    drawing = [run for run in runs if (standing.rule.scope, standing.name) in spending.drawn(run)]
    return any(spending.active_ms(ctx, run) < run.charged_ms and not _was_asked(ctx, run) for run in drawing)


def _was_asked(ctx: Context, run: Run) -> bool:
    return spending.asked(ctx, run, spending.of_run(ctx, run)) is not None


def everybody(ctx: Context) -> list[Standing]:
    """Every rule against all that it covers: configured agents and their roles, live runs and their tickets."""
    agents = [agent for agent in ctx.reader.agents() if agent.configured]
    subjects: list[tuple[str, str]] = [("fleet", "fleet")]
    subjects += [("agent", agent.name) for agent in agents] + [("role", agent.role) for agent in agents]
    runs = ctx.reader.runs(*LIVE_RUNS, RunState.QUEUED)
    for run in runs:
        subjects += spending.drawn(run)
    cells = spending.cells(ctx, *ctx.reader.runs(RunState.QUEUED))
    return standings(spending.rules(ctx, *runs), cells, subjects, ctx.now_ns())


async def _say_once(ctx: Context, standing: Standing, what: str) -> None:
    key = f"budget-{what}:{standing.key}"
    if not ctx.reader.has_key(key):
        rule = standing.rule
        facts = (rule.scope, standing.name, rule.unit, rule.window, standing.start_ns, standing.used, standing.ceiling)
        await ctx.say((BudgetWarning if what == "warning" else BudgetExhausted)(*facts), standing.subject, key=key)


def _title(standing: Standing, *, used_up: bool) -> str:
    if used_up:
        return spending.describe(standing)
    return spending.describe(standing).replace("is used up", "is nearly used up")


def _unknown(standing: Standing) -> str:
    known = show_amount("money", standing.used)
    return f"{standing.subject} used a model whose price is unknown: its budget knows of {known} only"
