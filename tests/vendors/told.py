"""Instants as programs write them down."""

from __future__ import annotations

from datetime import datetime


def at_ns(text: str) -> int:
    """An instant in ISO 8601, in ns UTC."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000
