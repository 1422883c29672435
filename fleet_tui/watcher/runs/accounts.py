"""Accounts at vendors: whose credentials a run uses, and whether its account is at its usage limit."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.events import (
    AccountDoubted,
    AccountLimited,
    AccountReopened,
    AccountResumed,
    AccountRunReleased,
    Event,
    UsageReported,
    draft,
)
from fleet_tui.domain.model import Account, Run
from fleet_tui.domain.states import RunState
from fleet_tui.domain.text import one_line
from fleet_tui.governance import accounts as rules
from fleet_tui.store.reader import EventFilter
from fleet_tui.vendors.limits import believed
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.watcher.context import Context

SOURCE = "account"
"""The source of the state of a run that waits for its account."""
DIALOG = "screen"
"""The source of a limit of which a dialog of the program tells, and nothing else does."""
_MOST = 2_000


def pace(ctx: Context) -> rules.Pace:
    limits = ctx.settings.limits
    return rules.Pace(limits.account_gap_s, limits.account_proof_s, limits.account_backoff_s)


def account_of(ctx: Context, agent: str, vendor: str) -> str:
    """``claude-code:3fa9c1d2``: the program and a digest of the key that the agent uses; without a key of its own, the
    vendor's name. Of an agent whose word is doubted it is one of its own, ``claude-code:3fa9c1d2/NAME``."""
    account = shared_account(ctx, agent, vendor)
    return own_account(account, agent) if agent in doubted(ctx, account) else account


def own_account(account: str, agent: str) -> str:
    return f"{account}/{agent}"


def shared_account(ctx: Context, agent: str, vendor: str) -> str:
    """The account whose key the agent uses, whatever its word is worth."""
    try:
        entry = ctx.settings.vendor(vendor)
        names = vendor_for(entry, vendor, repository=ctx.paths.repository).credentials
    except FleetError:
        return vendor
    own = next((one.env for one in ctx.settings.agents if one.name == agent), {})
    environment = dict(own) | dict(entry.env)
    key = next((environment[name] for name in names if environment.get(name)), None)
    return vendor if key is None else f"{entry.kind}:{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def doubted(ctx: Context, account: str) -> frozenset[str]:
    """The agents whose word parks nobody else who uses the account."""
    told = ctx.reader.events(EventFilter(kinds=(AccountDoubted.kind,), subjects=(f"account:{account}",)), limit=_MOST)
    stands = {event.payload["agent"]: event.payload["stands"] for event in told}
    return frozenset(agent for agent, doubt in stands.items() if doubt)


def limited(ctx: Context) -> dict[str, Account]:
    """The accounts at their limit, by id."""
    return {account.id: account for account in ctx.reader.accounts() if account.limited}


def held_by(ctx: Context, run: Run) -> Account | None:
    """The account whose limit ``run`` waits for; None: it may go on."""
    walls = limited(ctx)
    account = walls.get(account_of(ctx, run.agent, run.vendor)) if walls else None
    return account if account is not None and not was_released(ctx, account, run) else None


def was_released(ctx: Context, account: Account, run: Run) -> bool:
    """Whether the run has gone on, or may begin, since the limit was met."""
    return ctx.reader.has_key(release_key(account, run))


def release_key(account: Account, run: Run) -> str:
    return f"released:{account.id}:{account.limited_ns}:{run.id}"


def without_account(ctx: Context) -> frozenset[str]:
    """The names of the agents whose account is at its limit: a ticket that they took would wait with them."""
    walls = limited(ctx)
    if not walls:
        return frozenset()
    return frozenset(one.name for one in ctx.settings.agents if account_of(ctx, one.name, one.vendor) in walls)


async def met(ctx: Context, run: Run, reset_ns: int | None, source: str, reason: str, key: str) -> None:
    """Record that the program of ``run`` met the limit of its account, and so bears out who spoke of it before."""
    if ctx.reader.has_key(key):
        return
    account, walls = account_of(ctx, run.agent, run.vendor), limited(ctx)
    drafts = []
    for agent in sorted(doubted(ctx, account)):
        if (own := own_account(account, agent)) in walls:
            drafts.append(draft(AccountDoubted(account, agent, stands=False), f"account:{account}"))
            drafts.append(draft(AccountReopened(own), f"account:{own}"))
    over = believed(reset_ns, ctx.now_ns())
    told = AccountLimited(account, run.vendor, run.id, run.agent, over, source, one_line(reason, 200))
    await ctx.record(*drafts, draft(told, f"account:{account}", key=key))


