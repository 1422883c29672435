"""The vocabulary: every kind travels through JSON and back, and strangers are survived."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain import events
from fleet_tui.domain.eventdoc import render, sections
from fleet_tui.domain.events import PAYLOADS, Draft, Event, Payload, draft, payload_of

texts = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    str: texts,
    bool: st.booleans(),
    type(None): st.none(),
    Any: json_values,
}


def values_of(annotation: object) -> st.SearchStrategy[Any]:
    """Values of a field's type; fails on a type that has no business in a payload."""
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict and arguments[0] is str:
        return st.dictionaries(SCALARS[str], values_of(arguments[1]), max_size=3)
    if type(None) in arguments:
        return st.one_of([values_of(argument) for argument in arguments])
    raise TypeError(f"not a JSON type: {annotation}")


def payloads_of(cls: type[Payload]) -> st.SearchStrategy[Payload]:
    return st.builds(cls, **{name: values_of(hint) for name, hint in typed_fields(cls).items()})


def sample(cls: type[Payload]) -> Payload:
    """Some payload of the kind, always the same one."""
    plain: dict[object, object] = {int: 7, str: "text", bool: True, Any: {"deep": [1]}}
    return cls(**{name: plain.get(hint, []) for name, hint in typed_fields(cls).items()})


def typed_fields(cls: type[Payload]) -> dict[str, object]:
    hints = typing.get_type_hints(cls, vars(events))
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
@given(data=st.data())
def test_every_payload_survives_the_log(kind: str, data: st.DataObject) -> None:
    payload = data.draw(payloads_of(PAYLOADS[kind]))
    sent = draft(payload, "fleet", key="k")
    stored = json.loads(json.dumps(sent.payload, allow_nan=False, ensure_ascii=False).encode())
    assert payload_of(Draft(kind, stored, "fleet"), PAYLOADS[kind]) == payload
    assert sent.kind == kind


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_fields_of_a_newer_version_are_ignored(kind: str) -> None:
    payload = sample(PAYLOADS[kind])
    stored = {**payload.as_dict(), "a_field_of_next_year": [1]}
    assert payload_of(Draft(kind, stored, "fleet"), PAYLOADS[kind]) == payload


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_a_missing_required_field_is_an_error(kind: str) -> None:
    cls = PAYLOADS[kind]
    required = [f.name for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]  # type: ignore[arg-type]
    complete = sample(cls).as_dict()
    for name in required:
        with pytest.raises(TypeError, match=name):
            payload_of(Draft(kind, {k: v for k, v in complete.items() if k != name}, "fleet"), cls)


def test_the_registry_holds_exactly_the_classes_of_the_module() -> None:
    classes = {c for c in vars(events).values() if isinstance(c, type) and issubclass(c, Payload) and c is not Payload}
    assert set(PAYLOADS.values()) == classes
    assert all(PAYLOADS[kind].kind == kind for kind in PAYLOADS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", kind) for kind in PAYLOADS)


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_payloads_are_frozen_and_named_with_units(kind: str) -> None:
    cls = PAYLOADS[kind]
    payload = sample(cls)
    name = dataclasses.fields(cls)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(payload, name, None)
    assert not hasattr(payload, "__dict__")
    # A bare time or duration would leave its unit to guessing.
    vague = re.compile(r"(^|_)(time|duration|age|idle|seconds|minutes|at|since|until|timeout)$")
    assert [f for f in typed_fields(cls) if vague.search(f)] == []


@given(st.dictionaries(st.text(max_size=10), st.integers()), st.text(max_size=20))
def test_an_unknown_kind_is_kept_as_it_is(payload: dict[str, int], kind: str) -> None:
    event = Event(1, "e", 2, "h", kind, "watcher", "fleet", None, None, 1, payload, "0", "1")
    assert event.payload == payload
    assert dataclasses.asdict(event)["kind"] == kind


def test_no_payload_declares_a_float() -> None:
    for kind, cls in PAYLOADS.items():
        assert "float" not in str(typed_fields(cls)), kind


def test_every_kind_stands_in_the_document() -> None:
    listed = [kind for kinds in sections().values() for kind in kinds]
    assert sorted(listed) == sorted(PAYLOADS)
    document = render()
    for kind, cls in PAYLOADS.items():
        part = document.partition(f"### `{kind}`\n")[2].partition("\n##")[0]
        assert all(f"| `{name}` |" in part for name in typed_fields(cls)), kind


def test_the_document_is_current() -> None:
    written = Path(__file__).parents[2] / "docs" / "events.md"
    assert written.read_text(encoding="utf-8") == render(), "run: make docs"
