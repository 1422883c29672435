"""What requests cost: cells of the ledger of costs, and their sums under any heading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from fleet_tui.domain.amounts import MICRO, show_amount

By = Literal["agent", "ticket", "model", "day", "run"]
HEADINGS: tuple[By, ...] = get_args(By)
UNPRICED = "unknown"
"""The source of a cost that nobody knows."""
UNTOLD = "untold"
"""The source of the cost of a request of which nobody says even what it used: it was broken off."""
OTHERS = "(others)"
"""The models of a run that are not told apart any more."""


@dataclass(frozen=True, slots=True)
class CostCell:
    """What one run asked of one model within the hour from ``hour_ns`` on, priced by one source.

    ``source`` is that of ``UsageReported``. ``reasoning_tokens`` are among ``output_tokens``; ``reasoned`` counts the
    requests of which that number is known.
    """

    run: str
    model: str
    source: str
    hour_ns: int
    agent: str = ""
    ticket: int | None = None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning_tokens: int = 0
    reasoned: int = 0
    microusd: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of cells. ``fresh`` is input that neither came from a cache nor went into one."""

    requests: int = 0
    fresh: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int | None = None
    """Of ``output``; None where no vendor says it."""
    by_source: Mapping[str, int] = field(default_factory=dict)
    """Micro-dollars by who named the price: ``vendor``, ``config``, ``table``."""
    unpriced: int = 0
    """Requests whose cost nobody knows. They are in no amount of money."""
    unpriced_models: tuple[str, ...] = ()
    untold: int = 0
    """Requests of which nobody knows what they used. They are in no number of tokens, nor in an amount of money."""

    @property
    def microusd(self) -> int | None:
        """What is known of the cost; None when nothing is."""
        return sum(self.by_source.values()) if self.by_source or not (self.unpriced or self.untold) else None

    @property
    def tokens(self) -> int:
        return self.fresh + self.output + self.cache_read + self.cache_write


def total(cells: Iterable[CostCell]) -> Cost:
    """The sum of ``cells``."""
    cells = list(cells)
    priced: dict[str, int] = {}
    for cell in cells:
        if cell.source not in (UNPRICED, UNTOLD):
            priced[cell.source] = priced.get(cell.source, 0) + cell.microusd
    unknown = [cell for cell in cells if cell.source == UNPRICED]
    reasoned = any(cell.reasoned for cell in cells)
    return Cost(
        requests=sum(cell.requests for cell in cells),
        fresh=sum(cell.input_tokens for cell in cells),
        output=sum(cell.output_tokens for cell in cells),
        cache_read=sum(cell.cache_read for cell in cells),
        cache_write=sum(cell.cache_write for cell in cells),
        reasoning=sum(cell.reasoning_tokens for cell in cells) if reasoned else None,
        by_source=priced,
        unpriced=sum(cell.requests for cell in unknown),
        unpriced_models=tuple(sorted({cell.model for cell in unknown})),
        untold=sum(cell.requests for cell in cells if cell.source == UNTOLD),
    )


def grouped(cells: Iterable[CostCell], by: By) -> dict[str, Cost]:
    """Sums under each heading of ``by``, what cost most first, days as they came. The sums add up to :func:`total`.

    Days are UTC. What belongs under no heading, such as work on no ticket, is under the empty one.
    """
    groups: dict[str, list[CostCell]] = {}
    for cell in cells:
        groups.setdefault(_HEADING[by](cell), []).append(cell)
    sums = {heading: total(found) for heading, found in groups.items()}
    if by == "day":
        return dict(sorted(sums.items()))
    return dict(sorted(sums.items(), key=lambda pair: (-(pair[1].microusd or 0), -pair[1].tokens, pair[0])))


def _day(cell: CostCell) -> str:
    return datetime.fromtimestamp(cell.hour_ns // 1_000_000_000, UTC).date().isoformat()


_HEADING: dict[By, Callable[[CostCell], str]] = {
    "agent": lambda cell: cell.agent,
    "ticket": lambda cell: "" if cell.ticket is None else str(cell.ticket),
    "model": lambda cell: cell.model,
    "day": _day,
    "run": lambda cell: cell.run,
}


def show_cost(cost: Cost, *, exact: bool = False) -> str:
    """``$1.20``, ``~$1.20 + unknown``, ``unknown``: ``~`` where a price list was asked.

    ``exact``: to the micro-dollar.
    """
    known = cost.microusd
    if known is None:
        return UNPRICED
    dollars = f"${known // MICRO}.{known % MICRO:06}" if exact else show_amount("money", known)
    mark = "~" if cost.by_source.get("table") else ""
    return f"{mark}{dollars}{f' + {UNPRICED}' if cost.unpriced or cost.untold else ''}"


PRICED_BY = {"vendor": "the vendor", "config": "your prices", "table": "price list"}
"""Who named a price, in words."""


def priced_by(cost: Cost, *, exact: bool = False) -> str:
    """``the vendor``; ``the vendor $1.00, price list $0.20, nobody 2 requests`` where it was several."""
    parts = {
        PRICED_BY.get(source, source): show_cost(Cost(by_source={source: amount}), exact=exact).removeprefix("~")
        for source, amount in sorted(cost.by_source.items())
    }
    nobody = cost.unpriced + cost.untold
    if nobody:
        parts["nobody"] = f"{nobody} request{'' if nobody == 1 else 's'}"
    if len(parts) == 1:
        return next(iter(parts))
    return ", ".join(f"{who} {what}" for who, what in parts.items())
