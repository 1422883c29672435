"""Accounts at vendors: their usage limits, and who goes on when one is over."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import Payload


@dataclass(frozen=True, slots=True)
class AccountLimited(Payload, kind="account_limited"):
    """The program of a run met the usage limit of its account. ``reset_ns``: when it is over, where that was said.

    ``source``: ``hook``, ``file``, or ``screen`` (its dialog alone tells, and the turn goes on from there). The first
    of an account parks all of its agents.
    """

    account: str
    vendor: str
    run: str
    agent: str
    reset_ns: int | None
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountResumed(Payload, kind="account_resumed"):
    """A person lets the agents of the account go on now, without waiting for the limit to be over."""

    account: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountRunReleased(Payload, kind="account_run_released"):
    """The run goes on, or may begin, after the limit of its account: one first, then the others one by one."""

    account: str
    run: str
    agent: str


@dataclass(frozen=True, slots=True)
class AccountReopened(Payload, kind="account_reopened"):
    """Nobody waits for the limit of the account any more."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountDoubted(Payload, kind="account_doubted"):
    """One agent alone said for too long that the account is at its limit: from now on its word parks nobody else, and
    the others go on. Its limits are those of an account of its own (``ACCOUNT/AGENT``) until, ``stands`` false, another
    agent meets the limit that it speaks of.
    """

    account: str
    agent: str
    stands: bool = True
