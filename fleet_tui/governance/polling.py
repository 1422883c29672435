"""When a forge is asked next: its interval, what is left of its budget, and how long to stay away after failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fleet_tui.domain.forges import Trouble

_SECOND = 1_000_000_000
LONGEST_NS = 15 * 60 * _SECOND
"""The longest pause of our own making; what the forge itself asks for may be longer."""
_PERSON_NS = 5 * 60 * _SECOND
"""How often is looked whether a person has mended what only a person can."""
_FIRST_NS = 15 * _SECOND
"""The pause after the first failure when the interval is shorter; it doubles with each further one."""
_RESERVE = 0.1
"""The share of the budget that polling leaves for acts."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the forge told of a budget of requests or points, and what the last poll took. ``limit`` 0: not told."""

    limit: int
    remaining: int
    reset_ns: int
    cost: int = 1

    def pause_ns(self, asked_ns: int) -> int:
        """The pause after a poll at ``asked_ns`` with which the rest lasts until it is filled up again."""
        left_ns = self.reset_ns - asked_ns
        if self.limit <= 0 or left_ns <= 0:
            return 0
        spare = self.remaining - round(self.limit * _RESERVE)
        return min(left_ns, left_ns * max(1, self.cost) // spare) if spare > 0 else left_ns


NOT_TOLD = Budget(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Polling:
    """How the polls of one repository have gone. ``asked_ns`` 0: never; ``failures`` are those in a row."""

    asked_ns: int = 0
    failures: int = 0
    trouble: Trouble | None = None
    retry_at_ns: int = 0
    """The forge does not want to be asked before."""
    budget: Budget = NOT_TOLD
    """Of all budgets that a poll is counted on the one that binds."""


def succeeded(before: Polling, now_ns: int) -> Polling:
    """After a poll that was answered."""
    return replace(before, asked_ns=now_ns, failures=0, trouble=None, retry_at_ns=0)


def failed(before: Polling, trouble: Trouble, now_ns: int, retry_at_ns: int | None = None) -> Polling:
    """After a poll that was not."""
    failures, until = before.failures + 1, retry_at_ns or 0
    return replace(before, asked_ns=now_ns, failures=failures, trouble=trouble, retry_at_ns=until)


def budgeted(before: Polling, budgets: Iterable[Budget], now_ns: int) -> Polling:
    """With what the forge told of its budgets."""
    return replace(before, budget=max(budgets, key=lambda budget: budget.pause_ns(now_ns), default=before.budget))


def next_poll_ns(polling: Polling, interval_s: float) -> int:
    """The instant of the next poll; 0 when there was none yet."""
    if polling.asked_ns == 0:
        return 0
    return max(polling.asked_ns + _pause_ns(polling, round(interval_s * _SECOND)), polling.retry_at_ns)


def _pause_ns(polling: Polling, interval_ns: int) -> int:
    if polling.trouble is None:
        return max(interval_ns, polling.budget.pause_ns(polling.asked_ns))
    if not polling.trouble.passes:
        return max(interval_ns, _PERSON_NS)
    doubled = max(interval_ns, _FIRST_NS) << min(polling.failures - 1, 20)
    return max(interval_ns, min(doubled, LONGEST_NS))


def refusal_of_a_poll_now(polling: Polling, now_ns: int) -> str:
    """Why a person's wish to poll at once is not followed; empty when it is. Only the forge's own word counts."""
    wait_ns = polling.retry_at_ns - now_ns
    if wait_ns <= 0:
        return ""
    return f"it wants no request for another {-(-wait_ns // _SECOND)} s"
