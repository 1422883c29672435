"""What a request cost: the configuration's prices, the vendor's own word, the shipped table; else it is unknown.

The table comes with the package ``genai-prices`` and is never fetched: what a fleet does must not hang on a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from typing import Literal

from fleet_tui.domain.amounts import MICRO, MOST
from fleet_tui.settings.budgets import PriceSettings

Source = Literal["config", "vendor", "table", "unknown"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one request. ``input`` are those that did not come from the cache and did not go into it."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


def cost(
    model: str, tokens: Tokens, told_microusd: int | None, prices: Mapping[str, PriceSettings]
) -> tuple[int | None, Source]:
    """Micro-dollars, rounded up, and where they come from; None when nobody knows."""
    price = _configured(model, prices)
    if price is not None:
        return _by_price(price, tokens), "config"
    if told_microusd is not None:
        return told_microusd, "vendor"
    found = _by_table(model, tokens)
    return (None, "unknown") if found is None else (found, "table")


def _configured(model: str, prices: Mapping[str, PriceSettings]) -> PriceSettings | None:
    if model in prices:
        return prices[model]
    return next((price for glob, price in prices.items() if fnmatchcase(model.lower(), glob.lower())), None)


def _by_price(price: PriceSettings, tokens: Tokens) -> int:
    cached = price.input if price.cache_read is None else price.cache_read
    kept = price.input if price.cache_write is None else price.cache_write
    parts = (
        (tokens.input, price.input), (tokens.output, price.output),
        (tokens.cache_read, cached), (tokens.cache_write, kept),
    )  # fmt: skip
    return min(MOST, -(-sum(count * rate for count, rate in parts) // 1_000_000))


def _by_table(model: str, tokens: Tokens) -> int | None:
    from genai_prices import Usage, calc_price  # half a second and 1.5 MB that a fleet without usage never needs

    everything = tokens.input + tokens.cache_read + tokens.cache_write
    usage = Usage(
        input_tokens=everything,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
    )
    try:
        total = calc_price(usage, model).total_price
    except (LookupError, ValueError, ArithmeticError):
        return None
    return int((Decimal(total) * MICRO).to_integral_value(ROUND_CEILING))
