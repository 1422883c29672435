"""Which evidence has been kept long enough. Sizes in bytes, instants in ns; what is held back is never chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One file or folder of evidence. ``held``: somebody may still decide by it."""

    name: str
    bytes: int
    changed_ns: int
    held: bool


def outlived(items: Iterable[Item], *, keep_days: int, keep_bytes: int, now_ns: int) -> list[Item]:
    """What may go, the oldest first: what is older than ``keep_days``, and then what is too much in all."""
    found = sorted(items, key=lambda item: (item.changed_ns, item.name))
    total = sum(item.bytes for item in found)
    chosen = []
    for item in found:
        too_old = now_ns - item.changed_ns > keep_days * _DAY_NS
        if not item.held and (too_old or total > keep_bytes):
            chosen.append(item)
            total -= item.bytes
    return chosen
