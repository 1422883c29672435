"""Accounts at their usage limit: who works with them is parked, and goes on, one after the other, when it is over."""

from __future__ import annotations

from fleet_tui.domain.events import (
    AccountReopened,
    AccountRunReleased,
    Draft,
    RunStateChanged,
    draft,
)
from fleet_tui.domain.model import Account, Run
from fleet_tui.domain.states import RunState
from fleet_tui.governance import accounts as rules
from fleet_tui.governance.accounts import Waiting
from fleet_tui.watcher import alarms
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import accounts, doubts, starting

GO_ON = "go-on"
"""The purpose of the message that begins the turn which the limit cut off once more."""
_TEXT = "The usage limit that ended your last turn is over. Look at where you were, and go on with your work."
_RESPONSE = "wait, or `fleet account resume {}` when you know that it is over"


async def keep(ctx: Context) -> None:
    """Park, release and forget, account by account."""
    for account in accounts.limited(ctx).values():
        await doubts.weigh(ctx, account)
    walls = accounts.limited(ctx)
    standing = {f"account:{name}": _title(ctx, account) for name, account in walls.items()}
    for about, title in standing.items():
        response = _RESPONSE.format(about.partition(":")[2])
        await alarms.ensure(ctx, "usage-limit", about, priority=2, title=title, response=response)
    await alarms.only(ctx, "usage-limit", standing, "the limit is over, and its agents went on")
    runs = ctx.reader.runs(RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.LIMITED) if walls else []
    runs = [run for run in runs if not run.held]  # it waits for a person first
    using = {run.id: accounts.account_of(ctx, run.agent, run.vendor) for run in runs}
    for name, account in walls.items():
        await _account(ctx, account, [run for run in runs if using[run.id] == name])
    await _no_wall(ctx, walls)


async def _account(ctx: Context, account: Account, runs: list[Run]) -> None:
    waiting = [run for run in runs if _waits(ctx, account, run)]
    pace, now_ns, proved = accounts.pace(ctx), ctx.now_ns(), _is_proved(ctx, account)
    for run in waiting:
        await _park(ctx, account, run)
    queue = [Waiting(run.id, _since_ns(account, run)) for run in waiting]
    chosen = rules.next_one(account, queue, pace, now_ns, proved=proved)
    if chosen is not None:
        await _release(ctx, account, next(run for run in waiting if run.id == chosen))
    elif rules.is_over(account, queue, pace, now_ns, proved=proved):
        await ctx.say(AccountReopened(account.id), f"account:{account.id}")


def _waits(ctx: Context, account: Account, run: Run) -> bool:
    """Whether the limit keeps the run from going on: it works, met the limit itself, or wants to begin."""
    if run.stop_requested or accounts.was_released(ctx, account, run):
        return False
    if run.state is RunState.WAITING:
        return accounts.has_met(ctx, run)
    return run.state in (RunState.QUEUED, RunState.RUNNING) or accounts.is_parked(run)


def _since_ns(account: Account, run: Run) -> int:
    """Since when it waits: who was at work since the limit was met, who wants to begin since it does."""
    return run.queued_ns if run.state is RunState.QUEUED else account.limited_ns


async def _park(ctx: Context, account: Account, run: Run) -> None:
    reason = accounts.until_words(account, rules.opens_ns(account, accounts.pace(ctx)))
    now = ctx.reader.run(run.id)
    if now is None or now.state is not run.state:
        return  # contained, or ended, while others were parked
    if run.state is RunState.QUEUED or (accounts.is_parked(run) and run.state_reason == reason):
        return
    parked = RunStateChanged(run.id, RunState.LIMITED.value, accounts.SOURCE, reason)
    await ctx.say(parked, f"run:{run.id}")


async def _release(ctx: Context, account: Account, run: Run) -> None:
    """With what lets it go on in the same transaction."""
    key = accounts.release_key(account, run)
    released = AccountRunReleased(account.id, run.id, run.agent)
    drafts = [draft(released, f"account:{account.id}", key=key)]
    if run.state is not RunState.QUEUED:
        drafts += _going_on(ctx, run, "the usage limit is over", key)
    await ctx.record(*drafts)


def _going_on(ctx: Context, run: Run, why: str, key: str) -> list[Draft]:
    """A turn that the limit cut off is begun once more; what was frozen in the middle of one goes on by itself."""
    cut_off = accounts.is_cut_off(ctx, run)
    state = RunState.WAITING if cut_off else RunState.RUNNING
    drafts = [draft(RunStateChanged(run.id, state.value, accounts.SOURCE, why), f"run:{run.id}")]
    if cut_off:
        drafts.append(starting.message(ctx, run.id, GO_ON, _TEXT, key=f"go-on:{key}"))
    return drafts


def _is_proved(ctx: Context, account: Account) -> bool:
    """Whether who went on first had an answer since: what was used after it went on says so."""
    first = next(iter(accounts.released_runs(ctx, account)), None)
    if first is None or account.released_ns is None:
        return False
    since_ns = account.released_ns if account.released == 1 else account.limited_ns
    return accounts.used_since(ctx, first, since_ns)


async def _no_wall(ctx: Context, walls: dict[str, Account]) -> None:
    """Nobody stays parked for an account that is not at its limit, such as after its key was changed."""
    for run in ctx.reader.runs(RunState.LIMITED):
        if accounts.is_parked(run) and accounts.account_of(ctx, run.agent, run.vendor) not in walls:
            why = "its account is not at a limit"
            await ctx.record(*_going_on(ctx, run, why, f"freed:{run.id}:{run.state_ns}"))


def _title(ctx: Context, account: Account) -> str:
    words = accounts.until_words(account, rules.opens_ns(account, accounts.pace(ctx)))
    parked = words.partition(": ")[0]
    if account.id.endswith(f"/{account.agent}"):
        shared = account.id.rpartition("/")[0]
        return f"{account.agent} alone says that {shared} is at its usage limit: it is {parked}, the others go on"
    return f"{account.id} is at its usage limit (met by {account.agent}); its agents are {parked}"
