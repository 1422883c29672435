"""pydantic's errors in the words of the person who wrote the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from fleet_tui.settings.document import KeyPath
from fleet_tui.settings.fields import describe
from fleet_tui.settings.schema import Settings

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
}
_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


class Finding(NamedTuple):
    """What is wrong at ``path``; ``at_key`` when the key rather than its value is to blame."""

    path: KeyPath
    message: str
    hint: str
    at_key: bool = False


def translate(error: ErrorDetails, merged: dict[str, Any], model: type[BaseModel] = Settings) -> Finding:
    """One error of pydantic over the ``merged`` value, which is to be a ``model``."""
    context: dict[str, Any] = error.get("ctx", {})
    path, kind, value = _real_path(error["loc"], merged), error["type"], error["input"]
    of_key = "[key]" in error["loc"]
    if kind == "fleet":
        return Finding((*path, *context["at"]), context["message"], context["hint"], at_key=of_key)
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind == "missing":
        return Finding(path[:-1], f"`{path[-1]}` is missing", f"add `{path[-1]}: …`")
    if kind in _TYPES:
        return Finding(path, f"expected {_TYPES[kind]}, got {describe(value)}", _type_hint(kind, value))
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return Finding(path, f"must be {words} {context[name]}", f"write {context[name]}")
    if kind == "literal_error":
        return _choice(path, str(context["expected"]), value)
    if kind in ("too_long", "too_short", "string_too_long"):
        return Finding(path, _size(kind, context), "")
    return Finding(path, error["msg"], "")


def suggest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """The known word that was meant, else the known words; empty when there are none. ``likeness``: from 0 to 1."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=likeness)
    if close:
        return f"did you mean `{close[0]}`?"
    more = ", …" if len(choices) > 20 else ""
    return f"known here: {', '.join(choices[:20])}{more}" if choices else ""


def known_keys(path: KeyPath, root: type[BaseModel] = Settings) -> tuple[str, ...]:
    """The keys that the schema allows in the map at ``path``."""
    model: Any = root
    for part in path:
        model = _inner(model, part)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _inner(model: Any, part: str | int) -> Any:
    """The model below ``model`` under ``part``: a field's type, or the item type of a list or map."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = getattr(model, "__args__", ())
    models = [item for item in arguments if isinstance(item, type) and issubclass(item, BaseModel)]
    return models[0] if models else None


def _unknown_key(path: KeyPath, model: type[BaseModel]) -> Finding:
    name, section = str(path[-1]), path[:-1]
    known = known_keys(section, model)
    where = f" in `{'.'.join(str(part) for part in section)}`" if section else ""
    return Finding(path, f"unknown key `{name}`{where}", suggest(name, known), at_key=True)


def _choice(path: KeyPath, expected: str, value: Any) -> Finding:
    words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    if path == ("version",):
        return Finding(path, "this version of the format is not known", "write `version: 1`, or update fleet")
    hint = suggest(value, words) if isinstance(value, str) else ""
    return Finding(path, f"must be {expected.replace(chr(39), '`')}", "" if hint.startswith("known") else hint)


def _type_hint(kind: str, value: Any) -> str:
    if value is None:
        return "fill it in, or remove the key"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes: YAML reads words like no, on and 12 as something else"
    if kind.startswith("int") and isinstance(value, str):
        return "write a number without quotes or unit"
    if kind == "bool_type":
        return "write true or false, without quotes"
    if kind == "tuple_type":
        return "write it as [a, b], or one `- item` per line"
    return "write it as `key: value` lines below" if kind.startswith(("dict", "model")) else ""


def _size(kind: str, context: dict[str, Any]) -> str:
    if kind == "string_too_long":
        return f"longer than {context['max_length']} characters"
    if kind == "too_short":
        return f"needs at least {context['min_length']} item(s)"
    return f"more than {context['max_length']} items"


def _real_path(location: tuple[str | int, ...], merged: Any) -> KeyPath:
    """``location`` without pydantic's own marks, which name no part of the value."""
    path: list[str | int] = []
    value = merged
    for index, part in enumerate(location):
        if part == "[key]":
            continue
        last = index == len(location) - 1
        if isinstance(value, dict) and (part in value or last):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            break
        path.append(part)
    return tuple(path)
