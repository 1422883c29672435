"""Run time: bought ahead in slices, warned about, and at the ceiling the run is frozen until a person extends it."""

from __future__ import annotations

from fleet_tui.domain.events import BudgetExhausted, BudgetWarning, RunMetered, RunStateChanged
from fleet_tui.domain.model import Agent, Run
from fleet_tui.domain.states import RunState
from fleet_tui.governance.lifecycle import budget_state, ceiling_ms, slices_to_buy
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context

_METERED = (RunState.STARTING, RunState.RUNNING, RunState.WAITING, RunState.LIMITED)


async def meter(ctx: Context) -> None:
    """Charge every live run and hold those whose agent has used its budget up."""
    for run in ctx.reader.runs(*_METERED):
        status = ctx.statuses.get(run.id)
        if status is None:
            continue  # starting or just ending: the end of a run charges what is left
        charged = slices_to_buy(run, status.active_ms)
        if charged > run.charged_ms:
            await ctx.say(RunMetered(run.id, run.agent, charged), f"run:{run.id}")
        agent = ctx.reader.agent(run.agent)
        if agent is not None:
            await _enforce(ctx, run, agent)
    await _clear_alarms(ctx)


async def _enforce(ctx: Context, run: Run, agent: Agent) -> None:
    state = budget_state(agent)
    about = f"agent:{agent.name}"
    used_s, ceiling = agent.charged_ms // 1000, (ceiling_ms(agent) or 0) // 1000
    if state == "warn":
        key = f"budget-warning:{agent.name}:{ceiling}"
        await ctx.say(BudgetWarning(agent.name, run.id, used_s, ceiling), about, key=key)
    elif state == "exhausted" and run.state is not RunState.LIMITED:
        key = f"budget-exhausted:{agent.name}:{ceiling}"
        await ctx.say(BudgetExhausted(agent.name, run.id, used_s, ceiling), about, key=key)
        limited = RunStateChanged(run.id, RunState.LIMITED.value, "rule", f"{used_s} of {ceiling} s used")
        await ctx.say(limited, f"run:{run.id}")
        title = f"{agent.name} has used its {ceiling} s of run time and is held"
        response = f"`fleet budget extend {agent.name} SECONDS`, or stop it"
        await alarms.ensure(ctx, "budget", about, priority=2, title=title, response=response)
    if state != "exhausted" and run.state is RunState.LIMITED:
        await ctx.say(RunStateChanged(run.id, RunState.RUNNING.value, "operator", "budget extended"), f"run:{run.id}")


async def _clear_alarms(ctx: Context) -> None:
    """Also for agents that run nothing now: who was extended, or has no budget any more, is not held."""
    for agent in ctx.reader.agents():
        if budget_state(agent) != "exhausted":
            await alarms.clear(ctx, "budget", f"agent:{agent.name}", "within its budget")
