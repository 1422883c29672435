"""Usage limits of which one agent alone speaks: its word holds up who shares its account for a while, not for ever."""

from __future__ import annotations

from dataclasses import replace

from fleet_tui.domain.events import AccountDoubted, AccountLimited, AccountReopened, Event, draft, payload_of
from fleet_tui.domain.model import Account
from fleet_tui.governance import accounts as rules
from fleet_tui.governance.accounts import Word
from fleet_tui.store.filters import EventFilter
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs import accounts

_KINDS = (AccountLimited.kind, AccountReopened.kind, AccountDoubted.kind)
_MOST = 2_000


async def weigh(ctx: Context, account: Account) -> None:
    """Where nobody else of the account has met the limit for too long, who speaks of it goes on waiting alone."""
    if account.opened_ns is not None or not _is_shared(ctx, account):
        return
    told = ctx.reader.events(EventFilter(kinds=_KINDS, subjects=(f"account:{account.id}",)), limit=_MOST)
    words = [Word(event.at_ns, _who(event)) for event in told if not _is_doubt(event)]
    if not rules.is_doubtful(words, accounts.pace(ctx), ctx.now_ns()):
        return
    last = next(event for event in reversed(told) if event.kind == AccountLimited.kind)
    own = accounts.own_account(account.id, account.agent)
    doubt = AccountDoubted(account.id, account.agent)
    goes_on_waiting = replace(payload_of(last, AccountLimited), account=own)
    await ctx.record(draft(doubt, f"account:{account.id}"), draft(goes_on_waiting, f"account:{own}"))


def _is_shared(ctx: Context, account: Account) -> bool:
    """Whether others use the account, too; who is doubted already has one of its own."""
    users = {one.name for one in ctx.settings.agents if accounts.account_of(ctx, one.name, one.vendor) == account.id}
    return account.agent in users and len(users) > 1


def _who(event: Event) -> str | None:
    return None if event.kind == AccountReopened.kind else event.payload["agent"]


def _is_doubt(event: Event) -> bool:
    """One that was lifted is the word of who was doubted: it was true."""
    return event.kind == AccountDoubted.kind and bool(event.payload["stands"])
