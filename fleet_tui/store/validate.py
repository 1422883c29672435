"""Checks a payload against the types of its event class before it is recorded: SQLite would store anything anywhere."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from fleet_tui.domain.events import PAYLOADS
from fleet_tui.store.errors import Rejected

Check = Callable[[Any], bool]


def check_payload(kind: str, payload: dict[str, Any]) -> None:
    """Raises :class:`Rejected` when a known kind lacks a field or a field has the wrong type; unknown kinds pass."""
    checks = _checks(kind)
    if checks is None:
        return
    for name, (required, check) in checks.items():
        if name not in payload:
            if required:
                raise Rejected("event refused", f"{kind}: field {name} is missing", "see docs/events.md")
        elif not check(payload[name]):
            found = type(payload[name]).__name__
            raise Rejected("event refused", f"{kind}: field {name} has the wrong type ({found})", "see docs/events.md")


@cache
def _checks(kind: str) -> dict[str, tuple[bool, Check]] | None:
    payload = PAYLOADS.get(kind)
    if payload is None:
        return None
    hints = typing.get_type_hints(payload)
    fields = dataclasses.fields(payload)  # type: ignore[arg-type]
    return {field.name: (_required(field), _check_for(hints[field.name])) for field in fields}


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _check_for(hint: Any) -> Check:
    if hint is Any:
        return lambda _value: True
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is list:
        inner = _check_for(arguments[0])
        return lambda value: isinstance(value, list | tuple) and all(inner(item) for item in value)
    if origin is dict:
        return lambda value: isinstance(value, dict)
    if arguments:
        options = [_check_for(argument) for argument in arguments]
        return lambda value: any(option(value) for option in options)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)
