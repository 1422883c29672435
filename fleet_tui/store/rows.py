"""Table rows as the frozen values of :mod:`fleet_tui.domain.model`."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")


def values(kind: type[T], rows: Sequence[dict[str, Any]]) -> list[T]:
    """``rows`` (column name to SQLite value) as values of the dataclass ``kind``; other columns are ignored."""
    converters = _converters(cast("Any", kind))
    return [
        kind(**{name: row[name] if convert is None else convert(row[name]) for name, convert in converters})
        for row in rows
    ]


@cache
def _converters(kind: type[Any]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, _converter(hints[field.name])) for field in dataclasses.fields(kind))


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    origin = typing.get_origin(hint)
    if origin is tuple:
        return lambda text: tuple(json.loads(text))
    if origin is dict:
        return json.loads
    if hint is bool:
        return bool
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return None
