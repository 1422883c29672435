"""Accounts at vendors whose usage limit was met."""

from __future__ import annotations

from fleet_tui.domain.events import (
    AccountDoubted,
    AccountLimited,
    AccountReopened,
    AccountResumed,
    AccountRunReleased,
    Event,
    Payload,
    payload_of,
)
from fleet_tui.store.projections.base import Apply
from fleet_tui.store.tables import ACCOUNT, Tables


def limited(tables: Tables, event: Event) -> None:
    """While nobody has gone on yet, others who met the same limit only add what they were told of its end: the earliest
    counts, so that nobody makes the limit of another one last longer."""
    told = payload_of(event, AccountLimited)
    row = tables.get(ACCOUNT, told.account)
    same = row is not None and row["limited"] and row["released_ns"] is None
    if row is not None and same:
        ends = [end for end in (row["reset_ns"], told.reset_ns) if end is not None]
        tables.put(ACCOUNT, {**row, "reset_ns": min(ends, default=None)})
        return
    before = row["limits"] if row is not None and row["limited"] else 0
    facts = {"id": told.account, "vendor": told.vendor, "limited": True, "limited_ns": event.at_ns}
    by = {"agent": told.agent, "reason": told.reason, "reset_ns": told.reset_ns, "limits": before + 1}
    tables.put(ACCOUNT, {**facts, **by, "opened_ns": None, "released_ns": None, "released": 0})


def resumed(tables: Tables, event: Event) -> None:
    tables.change(ACCOUNT, payload_of(event, AccountResumed).account, opened_ns=event.at_ns)


def doubted(tables: Tables, event: Event) -> None:
    told = payload_of(event, AccountDoubted)
    if told.stands:
        tables.change(ACCOUNT, told.account, opened_ns=event.at_ns)


def released(tables: Tables, event: Event) -> None:
    row = tables.get(ACCOUNT, payload_of(event, AccountRunReleased).account)
    if row is not None:
        tables.put(ACCOUNT, {**row, "released_ns": event.at_ns, "released": row["released"] + 1})


def reopened(tables: Tables, event: Event) -> None:
    tables.change(ACCOUNT, payload_of(event, AccountReopened).account, limited=False)


APPLY: dict[type[Payload], Apply] = {
    AccountLimited: limited,
    AccountResumed: resumed,
    AccountDoubted: doubted,
    AccountRunReleased: released,
    AccountReopened: reopened,
}
