"""Every known kind of event can be told in one clean line, also when another version wrote it."""

from __future__ import annotations

import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.events import PAYLOADS, Event
from fleet_tui.readmodel.gist import _TELLERS, gist

SAMPLES: dict[object, object] = {int: 12_345, str: "text", bool: True}


def _sample(kind: str) -> dict[str, object]:
    """A payload with a value of the declared type in every field."""
    payload = PAYLOADS[kind]
    types = typing.get_type_hints(payload)
    values: dict[str, object] = {}
    for field in dataclasses.fields(payload):  # type: ignore[arg-type]
        declared = types[field.name]
        plain = next((t for t in typing.get_args(declared) if t is not type(None)), declared) or declared
        if typing.get_origin(declared) is list:
            inner = typing.get_args(declared)[0]
            values[field.name] = [SAMPLES.get(inner, {"name": "x"})]
        else:
            values[field.name] = SAMPLES.get(plain, "text")
    return values


def _event(kind: str, payload: dict[str, object]) -> Event:
    return Event(1, "id", 0, "host", kind, "watcher", "fleet", None, None, 1, payload, "", "")


@pytest.mark.parametrize("kind", sorted(PAYLOADS))
def test_every_kind_has_a_line(kind: str) -> None:
    text = gist(_event(kind, _sample(kind)))
    assert text
    assert "\n" not in text


def test_tellers_are_for_known_kinds() -> None:
    assert set(_TELLERS) <= set(PAYLOADS)


@given(st.sampled_from(sorted(_TELLERS)), st.dictionaries(st.text(max_size=10), st.none() | st.text() | st.integers()))
def test_any_payload_is_shown_without_a_crash_or_a_control_character(kind: str, payload: dict[str, object]) -> None:
    text = gist(_event(kind, payload))
    assert "\x1b" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        ("run_finished", {"outcome": "stopped", "exit_code": 143, "reason": "by hand"}, "stopped after 2.0 s: by hand"),
        ("run_finished", {"outcome": "stopped", "exit_code": 143, "reason": "stopped"}, "stopped after 2.0 s"),
        ("run_finished", {"outcome": "finished", "signal": 15, "reason": "exited"}, "finished after 2.0 s"),
        ("run_finished", {"outcome": "failed", "reason": "no home"}, "failed after 2.0 s: no home"),
        ("run_crashed", {"exit_code": 3, "reason": "exited"}, "crashed (exit 3) after 2.0 s"),
        ("run_crashed", {"signal": 9, "reason": "killed"}, "crashed (signal 9) after 2.0 s: killed"),
    ],
)
def test_an_end_that_was_asked_for_has_no_number(kind: str, facts: dict[str, object], told: str) -> None:
    facts = {"run": "run-1", "exit_code": None, "signal": None, "active_ms": 2_000, **facts}
    assert gist(_event(kind, facts)) == told


def test_hostile_text_is_cleaned() -> None:
    text = gist(_event("note", {"summary": "a\x1b]52;c;eA==\x07b\u202ec\nd"}))
    assert text == "abc d"


def test_a_gate_s_level_is_told_where_it_is_known() -> None:
    facts: dict[str, object] = {"name": "test", "command": "make test"}
    assert gist(_event("gate_started", {**facts, "isolation": "L1"})) == "test at L1: make test"
    assert gist(_event("gate_started", facts)) == "test: make test"


def test_an_interrupt_names_its_key() -> None:
    assert gist(_event("run_interrupt_requested", {"run": "run-1", "key": "C-c"})) == "C-c into its pane, once"
