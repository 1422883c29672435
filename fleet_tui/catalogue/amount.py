"""A budget in words, as the form and the command line take it: ``2h a day``, ``$6.00 a week``, ``90m``, ``none``."""

from __future__ import annotations

import re

from fleet_tui.domain.amounts import MICRO, parse_amount
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.spending import Window
from fleet_tui.settings.budgets import OwnBudget

_EACH = re.compile(r"(?P<amount>.*?)\s*(?:(?:\ba\b|\bper\b|/)\s*(?P<window>day|week))?\s*\Z", re.IGNORECASE)
_HINT = "write it like `2h a day`, `$6.00 a week`, `90m` in all, or `none`"


def read_budget(text: str) -> OwnBudget | None:
    """What ``text`` says; None for no ceiling.

    Raises:
        UsageError: it says something else.
    """
    if text.strip().lower() in ("", "none", "unlimited"):
        return None
    match = _EACH.match(text.strip())
    assert match is not None  # every text matches: the amount takes what the rest leaves
    try:
        unit, amount = parse_amount(match["amount"])
    except ValueError as error:
        raise UsageError("budget not understood", f"{error}", _HINT) from None
    if unit is None or amount == 0:
        raise UsageError("budget not understood", f"{text.strip()[:40]!r} has no unit, or is nothing", _HINT)
    windows: dict[str, Window] = {"": "total", "day": "day", "week": "week"}
    window = windows[(match["window"] or "").lower()]
    return OwnBudget(unit=unit, ceiling=amount, window=window)


def budget_in_words(budget: OwnBudget | None) -> str:
    """``2h a day``; :func:`read_budget` reads it again."""
    if budget is None:
        return "none"
    each = {"total": "", "week": " a week", "day": " a day"}[budget.window]
    return f"{amount_in_words(budget)}{each}"


def amount_in_words(budget: OwnBudget) -> str:
    """``2h``, ``$6.00``, ``500k``: exactly its ceiling."""
    unit, amount = budget.unit, budget.ceiling
    assert isinstance(amount, int)
    if unit == "money":
        dollars, micro = divmod(amount, MICRO)
        return f"${dollars}.{micro // 10_000:02}" if micro % 10_000 == 0 else f"${dollars}.{micro:06}"
    if unit == "turns":
        return f"{amount} turns"
    sizes = _TIMES if unit == "seconds" else _TOKENS
    size, word = next((size, word) for size, word in sizes if amount % size == 0)
    return f"{amount // size}{word}"


_TIMES = ((3600, "h"), (60, "m"), (1, "s"))
_TOKENS = ((1_000_000, "M"), (1_000, "k"), (1, " tokens"))
