"""Usage limits of accounts: when the first agent may try again, and who goes on after it.

A limit belongs to an account, so all of its agents wait. When it is over one goes on first; the others follow one by
one, in the order in which they began to wait, so that they do not meet the next limit all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.model import Account

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two who go on, for the first one to show that the account works, and before a next try when
    nobody said when the limit is over (by how many limits came in a row; the last one repeats)."""

    gap_s: int = 10
    proof_s: int = 120
    backoff_s: tuple[int, ...] = (300, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits for its account, and since when (ns UTC)."""

    run: str
    since_ns: int


def opens_ns(account: Account, pace: Pace) -> int:
    """When the first one may try: at the reset, as a person says, or after the back-off."""
    if account.opened_ns is not None:
        return account.opened_ns
    if account.reset_ns is not None:
        # Whoever says again and again that it is over already is not asked more and more often.
        least_s = pace.gap_s if account.limits <= 1 else _backoff_s(pace, account.limits - 1)
        return max(account.reset_ns, account.limited_ns + least_s * _SECOND)
    return account.limited_ns + _backoff_s(pace, account.limits) * _SECOND


def _backoff_s(pace: Pace, limits: int) -> int:
    return pace.backoff_s[min(max(1, limits), len(pace.backoff_s)) - 1]


def next_one(account: Account, waiting: Sequence[Waiting], pace: Pace, now_ns: int, *, proved: bool) -> str | None:
    """The run that goes on now, or None. ``proved``: who went on first had an answer from the vendor since."""
    if not waiting or now_ns < earliest_ns(account, pace, proved=proved):
        return None
    return min(waiting, key=lambda one: (one.since_ns, one.run)).run


def earliest_ns(account: Account, pace: Pace, *, proved: bool) -> int:
    """Before which nobody (else) goes on."""
    opens = opens_ns(account, pace)
    if account.released_ns is None:
        return opens
    alone_s = pace.gap_s if proved or account.released > 1 else max(pace.gap_s, pace.proof_s)
    return max(opens, account.released_ns + alone_s * _SECOND)


def is_over(account: Account, waiting: Sequence[Waiting], pace: Pace, now_ns: int, *, proved: bool) -> bool:
    """Whether the limit is history: it is over, nobody waits, and who went on last had time to meet it again."""
    return not waiting and now_ns >= earliest_ns(account, pace, proved=proved)
