"""One key explained: its value, where that came from, what it means. As a program: prints ``docs/configuration.md``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from fleet_tui.domain.errors import UsageError
from fleet_tui.settings.document import KeyPath
from fleet_tui.settings.load import Loaded
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.reference import (
    Schema,
    json_schema,
    render_markdown,
    render_schema_json,
    resolve,
    shipped_values,
    words,
)
from fleet_tui.settings.schema import Settings

__all__ = ["Explanation", "explain", "render_markdown", "render_schema_json"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about one key. ``value`` and ``default`` are JSON values; ``origin`` is a place in words."""

    key: str
    value: Any
    origin: str
    description: str
    type: str
    default: Any

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def explain(loaded: Loaded, key: str) -> Explanation:
    """The explanation of ``key``: names joined by dots; items of a list by number or name (``agents.backend.model``).

    Raises:
        SetupError: the configuration has errors.
        UsageError: there is no such key.
    """
    path, value = _walk(loaded.require(), key)
    schema: Schema = json_schema()
    for name in path:
        schema = _below(schema, name)
    origin = _origin(loaded, path)
    return Explanation(
        ".".join(map(str, path)),
        _plain(value),
        origin,
        schema.get("description", ""),
        words(schema),
        _default(path, schema),
    )


def value_of(settings: Settings, key: str) -> Any:
    """What ``settings`` have at ``key``, as a JSON value.

    Raises:
        UsageError: there is no such key.
    """
    return _plain(_walk(settings, key)[1])


def _walk(settings: Settings, key: str) -> tuple[KeyPath, Any]:
    value: Any = settings
    path: KeyPath = ()
    for part in key.split("."):
        name, value = _step(value, part, path)
        path = (*path, name)
    return path, value


def _step(value: Any, part: str, path: KeyPath) -> tuple[str | int, Any]:
    """The name and value of ``part`` in ``value``."""
    if isinstance(value, BaseModel):
        names = list(type(value).model_fields)
        if part in names:
            return part, getattr(value, part)
    elif isinstance(value, dict):
        names = list(value)
        if part in value:
            return part, value[part]
    elif isinstance(value, tuple):
        names = [str(getattr(item, "name", index)) for index, item in enumerate(value)]
        index = names.index(part) if part in names else int(part) if part.isdecimal() and len(part) < 7 else len(value)
        if index < len(value):
            return index, value[index]
    else:
        names = []
    where = f"`{'.'.join(map(str, path))}`" if path else "the configuration"
    raise UsageError("no such key", f"{where} has no `{part[:60]}`", suggest(part, names) or "stop at the key before")


def _below(schema: Schema, name: str | int) -> Schema:
    schema = resolve(schema)
    if isinstance(name, str) and name in schema.get("properties", {}):
        return resolve(schema["properties"][name])
    for option in (schema, *schema.get("anyOf", ())):
        inner = option.get("items" if isinstance(name, int) else "additionalProperties")
        if isinstance(inner, dict):
            return resolve(inner)
    return {}


def _origin(loaded: Loaded, path: KeyPath) -> str:
    """The place of the value, or of the nearest list or map that holds it when it was written as a whole."""
    found = loaded.origins.get(".".join(map(str, path)))
    return str(found) if found is not None else "built in"


def _default(path: KeyPath, schema: Schema) -> Any:
    value: Any = shipped_values()
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return schema.get("default")
        value = value[part]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