def has_met(ctx: Context, run: Run) -> bool:
    """Whether the program of ``run`` itself met a limit and has not gone on since."""
    return [event.kind for event in _own(ctx, run)[-1:]] == [AccountLimited.kind]


def is_cut_off(ctx: Context, run: Run) -> bool:
    """Whether that ended its turn. A dialog on its screen did not: the same request is made again from there."""
    return has_met(ctx, run) and _own(ctx, run)[-1].payload["source"] != DIALOG


def ended_at_limit(ctx: Context, run: Run) -> bool:
    """Whether the program of ``run`` ended because of a limit that still stands, or as soon as it was let go on."""
    if account_of(ctx, run.agent, run.vendor) not in limited(ctx):
        return False
    own = _own(ctx, run)
    return has_met(ctx, run) or (len(own) > 1 and not used_since(ctx, run.id, own[-1].at_ns))


def used_since(ctx: Context, run: str, since_ns: int) -> bool:
    """Whether the run had an answer from its vendor since then."""
    told = ctx.reader.events(EventFilter(kinds=(UsageReported.kind,), subjects=(f"run:{run}",)), limit=20)
    return any(event.at_ns >= since_ns and event.payload["output_tokens"] for event in told)


def released_ns(ctx: Context, run: Run) -> int | None:
    """When the run was let go on after a limit that it met itself; None: it was not, or has met another one since."""
    own = _own(ctx, run)
    return own[-1].at_ns if len(own) > 1 and own[-1].kind == AccountRunReleased.kind else None


def _own(ctx: Context, run: Run) -> list[Event]:
    """The limits that the program of ``run`` met itself, and when it was let go on, as they came."""
    told = ctx.reader.events(EventFilter(kinds=(AccountLimited.kind, AccountRunReleased.kind)), limit=_MOST)
    own = [event for event in told if event.payload["run"] == run.id]
    first = next((at for at, event in enumerate(own) if event.kind == AccountLimited.kind), len(own))
    return own[first:]


def released_runs(ctx: Context, account: Account) -> list[str]:
    """The runs that went on since the limit was met, the first one first."""
    kinds = EventFilter(kinds=(AccountRunReleased.kind,), subjects=(f"account:{account.id}",))
    told = ctx.reader.events(kinds, limit=_MOST)
    return [event.payload["run"] for event in told if event.at_ns >= account.limited_ns]


def until_words(account: Account, at_ns: int) -> str:
    """``parked until 14:05 UTC: usage limit of claude-code:3fa9c1d2``; with the day when it is another."""
    at, met_at = (datetime.fromtimestamp(ns // 1_000_000_000, UTC) for ns in (at_ns, account.limited_ns))
    clock = at.strftime("%H:%M UTC" if at.date() == met_at.date() else "%d %b %H:%M UTC")
    what = "parked until" if account.reset_ns is not None or account.opened_ns is not None else "parked, next try"
    return f"{what} {clock}: usage limit of {account.id}"


def is_parked(run: Run) -> bool:
    return run.state is RunState.LIMITED and run.state_source == SOURCE


async def resume(ctx: Context, name: str, reason: str, actor: str) -> dict[str, str]:
    """A person lets the agents of the account ``name`` go on without waiting for the end of its limit.

    Raises:
        FleetError: there is no such account at its limit.
    """
    walls = limited(ctx)
    if name not in walls:
        known = f"at their limit: {', '.join(sorted(walls))}" if walls else "no account is at its limit"
        raise Conflict("nobody waits for it", f"{one_line(name, 100)}; {known}", "fleet account list")
    await ctx.say(AccountResumed(name, reason), f"account:{name}", actor=actor)
    return {"message": f"the agents of {name} go on, one after the other"}
