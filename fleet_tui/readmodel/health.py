"""How far the picture can be trusted. Pure."""

from __future__ import annotations

from enum import StrEnum

from fleet_tui.readmodel.values import Health

LATE_S = 3
FROZEN_S = 10


class Trust(StrEnum):
    FRESH = "fresh"
    LATE = "late"
    """Shown with an amber age; acts are still accepted, since the watcher checks them anyway."""
    FROZEN = "frozen"
    """Shown as old; acts are off, since what they would be bound to is not known."""


def age_s(health: Health, started_ns: int, now_ns: int) -> int:
    """Seconds since the picture was known to be true; counted from the start when it never was."""
    return max(0, (now_ns - (health.fresh_ns or started_ns)) // 1_000_000_000)


def trust(health: Health, started_ns: int, now_ns: int) -> Trust:
    age = age_s(health, started_ns, now_ns)
    if age >= FROZEN_S:
        return Trust.FROZEN
    return Trust.LATE if age > LATE_S or health.missed >= LATE_S else Trust.FRESH
