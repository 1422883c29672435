"""What was used, and the limits of it."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class UsageReported(Payload, kind="usage_reported"):
    """What a vendor's program says it used for one request. ``input_tokens`` are those not from the cache.

    ``cost_source``: ``config`` (prices of the configuration), ``vendor``, ``table`` (shipped prices: an estimate),
    ``unknown`` (then there is no cost), ``untold`` (a request that was broken off: not even its tokens are known).
    ``turn`` is the run's turn so far, from 1; 0: not said.
    ``reasoning_tokens`` are among the ``output_tokens``; None: not said.
    """

    run: str
    agent: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost_microusd: int | None = None
    cost_source: str = "unknown"
    turn: int = 0
    request: str = ""
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class BudgetWarning(Payload, kind="budget_warning"):
    """Used up to the share at which a person is warned; amounts are in the smallest part of the unit."""

    scope: str
    name: str
    unit: str
    window: str
    start_ns: int
    used: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class BudgetExhausted(Payload, kind="budget_exhausted"):
    """At the ceiling: no further turn begins, and who works is asked for a report."""

    scope: str
    name: str
    unit: str
    window: str
    start_ns: int
    used: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class BudgetReportAsked(Payload, kind="budget_report_asked"):
    """The run may use ``grace_s`` more seconds of run time, from ``active_ms`` on, to say what is done and left.

    ``standing`` is the key of the budget: scope, name, unit, window, its start, ceiling.
    """

    run: str
    agent: str
    standing: str
    active_ms: int
    grace_s: int


@dataclass(frozen=True, slots=True)
class BudgetExtended(Payload, kind="budget_extended"):
    """A person adds ``extra`` to a ceiling. With an empty ``name``: ``extra_s`` seconds for ``agent``."""

    agent: str
    extra_s: int
    reason: str
    scope: str = "agent"
    name: str = ""
    unit: str = "seconds"
    window: str = "total"
    start_ns: int = 0
    extra: int = 0
    shown: JSON = None


@dataclass(frozen=True, slots=True)
class BudgetExtensionSeconded(Payload, kind="budget_extension_seconded"):
    """A person wants to add ``amount`` to the budget ``standing``, and a rule wants more persons to: the last one's
    word is ``budget_extended``."""

    standing: str
    amount: int
    reason: str
    by: str
    quorum: int
    expires_ns: int
    shown: JSON = None
