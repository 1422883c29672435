"""Usage limits of accounts: when the first agent may try again, and who goes on after it.

A limit belongs to an account, so all of its agents wait. When it is over one goes on first; the others follow one by
one, in the order in which they began to wait, so that they do not meet the next limit all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.model import Account

_SECOND = 1_000_000_000
_REMEMBERED_S = 24 * 3600
"""So far back counts what an agent alone has said of a limit."""


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


@dataclass(frozen=True, slots=True)
class Word:
    """At ``at_ns`` (UTC) ``agent`` met the limit of an account; None: the limit was over."""

    at_ns: int
    agent: str | None


def is_doubtful(words: Sequence[Word], pace: Pace, now_ns: int) -> bool:
    """Whether one agent alone has kept all others of its account from working for as long as the longest back-off, be
    it at once or again and again. ``words``: of the account, the oldest first.

    Whoever forges a limit cannot forge that another one meets it, too.
    """
    since_ns = _alone_since_ns(words, now_ns)
    return since_ns is not None and now_ns >= since_ns + max(pace.backoff_s) * _SECOND


def _alone_since_ns(words: Sequence[Word], now_ns: int) -> int | None:
    """Since when nobody but who met the limit last has met one; None: another one met that limit, too."""
    teller, alone_ns, of_this_limit_ns = None, None, None
    for word in reversed(words):
        if word.at_ns < now_ns - _REMEMBERED_S * _SECOND:
            break
        if word.agent is None:
            alone_ns, of_this_limit_ns = of_this_limit_ns or alone_ns, None
        elif teller not in (None, word.agent):
            # A limit that both of them met is none of its own.
            return alone_ns
        else:
            teller, of_this_limit_ns = word.agent, word.at_ns
    return of_this_limit_ns or alone_ns


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
