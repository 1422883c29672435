"""Which events a reader asks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All given conditions must hold; within ``kinds``, ``subjects`` and ``actors`` any one is enough.

    ``since_ns`` and ``until_ns`` are inclusive UTC instants. Every word of ``text`` must begin a word of the event's
    kind, subject or payload values, upper and lower case alike.
    """

    kinds: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    text: str | None = None
