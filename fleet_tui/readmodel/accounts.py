"""Accounts at their usage limit, with who waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.model import Account
from fleet_tui.domain.states import RunState
from fleet_tui.store.reader import Reader


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """``waiting``: the agents whose runs are parked, in their order of names."""

    account: Account
    waiting: tuple[str, ...]


def read_accounts(reader: Reader) -> list[AccountStatus]:
    """Those at their limit; a parked run names its account in its reason."""
    with reader.snapshot():
        parked = [run for run in reader.runs(RunState.LIMITED) if run.state_source == "account"]
        walls = [account for account in reader.accounts() if account.limited]
    return [
        AccountStatus(
            account, tuple(sorted({run.agent for run in parked if run.state_reason.endswith(f" of {account.id}")}))
        )
        for account in walls
    ]
