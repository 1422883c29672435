"""A person lets an agent out of quarantine, and says on what conditions; they stand until a person changes them."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain.amounts import HOW_TO_WRITE
from fleet_tui.domain.conditions import describe, run_budget
from fleet_tui.domain.errors import Conflict, NothingToDo, UsageError
from fleet_tui.domain.events import AgentConditionsChanged, AgentReleased, Draft, RunStopRequested, draft
from fleet_tui.domain.model import Agent
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.domain.text import one_line
from fleet_tui.watcher.context import Context

Args = dict[str, Any]


async def release(ctx: Context, agent: Agent, args: Args, reason: str, actor: str) -> dict[str, Any]:
    """The frozen runs end and their tickets start anew: what was contained never gets a new identity.

    ``args`` may hold ``budgets`` (amounts that each later run may spend) and ``risk_floor``; without them, conditions
    of an earlier release stay.

    Raises:
        NothingToDo: the agent is not in quarantine.
        UsageError: a condition makes no sense.
    """
    if not agent.quarantined:
        raise NothingToDo("not quarantined", agent.name, f"fleet agent explain {agent.name}")
    budgets, floor = _budgets(args), _floor(ctx, args)
    released = AgentReleased(agent.name, reason, agent.epoch + 1, budgets, floor)
    drafts: list[Draft] = [draft(released, f"agent:{agent.name}", actor=actor)]
    for run in ctx.reader.runs(*LIVE_RUNS, agent=agent.name):
        stop = RunStopRequested(run.id, "released from quarantine")
        drafts.append(draft(stop, f"run:{run.id}", actor=actor, key=f"stop-release:{run.id}"))
    await ctx.record(*drafts)
    return {"message": f"{agent.name} is released; its work starts anew{_told(ctx, agent)}"}


async def change(ctx: Context, agent: Agent, args: Args, reason: str, actor: str) -> dict[str, Any]:
    """Other conditions, from now on; what ``args`` does not name stays, ``lift`` takes all away.

    Raises:
        UsageError: a condition makes no sense, or none is named.
    """
    budgets, floor = _budgets(args), _floor(ctx, args)
    if args.get("lift"):
        if not (agent.run_budgets or agent.risk_floor or budgets or floor):
            raise Conflict(
                "nothing to lift", f"{agent.name} is under no conditions", f"fleet agent explain {agent.name}"
            )
        budgets, floor = budgets or [], floor or 0
    if budgets is None and floor is None:
        raise UsageError("no condition named", "a budget, a least risk, or that they are lifted", "see --help")
    changed = AgentConditionsChanged(
        agent.name,
        list(agent.run_budgets) if budgets is None else budgets,
        agent.risk_floor if floor is None else floor,
        reason,
    )
    await ctx.say(changed, f"agent:{agent.name}", actor=actor)
    ctx.wake.set()
    return {"message": f"{agent.name}{_told(ctx, agent) or ': no conditions any more'}"}


def _told(ctx: Context, agent: Agent) -> str:
    now = ctx.reader.agent(agent.name) or agent
    words = describe(now.run_budgets, now.risk_floor)
    return f"; {words}" if words else ""


def _budgets(args: Args) -> list[dict[str, Any]] | None:
    given = args.get("budgets")
    if not given:
        return None
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise UsageError("not an amount", one_line(str(given), 80), HOW_TO_WRITE)
    try:
        rules = [run_budget(text) for text in given]
    except ValueError as error:
        raise UsageError("not an amount", one_line(str(error), 120), HOW_TO_WRITE) from None
    if len({rule["unit"] for rule in rules}) < len(rules):
        raise UsageError("one budget twice", "name each of time, tokens, money and turns once")
    return rules


def _floor(ctx: Context, args: Args) -> int | None:
    floor = args.get("risk_floor")
    if floor is None:
        return None
    critical = ctx.settings.risk.bands.critical
    if not isinstance(floor, int) or isinstance(floor, bool) or not 0 <= floor < critical:
        # From there on the agent would be contained again at once.
        raise UsageError("not a least risk", f"a whole number from 0 (none) to {critical - 1}", "--risk-floor 40")
    return floor
