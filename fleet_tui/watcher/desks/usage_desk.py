"""What agents' programs report of their use: tokens, money, turns. Each request is counted once.

It is an agent's word: no report may say more than any request could use, and none makes the ledger longer without end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fleet_tui.domain.amounts import MICRO, show_amount
from fleet_tui.domain.costs import OTHERS, UNTOLD
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import UsageReported
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import MessageState
from fleet_tui.domain.text import one_line
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import spending
from fleet_tui.watcher.runs.prices import Tokens, cost

_COUNTS = ("input_tokens", "output_tokens", "cache_read", "cache_write")
MOST_TOKENS = 10**9
"""Of each kind in one report; the largest contexts hold a few millions."""
MOST_MICROUSD = 10_000 * MICRO
_MOST_TURNS = 1_000_000
_MOST_MODELS = 20
"""That are told apart of one run: each takes a line of the ledger for every hour."""
_ON_ITS_WAY = (MessageState.TYPED, MessageState.SUBMITTED, MessageState.UNCERTAIN)


def file_key(run: Run, request: str) -> str:
    """Under which a request that the program's own records tell of is counted once. What an agent says of one counts
    apart, or it could take its place."""
    return f"usage-file:{run.agent}:{one_line(request)}"


async def report(ctx: Context, run: Run, args: dict[str, Any], key: str, *, from_file: bool = False) -> dict[str, Any]:
    """Record what one request used, and answer whether the run may begin another one (``refused``: why not). A request
    id that was reported before changes nothing. ``from_file``: ``key`` is that of a record of the program.

    Raises:
        UsageError: not such a report, or more than a request can use.
    """
    await _not_absurd(ctx, run, args)
    counts = {name: _count(args, name, MOST_TOKENS) or 0 for name in _COUNTS}
    told = _count(args, "cost_microusd", MOST_MICROUSD)
    turn = _count(args, "turn", _MOST_TURNS) or 0
    reasoning = _count(args, "reasoning_tokens", MOST_TOKENS)
    request = one_line(str(args.get("request_id") or args.get("request") or ""), 200)
    model: str = one_line(str(args.get("model") or run.model or ""), 200)
    if not any(counts.values()) and told is None and not turn:
        raise UsageError("nothing used", "a report needs tokens, a cost or a turn", ", ".join(_COUNTS))
    tokens = Tokens(*counts.values())
    microusd, source = await asyncio.to_thread(cost, model, tokens, told, ctx.settings.prices)
    if not any(counts.values()) and told is None:
        microusd, source = 0, "vendor"  # a turn alone costs nothing
    else:
        microusd = None if microusd is None else min(microusd, MOST_MICROUSD)
        known = ctx.reader.models_of(run.id)
        model = model if model in known or len(known) < _MOST_MODELS else OTHERS  # priced as what it was
    usage = UsageReported(
        run.id, run.agent, model, **counts, cost_microusd=microusd, cost_source=source, turn=turn, request=request,
        reasoning_tokens=None if reasoning is None else min(reasoning, counts["output_tokens"]),
    )  # fmt: skip
    # Of the agent, not of the run: a session that is taken up again may tell its past once more.
    key = f"usage:{run.agent}:{request}" if request and not from_file else key
    await ctx.say(usage, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}", key=key)
    reason = spending.refusal(ctx, run)
    return {"message": "counted"} | ({"refused": reason} if reason else {})


async def report_untold(ctx: Context, run: Run, model: str, request: str, key: str) -> None:
    """Record a request of which nobody says what it used, such as one that was broken off: a cost that is unknown."""
    usage = UsageReported(
        run.id, run.agent, one_line(model or run.model or "", 200), cost_source=UNTOLD, request=one_line(request, 200)
    )
    await ctx.say(usage, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}", key=key)


async def turn_begun(ctx: Context, run: Run, key: str) -> str | None:
    """Count the turn that a prompt begins; why it should not, when the run may only report."""
    reason = spending.refusal(ctx, run)
    cell = spending.cells(ctx, run).get(("run", run.id, "total", 0))
    turn = UsageReported(
        run.id, run.agent, run.model or "", cost_microusd=0, cost_source="vendor", turn=(cell.turns if cell else 0) + 1
    )
    await ctx.say(turn, f"run:{run.id}", actor=f"agent:{run.agent}/{run.id}", key=f"turn:{key}")
    return None if _reports(ctx, run) else reason


_LIMITS = {**dict.fromkeys((*_COUNTS, "reasoning_tokens"), MOST_TOKENS), "cost_microusd": MOST_MICROUSD}


async def _not_absurd(ctx: Context, run: Run, args: dict[str, Any]) -> None:
    """Tell a person of a report that no request can have caused: believed, it would use up everybody's budget."""
    for name, most in _LIMITS.items():
        value = args.get(name)
        if isinstance(value, int) and value > most:
            limit = show_amount("money" if name == "cost_microusd" else "tokens", most)
            title = f"{run.agent} reports an absurd use: {name} over {limit} for one request; it is not counted"
            response = f"look at what {run.agent} does; what it used meanwhile may be in no budget"
            await alarms.ensure(ctx, "usage", f"agent:{run.agent}", priority=2, title=title, response=response)
            raise UsageError("absurd use", f"{name} is over {limit}: no request uses that")


def _reports(ctx: Context, run: Run) -> bool:
    """Whether the prompt may be our own request for a report."""
    return any(message.purpose == spending.REPORT for message in ctx.reader.messages(*_ON_ITS_WAY, run=run.id))


def _count(args: dict[str, Any], name: str, most: int) -> int | None:
    value = args.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise UsageError("not a count", f"{name} must be a whole number from 0 to {most}")
    return value
