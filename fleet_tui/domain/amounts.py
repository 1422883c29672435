"""Amounts of what budgets limit: whole numbers of one unit each, as people write them and read them."""

from __future__ import annotations

import re
from typing import Literal

Unit = Literal["seconds", "tokens", "money", "turns"]
UNITS: tuple[Unit, ...] = ("seconds", "tokens", "money", "turns")
MICRO = 1_000_000
"""Money is counted in micro-dollars: one dollar has a million."""
MOST = 10**15
FULL = 2**63 - 1
"""The most that a sum can be: what the database holds in one number. There it stands still."""
HOW_TO_WRITE = "write it like 600, 10m, 500k, 20turns or 5usd ('$5.00' in single quotes, or the shell takes it apart)"

_FORM = re.compile(r"(?P<dollar>\$)?\s*(?P<whole>\d{1,15})(?:\.(?P<part>\d{1,6}))?\s*(?P<word>[A-Za-z]*)\Z")
_WORDS: dict[str, tuple[Unit, int]] = {
    "s": ("seconds", 1), "sec": ("seconds", 1), "second": ("seconds", 1), "seconds": ("seconds", 1),
    "m": ("seconds", 60), "min": ("seconds", 60), "minutes": ("seconds", 60),
    "h": ("seconds", 3600), "hours": ("seconds", 3600), "d": ("seconds", 86_400), "days": ("seconds", 86_400),
    "token": ("tokens", 1), "tokens": ("tokens", 1), "k": ("tokens", 1000), "M": ("tokens", 1_000_000),
    "turn": ("turns", 1), "turns": ("turns", 1),
    "usd": ("money", MICRO), "USD": ("money", MICRO), "dollars": ("money", MICRO), "microusd": ("money", 1),
}  # fmt: skip


def parse_amount(text: str) -> tuple[Unit | None, int]:
    """``90m``, ``$1.50``, ``200k``, ``3 turns`` as (unit, amount in its smallest part); a bare number has no unit.

    Raises:
        ValueError: not an amount, or not a whole number of its unit.
    """
    found = _FORM.match(text.strip())
    if found is None:
        raise ValueError(f"{text.strip()[:40]!r} is no number with a unit")
    word, part = found["word"], found["part"] or ""
    if found["dollar"]:
        if word:
            raise ValueError("money is written like $1.50")
        unit, size = "money", MICRO
    elif word:
        if word not in _WORDS:
            raise ValueError(f"unknown unit {word!r}: s, m, h, d, tokens, k, M, turns, or $ in front")
        unit, size = _WORDS[word]
    else:
        unit, size = None, 1
    scaled = int(found["whole"] + part) * size
    amount, rest = divmod(scaled, 10 ** len(part))
    if rest or amount > MOST:
        raise ValueError("not a whole number, or too large")
    return unit, amount  # type: ignore[return-value]


def amount_for(unit: str, text: str) -> int:
    """``text`` as an amount of ``unit``, above zero; money never without its sign.

    Raises:
        ValueError: not an amount, one of something else, or nothing.
    """
    given, amount = parse_amount(text)
    if given not in (None, unit) or (given is None and unit == "money"):
        raise ValueError(f"this budget counts {'money: write it like $5.00' if unit == 'money' else unit}")
    if amount == 0:
        raise ValueError("an amount above 0")
    return amount


def show_amount(unit: str, amount: int) -> str:
    """``250 s``, ``1h05``, ``1.2M tokens``, ``$4.10``, ``3 turns``; cut, never rounded up."""
    if unit == "money":
        dollars, micro = divmod(amount, MICRO)
        tiny = not dollars and 0 < micro < 10_000
        return f"$0.{micro:06}" if tiny else f"${dollars}.{micro // 10_000:02}"
    if unit == "seconds":
        return _time(amount)
    if unit == "tokens":
        return f"{_large(amount)} tokens"
    return f"{amount} turn" if amount == 1 else f"{amount} {unit}"


def _time(seconds: int) -> str:
    if seconds < 600:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}"


def _large(number: int) -> str:
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths // 10}.{tenths % 10}{letter}" if tenths < 100 else f"{tenths // 10}{letter}"
    return str(number)
