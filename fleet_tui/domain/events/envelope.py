"""What every event travels in, and what every payload is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

JSON = Any
"""Text, int, bool, None, or lists and maps of them. No floats: their canonical form differs between languages."""

PAYLOADS: dict[str, type[Payload]] = {}
"""Every known kind and the type of its payload."""


class Payload:
    """Base of all payloads; a subclass registers itself under its ``kind``."""

    __slots__ = ()
    kind: ClassVar[str]

    def __init_subclass__(cls, *, kind: str | None = None) -> None:
        super().__init_subclass__()
        # `@dataclass(slots=True)` makes the class anew, without the keyword: the later registration is the real one.
        if kind is not None:
            cls.kind = kind
        PAYLOADS[cls.kind] = cls

    def as_dict(self) -> dict[str, JSON]:
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended.

    ``key`` is the idempotency key: appending a second draft with the same key changes nothing and returns the first
    event. ``actor`` is stamped by the watcher from the caller's identity: ``watcher``, ``operator:<user>``,
    ``agent:<name>/<run>``.
    ``subject`` is what the event is about: ``ticket:3``, ``run:<id>``, ``pr:2``, ``agent:<name>``, ``repo:<name>``,
    ``fleet``.
    ``cause`` is the id of the event that led to this one.
    """

    kind: str
    payload: dict[str, JSON]
    subject: str
    actor: str = "watcher"
    cause: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event. ``seq`` is gapless; ``hash`` covers ``previous`` and a salted hash of the payload."""

    seq: int
    id: str
    at_ns: int
    host: str
    kind: str
    actor: str
    subject: str
    cause: str | None
    key: str | None
    epoch: int
    payload: dict[str, JSON]
    previous: str
    hash: str


def draft(
    payload: Payload, subject: str, *, actor: str = "watcher", cause: str | None = None, key: str | None = None
) -> Draft:
    """A draft of a typed payload."""
    return Draft(payload.kind, payload.as_dict(), subject, actor, cause, key)


def payload_of(event: Event | Draft, kind: type[P]) -> P:
    """The typed payload of ``event``; fields of a newer version are ignored.

    Raises:
        TypeError: a required field is missing.
    """
    names = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in event.payload.items() if name in names})
